"""``nascope select``: chooses sub-networks of a two-stage run for a budget."""

from __future__ import annotations

import contextlib
import math
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.arguments import find_run
from engine.cli.output import DONE, emit, json_option, note, writing
from engine.cli.select_answer import SelectProgress, print_selection, select_document
from engine.config import TwoStageConfig
from engine.cost.quantities import parse_amount, parse_bytes, parse_milliseconds
from engine.cost.subnets import subnet_cost
from engine.errors import NascopeError, RunError
from engine.runs import RunFolder
from engine.runs.files import write_json
from engine.runs.lock import take_lock
from engine.subnets import Architecture
from engine.subnets.architecture import smallest

if TYPE_CHECKING:
    from engine.training.interrupts import Interrupts
    from engine.two_stage.saved import SavedSupernet
    from engine.two_stage.selection import Limits, MeasuredNetwork

LOCK = ".select.lock"
NO_LOSS = 1e6
"""Stands for the loss of a sub-network that gives no numbers: it loses every comparison, and JSON has a word for it."""
CHOSEN = "subnets"
"""Folder in a run with the records and weights of chosen networks, named by their keys."""

_OPTIONS = {"macs": "--macs", "parameters": "--parameters", "memory_bytes": "--memory", "latency_ms": "--latency"}


class _Stopped(Exception):
    """Somebody wants the selection to end."""


@click.command("select")
@click.argument("run")
@click.option("--macs", metavar="AMOUNT", help="At most so many multiply-adds: 20M, 0.8M.")
@click.option("--parameters", metavar="AMOUNT", help="At most so many parameters: 1M.")
@click.option("--memory", metavar="AMOUNT", help="At most so much memory for a pass of one image: 8MiB.")
@click.option("--latency", metavar="TIME", help="At most so long for one image on this device, measured: 5ms.")
@click.option(
    "--strategy",
    metavar="STRATEGY",
    help="evolution, coarse-to-fine or random; default: the method's own (bignas: coarse-to-fine, attentive-nas: evolution).",
)
@click.option(
    "--evaluations",
    type=click.IntRange(4, 1_000_000),
    default=64,
    show_default=True,
    metavar="N",
    help="Networks that the strategy measures; as many random ones are measured beside it.",
)
@click.option(
    "--predictor", is_flag=True, help="Measure only the most promising of many proposals, by a predictor fitted to those measured."
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, metavar="N", help="Of the random numbers."
)
@click.option("--device", metavar="DEVICE", default="auto", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--unfinished", is_flag=True, help="Choose also where the training has not finished.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the best network's record there too, as JSON.",
)
@json_option
def command(run: str, as_json: bool, **said: Any) -> int:
    """Choose sub-networks of a two-stage RUN: the most accurate for every cost within the budget.

    Networks are cut out of the supernet, their batch norms calibrated, and measured on the validation split; nothing is
    trained. Without a budget the front reaches from the smallest network to the biggest. What was measured is kept in
    subnets.jsonl of the run and never measured again; the test split is not touched.
    """
    limits = _limits(said)
    folder = find_run(run)
    config = _refuse_unready(folder, unfinished=said["unfinished"])
    _refuse_impossible(config, folder, limits, said)
    from engine.training.interrupts import EXIT_CODES, Interrupts

    lock = take_lock(
        folder.path, LOCK, what="run's selection", holder=lambda: (None, ""), held="Wait for it to end.",
        read_only="Copy the folder to a place where you may write.",
    )  # fmt: skip
    try:
        with Interrupts() as interrupts:
            kept: list[int] = [0]
            try:
                return _select(folder, config, limits, said, interrupts, kept, as_json=as_json)
            except _Stopped:
                assert interrupts.reason is not None
                note(
                    f"nascope: stopped; {kept[0]} newly measured networks are kept, and the same call goes on from there."
                )
                if as_json:
                    emit({"run": str(folder.path), "state": "stopped", "measured_now": kept[0]})
                return EXIT_CODES[interrupts.reason]
    finally:
        lock.release()


def _select(
    folder: RunFolder, config: TwoStageConfig, limits: Limits, said: dict[str, Any], interrupts: Interrupts, kept: list[int], *, as_json: bool
) -> int:  # fmt: skip
    from engine.cli.select_timing import Timing
    from engine.training.device import describe_device
    from engine.two_stage.saved import open_saved
    from engine.two_stage.selection import Book, default_strategy, non_dominated, select
    from engine.two_stage.selection.rows import keep_network, known_networks

    def stop_check() -> None:
        if interrupts.reason is not None:
            raise _Stopped

    begin = time.monotonic()
    strategy = said["strategy"] or default_strategy(config.method)
    with _opened(open_saved(folder, said["device"])) as saved:
        stop_check()

        def measure(architecture: Architecture) -> tuple[float, float]:
            stop_check()
            found = saved.meter.measure(saved.supernet, architecture, stop_check)
            assert found.accuracy_percent is not None  # There is a validation split.
            assert found.loss is not None
            return found.accuracy_percent, found.loss if math.isfinite(found.loss) else NO_LOSS

        def keep(network: MeasuredNetwork) -> None:
            keep_network(folder.path, saved.setting, network)
            kept[0] += 1

        book = Book(measure, known=known_networks(folder.path, saved.space, saved.setting), keep=keep)
        note(
            f"{folder.path}: {saved.space.size:,} sub-networks, the supernet after epoch {saved.epoch}, on {describe_device(saved.device)}; "
            f"{len(book.networks())} measured before"
        )
        with writing(folder.path):
            timing = Timing(folder, saved, stop_check) if limits.latency_ms is not None else None
            screen = timing.screen(limits) if timing is not None else None
            with SelectProgress() as progress:
                found = select(
                    saved.space, limits, book, strategy=strategy, evaluations=said["evaluations"], seed=said["seed"],
                    with_predictor=said["predictor"], told=progress,
                    within_latency=screen.lets_through(limits.latency_ms) if screen is not None and limits.latency_ms else None,
                )  # fmt: skip
            front, latency = non_dominated(found.networks), None
            if timing is not None:
                latency = timing.front(found, limits, lambda network: keep_network(folder.path, saved.setting, network))
                front = list(latency.networks)
            document = select_document(
                folder, limits, strategy, said, front, found, latency,
                seconds=time.monotonic() - begin, setting=saved.setting, epoch=saved.epoch, checkpoint=saved.checkpoint,
            )  # fmt: skip
            if front:
                _keep_chosen(folder, saved, front[0], document, said["out"])
            _add_result(folder, document)
    emit(document) if as_json else print_selection(folder, document)
    return DONE


