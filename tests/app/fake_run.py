"""Run folders without an engine: invented but lifelike events, for tests, screenshots and work on the views.

``python tests/app/fake_run.py FOLDER`` writes a small library of runs below FOLDER/runs (use it as NASCOPE_HOME).
"""

from __future__ import annotations

import math
import os
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.config import resolve
from engine.cost.subnets import subnet_cost, subnet_macs
from engine.explain import diagnose_epoch
from engine.genotype import Genotype
from engine.genotype.discretize import discretize, edge_list
from engine.runs import AlphaRecord, Event, RunFolder, RunHistory, Status
from engine.runs.log import EventWriter
from engine.runs.status import process_start_time
from engine.subnets import named_subnets
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform

SKIP = 3


def fake_alphas(
    epoch: float, epochs: int, *, warmup: int = 0, seed: int = 3, kind: str = "normal"
) -> NDArray[np.float64]:
    """Raw alphas ``(14, 8)`` after this (fractional) epoch: they start near 0, part ways, and some choices change."""
    draw = np.random.default_rng(seed * 2 + (kind == "reduction"))
    start = 1e-3 * draw.standard_normal((14, 8))
    early, late = draw.standard_normal((14, 8)), draw.standard_normal((14, 8))
    late[:, SKIP] += 0.7 if kind == "normal" else 0.0
    late[:, 1] += 0.0 if kind == "normal" else 0.8
    early[:, 4] += 0.8
    progress = max(0.0, (epoch - warmup) / max(1, epochs - warmup))
    drift = early * (1 - progress) + late * progress
    drift[:, 0] += 0.5
    return start + 1.1 * progress**0.7 * drift


def fake_betas(
    epoch: float, epochs: int, *, warmup: int = 0, seed: int = 3, kind: str = "normal"
) -> NDArray[np.float64]:
    """Raw betas ``(14,)`` after this epoch."""
    draw = np.random.default_rng(seed * 7 + (kind == "reduction"))
    progress = max(0.0, (epoch - warmup) / max(1, epochs - warmup))
    return 1e-3 * draw.standard_normal(14) + 0.6 * progress * draw.standard_normal(14)


def fake_record(step: int, epoch: int, at: float, epochs: int, *, warmup: int, seed: int, betas: bool) -> AlphaRecord:
    """Alphas of both cells (and betas) as a history keeps them."""
    normal, reduction = (
        fake_alphas(at, epochs, warmup=warmup, seed=seed, kind=kind) for kind in ("normal", "reduction")
    )
    if not betas:
        return AlphaRecord(step, epoch, normal, reduction)
    normal_betas, reduction_betas = (
        fake_betas(at, epochs, warmup=warmup, seed=seed, kind=kind) for kind in ("normal", "reduction")
    )
    return AlphaRecord(step, epoch, normal, reduction, normal_betas, reduction_betas)


