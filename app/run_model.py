"""A run as the views see it: plain values and signals, no reading of files, no widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.config import METHODS
from engine.errors import GenotypeError, NascopeError
from engine.genotype import DARTS_PRIMITIVES, Genotype, genotype_from_json
from engine.genotype.discretize import discretize
from engine.genotype.spaces import SpaceError, space_primitives
from engine.runs import AlphaRecord, Event, RunHistory, Status
from engine.runs.library import default_title
from engine.runs.origin import is_imported
from engine.subnets import Architecture, Space, architecture_from_json, space_from_json, space_named


class RunModel(QObject):
    """One run. The follower feeds it events in batches (10 to 20 a second); views listen and read ``history``."""

    events_arrived = Signal(set)
    """set[str]: types of the events of this batch."""
    status_changed = Signal()
    meta_changed = Signal()

    def __init__(self, path: Path, config: Mapping[str, Any], name: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.config = config
        self.name = name
        self.history = RunHistory()
        self.status = Status("created")
        self.order = ""
        """An order that nobody obeyed yet: ``pause``, ``stop``, …; empty where there is none."""

    @property
    def title(self) -> str:
        """The person's name for it, else method and data."""
        return self.name or default_title(self.config)

    @property
    def kind(self) -> str:
        """``search``, ``retrain``, ``two-stage`` or ``subnet``."""
        return str(self.config.get("kind", "search"))

    @property
    def method_title(self) -> str:
        """For example PC-DARTS."""
        method = METHODS.get(str(self.config.get("method", "")))
        return method.title if method else ""

    @property
    def primitives(self) -> tuple[str, ...]:
        """Names of a row of the alphas."""
        try:
            return space_primitives(str(self.config.get("space", "darts")))
        except SpaceError:
            return tuple(self.history.started.get("primitives", DARTS_PRIMITIVES))

    @property
    def nodes(self) -> int:
        """Intermediate nodes of a cell; 4 where a damaged configuration gives no number."""
        nodes = self.config.get("nodes", 4)
        return nodes if isinstance(nodes, int) and 0 < nodes < 100 else 4

    @property
    def is_random(self) -> bool:
        """Whether this is a search that draws its cell and trains nothing: no alphas, no curves, no epochs."""
        return self.kind == "search" and self.config.get("order") == 0

    @property
    def has_cells(self) -> bool:
        """Whether it is about cells: a search for them, or a network that they make."""
        return self.kind in ("search", "retrain")

    @property
    def is_fine_tuned(self) -> bool:
        """Whether this trains a sub-network that began with the weights of its supernet."""
        return self.kind == "subnet" and bool(self.config.get("supernet_run"))

    @property
    def architecture(self) -> Architecture | None:
        """The sub-network that a ``subnet`` run trains, with the data's number of classes once it is known; else None."""
        if self.kind != "subnet":
            return None
        try:
            found = architecture_from_json(self.config.get("architecture"))
        except NascopeError:
            return None
        return replace(found, space=self._with_classes(found.space))

    @property
    def space(self) -> Space | None:
        """What a two-stage run's sub-networks are chosen from, with the data's number of classes once it is known."""
        definition, name = self.config.get("space_definition"), str(self.config.get("space", ""))
        if self.kind != "two-stage":
            return None
        try:
            found = space_from_json(definition) if definition is not None else space_named(name)
        except NascopeError:
            return None
        return self._with_classes(found)

    def _with_classes(self, space: Space) -> Space:
        classes = len(self.history.started.get("classes") or ())
        return space.with_classes(classes) if classes >= 2 else space

    @property
    def has_ended(self) -> bool:
        """Whether nobody works on it any more, so that nothing new is to be expected."""
        return self.status.state in ("stopped", "finished", "failed", "interrupted")

    def feed(self, events: Sequence[Event]) -> None:
        """Take in a batch of events."""
        changed = self.history.feed(events)
        if changed:
            self.events_arrived.emit(changed)

    def set_status(self, status: Status) -> None:
        """Take in a new status."""
        if status != self.status:
            self.status = status
            self.status_changed.emit()

    def set_order(self, order: str) -> None:
        """Take in which order waits to be obeyed."""
        if order != self.order:
            self.order = order
            self.status_changed.emit()

    def set_name(self, name: str) -> None:
        """The person renamed the run."""
        if name != self.name:
            self.name = name
            self.meta_changed.emit()

    def alphas(self, epoch: int | None) -> AlphaRecord | None:
        """Alphas at the end of an epoch; the newest for None."""
        if epoch is None:
            return self.history.alphas[-1] if self.history.alphas else None
        return self.history.alphas_at_epoch(epoch)

    def genotype(self, epoch: int | None) -> Genotype | None:
        """The cells: of a search those that the alphas of this epoch give, of a retraining those it builds; else None."""
        if not self.has_cells:
            return None
        try:
            if self.kind != "search":
                return genotype_from_json(self.config.get("genotype"))
            record = self.alphas(epoch)
            if record is not None and not is_imported(self.config):
                return discretize(record, self.primitives)
            # What another program printed stands: its betas may be missing, its alphas are rounded.
            logged = self.history.of_type("genotype")
            known = [event for event in logged if epoch is None or event.epoch <= epoch] or logged[:1]
            return genotype_from_json(known[-1].data.get("genotype")) if known else None
        except (GenotypeError, ValueError):  # ValueError: alphas of a damaged or foreign log that fit no cell.
            return None