def _limits(said: dict[str, Any]) -> Limits:
    from engine.two_stage.selection.limits import Limits

    return Limits(
        macs=parse_amount(said["macs"], "--macs") if said["macs"] is not None else None,
        parameters=parse_amount(said["parameters"], "--parameters", of="parameters") if said["parameters"] is not None else None,
        memory_bytes=parse_bytes(said["memory"], "--memory") if said["memory"] is not None else None,
        latency_ms=parse_milliseconds(said["latency"], "--latency") if said["latency"] is not None else None,
    )  # fmt: skip


def _refuse_unready(folder: RunFolder, *, unfinished: bool) -> TwoStageConfig:
    """Refuse runs that have no supernet, or none that may be chosen from yet."""
    config = folder.config()
    if not isinstance(config, TwoStageConfig):
        raise RunError(
            "has no supernet to choose sub-networks from.", where=str(folder.path),
            mend="Name a run of a two-stage method (nascope search --method bignas).",
        )  # fmt: skip
    status = folder.status()
    state, path = status.alive_state, shlex.quote(str(folder.path))
    if state in ("running", "paused"):
        raise RunError(
            f"the training is {state}: its weights change while they are measured.", where=str(folder.path),
            mend=f"Wait for its end, or stop it (nascope stop {path}) and choose with --unfinished.",
        )  # fmt: skip
    if state != "finished" and not unfinished:
        raise RunError(
            f"the training is not finished ({state}, {status.epoch} of {status.epochs or config.epochs} epochs).", where=str(folder.path),
            mend=f"Resume it (nascope resume {path}), or choose among the networks as they are with --unfinished.",
        )  # fmt: skip
    return config


def _refuse_impossible(config: TwoStageConfig, folder: RunFolder, limits: Limits, said: dict[str, Any]) -> None:
    """What can be refused before torch and the images are loaded."""
    from engine.two_stage.selection.predicting import LEAST_NETWORKS
    from engine.two_stage.selection.select import refuse_strategy

    if said["strategy"] is not None:
        refuse_strategy(said["strategy"])
    if said["out"] is not None:
        out = said["out"].expanduser()
        if out.is_dir() or not out.parent.is_dir():
            what = "is a folder" if out.is_dir() else "has no folder to lie in"
            raise NascopeError(f"{out} {what}.", where="--out", mend="Name a file in a folder that is there.")
    if said["predictor"] and said["evaluations"] < LEAST_NETWORKS:
        raise NascopeError(
            f"{said['evaluations']} measured networks are too few to fit a predictor.", where="--predictor",
            mend=f"Use --evaluations {LEAST_NETWORKS} or more, or leave it out.",
        )  # fmt: skip
    from engine.runs import RunHistory
    from engine.runs.folder import EVENTS

    classes = RunHistory.read(folder.path / EVENTS).started.get("classes")
    space = config.the_space()
    if isinstance(classes, int) and classes >= 2:
        space = space.with_classes(classes)
    elif isinstance(classes, list) and len(classes) >= 2:
        space = space.with_classes(len(classes))
    names = {
        field: f"{option} {said[option[2:]]}" for field, option in _OPTIONS.items() if said[option[2:]] is not None
    }
    limits.refuse_below(subnet_cost(smallest(space)), names=names)


@contextlib.contextmanager
def _opened(saved: SavedSupernet) -> Iterator[SavedSupernet]:
    try:
        yield saved
    finally:
        saved.close()


def _keep_chosen(
    folder: RunFolder, saved: SavedSupernet, best: MeasuredNetwork, document: dict[str, Any], out: Path | None
) -> None:
    """The best network's record and calibrated weights in the run's folder; the record also where ``-o`` says."""
    from engine.export.source import exported_subnet
    from engine.export.write import write_network

    place = folder.path / CHOSEN
    place.mkdir(exist_ok=True)
    record = {**document["subnets"][0], "run": str(folder.path), "setting": saved.setting}
    write_json(place / f"{best.architecture.key}.json", record)
    write_network(exported_subnet(saved, best.architecture), place / f"{best.architecture.key}.pt", "torch")
    if out is not None:
        with writing(out):
            write_json(out.expanduser(), record)
        note(f"Written: {out}")


def _add_result(folder: RunFolder, document: dict[str, Any]) -> None:
    front = document["subnets"]
    folder.add_result(
        "select", budget=document["budget"], strategy=document["strategy"], seed=document["seed"], evaluated=document["evaluated"],
        measured_now=document["measured_now"], networks=len(front), best=front[0] if front else None, random=document["random"],
        predictor=document.get("predictor"), setting=document["setting"], checkpoint=document["checkpoint"], epoch=document["epoch"],
        seconds=document["seconds"],
    )  # fmt: skip