def fake_events(
    config: Any,
    *,
    done: int,
    steps_per_epoch: int = 20,
    extra_steps: int = 0,
    seed: int = 3,
    start: float | None = None,
) -> Iterator[Event]:
    """Events of a run that finished ``done`` epochs and some steps, without the last word (stopped, finished, failed)."""
    if config.kind == "two-stage":
        yield from fake_supernet_events(
            config, done=done, steps_per_epoch=steps_per_epoch, extra_steps=extra_steps, seed=seed, start=start
        )
        return
    draw = np.random.default_rng(seed)
    search = config.kind == "search"
    warmup = int(getattr(config, "warmup_epochs", 0))
    betas = bool(getattr(config, "edge_normalization", False))
    seconds = 0.42
    total = done * steps_per_epoch + extra_steps
    begun = time.time() - total * seconds - 20 if start is None else start

    def event(step: int, epoch: int, kind: str, **data: Any) -> Event:
        return Event(begun + step * seconds, step, epoch, kind, data)

    started: dict[str, Any] = {
        "command": ["nascope", config.kind], "versions": {"nascope": "0.1.0", "torch": "2.14.1", "python": "3.11.7"}, "device": config.device if config.device != "auto" else "cpu",
        "world_size": 1, "epochs": config.epochs, "steps_per_epoch": steps_per_epoch, "parameters": 1_930_618,
        "splits": {"train": 1222, "validation": 215, "test": 360}, "classes": [str(number) for number in range(10)],
    }  # fmt: skip
    if search:
        started |= {"primitives": list(config.primitives), "edges": [list(edge) for edge in edge_list(4)]}
    yield event(0, 0, "started", **started)
    cells: Genotype | None = None
    records: list[AlphaRecord] = []
    raised: set[str] = set()
    for step in range(total):
        epoch = step // steps_per_epoch
        at = (step + 1) / steps_per_epoch
        fall = math.exp(-2.2 * at / config.epochs)
        rate = 0.5 * config.learning_rate * (1 + math.cos(math.pi * at / config.epochs))
        noise = draw.standard_normal(4)
        data = {
            "loss": 0.35 + 1.9 * fall + 0.07 * noise[0], "accuracy_percent": min(100.0, 96 - 82 * fall + 1.5 * noise[1]),
            "learning_rate": rate, "images_per_second": 612 + 8 * noise[2], "step_seconds": seconds + 0.01 * noise[3],
        }  # fmt: skip
        if search:
            data |= {"alpha_loss": 0.55 + 1.8 * fall + 0.08 * noise[1], "alpha_accuracy_percent": min(100.0, 92 - 80 * fall + 1.7 * noise[0]),
                     "alpha_learning_rate": getattr(config, "alpha_learning_rate", 3e-4)}  # fmt: skip
        yield event(step, epoch, "step", **data)
        if step % 5 == 0:
            frozen = search and epoch < warmup
            yield event(step, epoch, "gradient", weight_gradient_norm=1.5 * fall + 0.2, weight_update_norm=0.02 * fall,
                        alpha_gradient_norm=None if frozen or not search else 0.03 + 0.01 * abs(noise[0]),
                        alpha_update_norm=None if frozen or not search else 0.004)  # fmt: skip
            yield event(step, epoch, "memory", resident_mib=812.0 + at, device_mib=None, device_total_mib=None)
        ends = (step + 1) % steps_per_epoch == 0
        if search and (ends or step % 10 == 0):
            record = fake_record(step, epoch, at, config.epochs, warmup=warmup, seed=seed, betas=betas)
            yield event(step, epoch, "alphas", normal=record.normal.tolist(), reduction=record.reduction.tolist(),
                        **({"normal_betas": record.normal_betas.tolist(), "reduction_betas": record.reduction_betas.tolist()}
                           if record.normal_betas is not None and record.reduction_betas is not None else {}))  # fmt: skip
        if not ends:
            continue
        yield event(step, epoch, "epoch", train_loss=0.35 + 1.9 * fall, train_accuracy_percent=96 - 82 * fall,
                    validation_loss=0.55 + 1.75 * fall, validation_accuracy_percent=92 - 80 * fall + 0.4 * noise[2],
                    validation_split="validation", learning_rate=rate, seconds=steps_per_epoch * seconds)  # fmt: skip
        if search:
            fresh = discretize(record, config.primitives)
            changed = [] if cells is None else [
                [kind, node] for kind in ("normal", "reduction") for node in range(4)
                if fresh.cell(kind).as_sets()[node] != cells.cell(kind).as_sets()[node]
            ]  # fmt: skip
            cells = fresh
            yield event(step, epoch, "genotype", genotype=fresh.as_json(), changed=changed)
            found = diagnose_epoch(record, fresh, primitives=config.primitives, epoch=epoch, epochs=config.epochs,
                                   warmup_epochs=warmup, previous=records)  # fmt: skip
            records = [*records, record][-5:]
            for diagnosis in found:
                if diagnosis.code not in raised:
                    yield event(step, epoch, "diagnosis", **diagnosis.as_json())
            raised = {diagnosis.code for diagnosis in found}
        yield event(step, epoch, "checkpoint", file="checkpoint-last.pt", best=epoch % 3 == 0)


