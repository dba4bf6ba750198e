"""From a log of the original code to a run folder that every view, report and list can read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.config import RunConfig, SearchConfig
from engine.errors import RunError
from engine.genotype import Genotype
from engine.genotype.compare import changed_nodes
from engine.genotype.discretize import edge_list
from engine.genotype.named import is_named, named
from engine.runs.events import Event
from engine.runs.folder import EVENTS, RunFolder
from engine.runs.log import EventWriter
from engine.runs.original.notes import opening_notes
from engine.runs.original.read import find_log, read_log
from engine.runs.original.record import LoggedEpoch, OriginalLog
from engine.runs.original.settings import config_of, method_of
from engine.runs.original.tensors import as_raw_alphas
from engine.runs.status import Status

_SHORT_NAMES = {"DARTS": "DARTS_V2", "PCDARTS": "PC_DARTS_cifar"}
"""Second names in the original genotypes.py."""

_CIFAR_IMAGES = 50_000


@dataclass(frozen=True)
class Imported:
    """What an import made: the run, and what a person should know about it."""

    folder: RunFolder
    kind: str
    method: str
    epochs: int
    state: str
    notes: tuple[str, ...]


def import_log(
    source: Path, *, out: Path | None = None, name: str = "", method: str | None = None, data: str | None = None,
    genotype: Genotype | None = None,
) -> Imported:  # fmt: skip
    """Make a run of a log of the original DARTS or PC-DARTS code, or of the folder that its script made.

    Args:
        out: folder of the new run; None takes a dated one.
        method: of a search: darts, darts-v2 or pc-darts; None lets the log tell.
        genotype: the cells of a retraining whose log names some that nascope does not know.

    Raises:
        RunError: no such log, nothing of use in it, or ``out`` holds a run already.
        NascopeError: ``data`` is not known.
    """
    path = find_log(source)
    log = read_log(path)
    cells = None
    told = ""
    if log.kind == "search":
        method, told = method_of(log, method)
    else:
        method = None
        cells = genotype or _retrained_cells(log)
    config, notes = config_of(log, method=method, data=data, genotype=cells)
    story = _Story(log, config, notes, told)
    facts = {"command": "", "imported_from": {"log": log.place, "arguments": log.arguments}}
    slug = f"imported-{method or 'retrain'}"
    if out is None:
        folder = RunFolder.create_dated(config, facts, slug=slug, name=name)
    else:
        folder = RunFolder.create(out.expanduser().absolute(), config, facts, name=name)
    writer = EventWriter(folder.path / EVENTS)
    try:
        for event in story.events():
            writer.write(event)
        writer.sync()
    finally:
        writer.close()
    if story.last_genotype is not None:
        folder.write_genotype(story.last_genotype)
    status = story.status()
    folder.write_status(status)
    return Imported(folder, config.kind, method or "", len(log.epochs), status.state, tuple(story.notes))


def _retrained_cells(log: OriginalLog) -> Genotype:
    arch = str(log.arguments.get("arch", ""))
    arch = _SHORT_NAMES.get(arch, arch)
    if log.genotype is not None:
        return log.genotype.named(arch or Path(log.place).stem)
    if is_named(arch):
        return named(arch)
    what = f"the log is of a retraining of «{arch}», whose cells it does not print." if arch else "no cells are in it."
    raise RunError(what, where=str(log.path), mend="Name them with --genotype (a name, a file, FILE:NAME or a run).")


class _Story:
    """The log's events, in the order in which they happened."""

    def __init__(self, log: OriginalLog, config: RunConfig, notes: list[str], told: str) -> None:
        self._log = log
        self._config = config
        self._time = log.started or log.path.stat().st_mtime
        self._begin = self._time
        self.steps_per_epoch = self._steps_an_epoch()
        self.last_genotype: Genotype | None = None
        self._floored = 0
        self._alphas = self._usable_alphas()
        opening = opening_notes(log, config, told, has_alphas=bool(self._alphas), floored=self._floored)
        self._notes = [*opening, *((text, False) for text in notes)]
        self.notes = [text for text, _ in self._notes]

    def status(self) -> Status:
        log = self._log
        done = log.epochs[-1].number + (1 if log.epochs[-1].is_complete else 0)
        return Status(
            "finished" if log.is_finished else "stopped", step=done * self.steps_per_epoch, epoch=done,
            epochs=self._config.epochs, steps_per_epoch=self.steps_per_epoch, metrics=self._metrics(), seconds=self._time - self._begin,
        )  # fmt: skip

    def events(self) -> Iterator[Event]:
        log = self._log
        yield self._event("started", 0, 0, None, self._started())
        for text, is_warning in self._notes:
            yield self._event("message", 0, 0, None, {"text": text, "level": "warning" if is_warning else "info"})
        for epoch in log.epochs:
            yield from self._epoch_events(epoch)
        last = log.epochs[-1]
        step = max((last.number + (1 if last.is_complete else 0)) * self.steps_per_epoch - 1, 0)
        if log.is_finished:
            yield self._event("finished", step, last.number, last.ended, {"metrics": self._metrics()})
        else:
            yield self._event("stopped", step, last.number, last.ended, {"reason": "log"})

    # -- one epoch ------------------------------------------------------------------------------------------------

    def _epoch_events(self, epoch: LoggedEpoch) -> Iterator[Event]:
        first = epoch.number * self.steps_per_epoch
        if epoch.genotype is not None:
            genotype = self._named(epoch)
            changed = [list(place) for place in changed_nodes(self.last_genotype, genotype)]
            self.last_genotype = genotype
            yield self._event(
                "genotype", first, epoch.number, epoch.t, {"genotype": genotype.as_json(), "changed": changed}
            )
        if epoch.number in self._alphas:
            yield self._event("alphas", first, epoch.number, epoch.t, self._alphas[epoch.number])
        for logged in epoch.steps:
            numbers = {
                "loss": logged.loss, "accuracy_percent": logged.top1, "learning_rate": epoch.learning_rate,
                "images_per_second": None, "step_seconds": None,
            }  # fmt: skip
            step = first + min(logged.step, self.steps_per_epoch - 1)
            yield self._event("step", step, epoch.number, logged.t, numbers)
        if epoch.is_complete:
            end = first + self.steps_per_epoch - 1
            yield self._event("epoch", end, epoch.number, epoch.ended, self._epoch_metrics(epoch))

    def _named(self, epoch: LoggedEpoch) -> Genotype:
        assert epoch.genotype is not None
        method = str(getattr(self._config, "method", ""))
        place = Path(self._log.place)
        source = {"run": place.parent.name or place.name, "method": method, "epoch": epoch.number + 1}
        return replace(epoch.genotype, name="", source=source)

    def _epoch_metrics(self, epoch: LoggedEpoch) -> dict[str, Any]:
        return {
            "train_loss": _finite(epoch.steps[-1].loss if epoch.steps else None),
            "train_accuracy_percent": _finite(epoch.train_accuracy),
            "validation_loss": _finite(epoch.valid_loss if epoch.valid_accuracy is not None else None),
            "validation_accuracy_percent": _finite(epoch.valid_accuracy),
            "validation_split": None if epoch.valid_accuracy is None else self._split,
            "learning_rate": _finite(epoch.learning_rate),
            "seconds": epoch.ended - epoch.t if epoch.t is not None and epoch.ended is not None else None,
        }  # fmt: skip

    def _metrics(self) -> dict[str, Any]:
        done = [epoch for epoch in self._log.epochs if epoch.is_complete]
        if not done:
            return {}
        found = {name: value for name, value in self._epoch_metrics(done[-1]).items() if name != "seconds"}
        best = [value for epoch in done if (value := _finite(epoch.valid_accuracy)) is not None]
        return found | ({"best_validation_accuracy_percent": max(best)} if best else {})

    @property
    def _split(self) -> str:
        """The original's «valid»: the alphas' half in a search, and the test set in a retraining."""
        return "alphas" if isinstance(self._config, SearchConfig) else "test"

    # -- the whole ------------------------------------------------------------------------------------------------

    def _started(self) -> dict[str, Any]:
        log, config = self._log, self._config
        found: dict[str, Any] = {
            "command": "", "versions": {}, "device": "", "world_size": 1, "epochs": config.epochs,
            "steps_per_epoch": self.steps_per_epoch, "classes": [],
            "parameters": round(millions * 1e6) if (millions := _finite(log.parameters_millions)) else None,
        }  # fmt: skip
        if isinstance(config, SearchConfig):
            found |= {"primitives": list(config.primitives), "edges": [list(edge) for edge in edge_list(config.nodes)]}
        if not log.is_imagenet and config.data in ("cifar10", "cifar100"):
            portion = getattr(config, "train_portion", 1.0)
            weights = int(_CIFAR_IMAGES * portion)
            is_search = isinstance(config, SearchConfig)
            found["splits"] = (
                {"weights": weights, "alphas": _CIFAR_IMAGES - weights} if is_search else {"train": weights}
            )
        return found

    def _steps_an_epoch(self) -> int:
        """Of the images where they are CIFAR's, else by the largest step in the log."""
        seen = max((epoch.steps[-1].step + 1 for epoch in self._log.epochs if epoch.steps), default=1)
        if self._log.is_imagenet or self._config.data not in ("cifar10", "cifar100"):
            return seen
        images = int(_CIFAR_IMAGES * getattr(self._config, "train_portion", 1.0))
        return max(seen, -(-images // self._config.batch_size))

    def _usable_alphas(self) -> dict[int, dict[str, Any]]:
        """The fields of each epoch's ``alphas`` event."""
        if not isinstance(self._config, SearchConfig):
            return {}
        shape = (len(edge_list(self._config.nodes)), len(self._config.primitives))
        found = {}
        for epoch in self._log.epochs:
            if len(epoch.tensors) < 2:
                continue
            if any(values.shape != shape for values in epoch.tensors[:2]):
                self._log.add_fault(f"epoch {epoch.number}: alphas of shape {epoch.tensors[0].shape}, expected {shape}")
                continue
            (normal, floored), (reduction, also) = (as_raw_alphas(values) for values in epoch.tensors[:2])
            self._floored += floored + also
            found[epoch.number] = {"normal": normal.tolist(), "reduction": reduction.tolist()}
        return found

    def _event(self, kind: str, step: int, epoch: int, t: float | None, fields: Mapping[str, Any]) -> Event:
        """Times never run back, and stay where the log has none."""
        self._time = max(self._time, t if t is not None else self._time)
        return Event(self._time, step, epoch, kind, fields)


def _finite(value: float | None) -> float | None:
    """None in place of nan and inf, for which JSON has no word."""
    return value if value is not None and math.isfinite(value) else None
