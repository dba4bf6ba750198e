"""What is known of a run's networks: rows of ``subnets.jsonl`` as they come, else what the training measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.run_model import RunModel
from app.subnets.follow import SubnetFollower
from app.subnets.points import Point, Points, point_of_row, points_of_rows, points_of_training, space_of
from engine.cost.subnets import subnet_macs
from engine.runs import RunFolder
from engine.runs.subnet_log import SubnetRow
from engine.subnets import Space
from engine.subnets.architecture import biggest, smallest


class MeasuredNetworks(QObject):
    """Follows one run at a time.

    Attributes:
        points: networks that compare with each other.
        bounds: multiply-adds of the smallest and the biggest network of the space; None where it cannot be read.
        results: lines of ``results.jsonl``.
    """

    changed = Signal()
    """Other points or bounds."""
    results_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model: RunModel | None = None
        self.points = Points()
        self.bounds: tuple[int, int] | None = None
        self.results: list[Mapping[str, Any]] = []
        self._rows: list[tuple[str, Point]] = []
        self._space: Space | None = None
        self._follower = SubnetFollower(self)
        self._follower.arrived.connect(self._arrived)
        self._follower.cleared.connect(self._cleared)

    def set_model(self, model: RunModel | None) -> None:
        """Follow another run; None lets go."""
        if self.model is not None:
            self.model.events_arrived.disconnect(self._events)
        self.model = model
        self.results = [] if model is None else list(RunFolder(model.path).results())
        self._rows, self._space = [], None
        if model is not None:
            model.events_arrived.connect(self._events)
        self._gather()
        self._follower.follow(None if model is None else model.path)

    def read_results(self) -> None:
        """Read tests and selections again: one ended."""
        self.results = [] if self.model is None else list(RunFolder(self.model.path).results())
        self.results_changed.emit()

    def look_now(self) -> None:
        """Read new rows at once."""
        self._follower.look()

    def _events(self, types: set[str]) -> None:
        # Rows of a selection stand whatever the training says; while a long log is read this is asked for many times.
        if types & ({"started"} if self._rows else {"started", "resumed", "subnet", "checkpoint", "epoch"}):
            self._gather()

    def _arrived(self, rows: list[SubnetRow]) -> None:
        self._rows += [(row.setting, point) for row in rows if (point := point_of_row(row)) is not None]
        if not self._follower.is_behind:  # All at once: gathered bite by bite a long file would take seconds.
            self._gather()

    def _cleared(self) -> None:
        self._rows = []
        self._gather()

    def _gather(self) -> None:
        model = self.model
        if model is None:
            self.points = Points()
        else:
            self.points = points_of_rows(self._rows) if self._rows else points_of_training(model)
        space = None if model is None else space_of(model)
        if space is None or space != self._space:
            self._space = space
            self.bounds = None if space is None else (subnet_macs(smallest(space)), subnet_macs(biggest(space)))
        self.changed.emit()