def fake_supernet_events(
    config: Any,
    *,
    done: int,
    steps_per_epoch: int = 20,
    extra_steps: int = 0,
    seed: int = 3,
    start: float | None = None,
) -> Iterator[Event]:
    """Events of a two-stage training; the networks that it samples, and their multiply-adds, are real."""
    noise, chance = np.random.default_rng(seed), random.Random(seed)
    space = config.the_space()
    ends = [
        biggest(space),
        smallest(space),
        *(uniform(space, random.Random(f"fixed {place}")) for place in range(config.validation_networks)),
    ]
    cost = {architecture.key: subnet_cost(architecture) for architecture in ends}
    seconds, total = 0.3, done * steps_per_epoch + extra_steps
    begun = time.time() - total * seconds - 20 if start is None else start
    edges = np.linspace(cost[ends[1].key].macs * 0.9, cost[ends[0].key].macs * 1.05, 25)

    def event(step: int, epoch: int, kind: str, **data: Any) -> Event:
        return Event(begun + step * seconds, step, epoch, kind, data)

    yield event(
        0, 0, "started", command=["nascope", "search"], versions={"nascope": "0.1.0", "torch": "2.14.1", "python": "3.11.7"}, device="cpu",
        world_size=1, epochs=config.epochs, steps_per_epoch=steps_per_epoch, parameters=144_322, space=space.name, space_size=space.size,
        smallest={"macs": cost[ends[1].key].macs}, biggest={"macs": cost[ends[0].key].macs}, networks_per_step=config.networks_per_step,
        splits={"train": 1222, "validation": 215, "test": 360}, classes=[str(number) for number in range(space.classes)],
    )  # fmt: skip
    counts: list[Counter[int]] = [Counter() for _ in space.coordinates()]
    macs: list[int] = []
    for step in range(total):
        epoch, at = step // steps_per_epoch, (step + 1) / steps_per_epoch
        fall = math.exp(-3.0 * at / config.epochs)
        rate = 0.5 * config.learning_rate * (1 + math.cos(math.pi * at / config.epochs))
        wobble = noise.standard_normal(4)
        for _ in range(config.networks_per_step - 2):
            drawn = uniform(space, chance)
            macs.append(subnet_macs(drawn))
            for counter, value in zip(counts, drawn.values(), strict=True):
                counter[value] += 1
        yield event(
            step, epoch, "step", loss=0.55 + 1.8 * fall + 0.06 * wobble[0], accuracy_percent=min(100.0, 98 - 86 * fall + 1.3 * wobble[1]),
            smallest_loss=0.9 + 1.5 * fall + 0.06 * wobble[2], smallest_accuracy_percent=min(100.0, 94 - 83 * fall + 1.5 * wobble[3]),
            sampled_loss=0.7 + 1.6 * fall + 0.06 * wobble[1], learning_rate=rate, images_per_second=410 + 6 * wobble[2],
            step_seconds=seconds + 0.01 * wobble[3],
        )  # fmt: skip
        if step % 5 == 0:
            yield event(step, epoch, "gradient", weight_gradient_norm=1.5 * fall + 0.2, weight_update_norm=0.02 * fall)
            yield event(step, epoch, "memory", resident_mib=612.0 + at, device_mib=None, device_total_mib=None)
        if (step + 1) % steps_per_epoch:
            continue
        accuracies = [98.6 - 80 * fall, 94.4 - 79 * fall, *(97.0 - 80 * fall + place for place in range(len(ends) - 2))]
        for place, (architecture, accuracy) in enumerate(zip(ends, accuracies, strict=True)):
            found = cost[architecture.key]
            yield event(step, epoch, "subnet", role=("biggest", "smallest")[place] if place < 2 else "sampled", macs=found.macs,
                        architecture=architecture.as_json(), parameters=found.parameters, accuracy_percent=accuracy, loss=1.0 - accuracy / 100)  # fmt: skip
        histogram, _ = np.histogram(macs, edges)
        yield event(
            step, epoch, "sampled", networks=len(macs), macs_edges=edges.tolist(), macs_counts=histogram.tolist(), off_target=0,
            counts={coordinate.place: {str(value): counter[value] for value in coordinate.choices}
                    for coordinate, counter in zip(space.coordinates(), counts, strict=True)},
        )  # fmt: skip
        counts, macs = [Counter() for _ in space.coordinates()], []
        yield event(
            step, epoch, "epoch", train_loss=0.55 + 1.8 * fall, train_accuracy_percent=98 - 86 * fall, validation_loss=0.6 + 1.7 * fall,
            validation_accuracy_percent=accuracies[0], smallest_validation_accuracy_percent=accuracies[1],
            sampled_validation_accuracy_percent=float(np.mean(accuracies[2:])) if accuracies[2:] else None, validation_split="validation",
            learning_rate=rate, seconds=steps_per_epoch * seconds,
        )  # fmt: skip
        yield event(step, epoch, "checkpoint", file="checkpoint-last.pt", best=True)


def fake_history(*, method: str = "pc-darts", done: int = 31, epochs: int = 50, **more: Any) -> RunHistory:
    """A history without a folder."""
    history = RunHistory()
    history.feed(fake_events(fake_config(method=method, epochs=epochs), done=done, **more))
    return history


def fake_config(
    kind: str = "search",
    *,
    method: str = "pc-darts",
    data: str = "cifar10",
    epochs: int = 50,
    genotype: Genotype | None = None,
    **values: Any,
) -> Any:
    """A checked configuration."""
    if kind == "search":
        return resolve("search", method=method, data=data, values={"epochs": epochs, "seed": 3, **values})
    if kind == "two-stage":
        return resolve(kind, method=method, data=data, values={"epochs": epochs, "seed": 3, **values})
    if kind == "subnet":
        record = named_subnets()["AttentiveNAS-A0"].architecture.as_json()
        return resolve(kind, data=data, values={"epochs": epochs, "architecture": record, **values})
    cells = genotype or discretize(
        fake_record(0, 0, 30, 50, warmup=0, seed=3, betas=False),
        (
            "none",
            "max_pool_3x3",
            "avg_pool_3x3",
            "skip_connect",
            "sep_conv_3x3",
            "sep_conv_5x5",
            "dil_conv_3x3",
            "dil_conv_5x5",
        ),
    )
    return resolve("retrain", data=data, values={"epochs": epochs, "genotype": cells.as_json(), **values})


def write_fake_run(
    path: Path, *, kind: str = "search", method: str = "pc-darts", data: str = "cifar10", epochs: int = 50, done: int = 31,
    state: str = "running", name: str = "", seed: int = 3, steps_per_epoch: int = 20, extra_steps: int = 0, created: float | None = None,
    pid: int | None = None, error: dict[str, str] | None = None, **values: Any,
) -> RunFolder:  # fmt: skip
    """A run folder with ``done`` epochs behind it.

    Args:
        state: as ``status.json`` shall tell it; ``running`` and ``paused`` name ``pid`` (default: this process) as the
            engine, so that the run reads as alive; a dead ``pid`` makes an interrupted run.
        created: unix seconds for the library's groups; now without it.
    """
    config = fake_config(kind, method=method, data=data, epochs=epochs, **values)
    run = RunFolder.create(path, config, {"command": ["nascope", kind], "preset": "auto"}, name=name)
    begun = time.time() if created is None else created
    run.add_facts(created=begun)
    writer = EventWriter(path / "events.jsonl")
    last: Event | None = None
    metrics: dict[str, Any] = {}
    for last in fake_events(config, done=done, steps_per_epoch=steps_per_epoch, extra_steps=extra_steps, seed=seed):
        writer.write(last)
        if last.type == "epoch":
            names = (
                "train_loss",
                "validation_loss",
                "validation_accuracy_percent",
                "smallest_validation_accuracy_percent",
            )
            metrics = {name: last.data[name] for name in names if name in last.data}
    assert last is not None
    closing = {"stopped": {"reason": "order"}, "finished": {"metrics": metrics}, "failed": {"error": error}}.get(state)
    if closing is not None:
        writer.write(Event(last.t + 1, last.step, last.epoch, state, closing))
    writer.close()
    if kind == "search" and done:
        run.write_genotype(
            discretize(
                fake_record(
                    0,
                    0,
                    done,
                    epochs,
                    warmup=int(getattr(config, "warmup_epochs", 0)),
                    seed=seed,
                    betas=bool(getattr(config, "edge_normalization", False)),
                ),
                config.primitives,
            )
        )
    engine = os.getpid() if pid is None else pid
    run.write_status(
        Status(
            state, step=last.step, epoch=last.epoch, epochs=epochs, steps_per_epoch=steps_per_epoch, pid=engine,  # type: ignore[arg-type]
            host=socket.gethostname(), process_started=process_start_time(engine) if pid is None else 1.0, heartbeat=time.time(),
            metrics=metrics, error=error, seconds=last.step * 0.42,
        )
    )  # fmt: skip
    return run


def write_fake_library(home: Path) -> None:
    """A home folder with runs of every state, as in the picture to aim at."""
    runs, now, day = home / "runs", time.time(), 86_400
    write_fake_run(runs / "pc-darts-3", done=30, extra_steps=13, epochs=50)
    write_fake_run(
        runs / "darts-v2-digits",
        method="darts-v2",
        data="digits",
        epochs=20,
        done=20,
        state="finished",
        seed=5,
        created=now - 3600,
    )
    write_fake_run(
        runs / "bignas-digits",
        kind="two-stage",
        method="bignas",
        data="digits",
        epochs=30,
        done=30,
        state="finished",
        seed=6,
        created=now - 2400,
    )
    retrain = write_fake_run(
        runs / "retrain-digits",
        kind="retrain",
        data="digits",
        epochs=40,
        done=40,
        state="finished",
        name="Retrain of DARTS 2nd",
        created=now - 1800,
    )
    retrain.add_result(
        "test",
        split="test",
        images=360,
        accuracy_percent=98.89,
        loss=0.041,
        top5_accuracy_percent=100.0,
        tests_so_far=1,
    )
    write_fake_run(
        runs / "beta-darts",
        method="beta-darts",
        epochs=50,
        done=12,
        state="stopped",
        seed=8,
        name="Beta-DARTS · my X-rays",
        created=now - 5000,
    )
    write_fake_run(
        runs / "darts-cifar",
        method="darts",
        epochs=50,
        done=20,
        state="running",
        pid=2**22 + 1,
        seed=9,
        created=now - 7000,
    )
    write_fake_run(runs / "darts-digits-failed", method="darts", data="digits", epochs=20, done=3, state="failed", seed=11, created=now - 3 * day,
                   error={"what": "killed by signal 9, probably out of memory.", "where": "epoch 4 of 20", "mend": "Lower batch_size or channels."})  # fmt: skip
    write_fake_run(
        runs / "pc-digits",
        method="pc-darts",
        data="digits",
        epochs=20,
        done=20,
        state="finished",
        seed=12,
        created=now - 4 * day,
    )


if __name__ == "__main__":
    write_fake_library(Path(sys.argv[1]))
