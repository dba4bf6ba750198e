"""What a run has said so far, arranged for plots, heatmaps, explanations and reports.

Feed it events as they come; it applies resumes (events that were undone are dropped) and keeps series as arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.runs.events import ALWAYS_KEPT, Event
from engine.runs.log import read_events

Array = NDArray[np.float64]


class Series:
    """One number over the steps: ``(t, step, value)`` in arrays that grow by doubling."""

    def __init__(self) -> None:
        self._rows = np.empty((256, 3))
        self._length = 0

    def append(self, t: float, step: int, value: float) -> None:
        """Add a point; steps come in order, and the same step again replaces its point.

        A run that was killed between the end of an epoch and its checkpoint says that end once more when it goes on.
        """
        if self._length and self._rows[self._length - 1, 1] == step:
            self._length -= 1
        if self._length == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._length] = (t, step, value)
        self._length += 1

    def drop_from(self, step: int) -> None:
        """Forget the points of this step and later."""
        self._length = int(np.searchsorted(self.steps, step, side="left"))

    def __len__(self) -> int:
        return self._length

    @property
    def times(self) -> Array:
        """Unix seconds, ``(points,)``."""
        return self._rows[: self._length, 0]

    @property
    def steps(self) -> Array:
        """Steps from 0, ``(points,)``, ascending."""
        return self._rows[: self._length, 1]

    @property
    def values(self) -> Array:
        """The numbers, ``(points,)``; NaN where the log has null."""
        return self._rows[: self._length, 2]


@dataclass(frozen=True)
class AlphaRecord:
    """Alphas (and betas) as they stood after a step: raw values, not softmaxed.

    Attributes:
        normal, reduction: ``(edges, primitives)``.
        normal_betas, reduction_betas: ``(edges,)``, None where the method has none.
    """

    step: int
    epoch: int
    normal: Array
    reduction: Array
    normal_betas: Array | None = None
    reduction_betas: Array | None = None

    def of(self, kind: str) -> tuple[Array, Array | None]:
        """Alphas and betas of one kind of cell."""
        return (self.normal, self.normal_betas) if kind == "normal" else (self.reduction, self.reduction_betas)


class RunHistory:
    """A run's events, arranged.

    Attributes:
        started: fields of the ``started`` event, empty before it; ``epochs`` as the last resume has them.
        series: by ``type.field``, for example ``step.loss``, ``epoch.validation_accuracy_percent``, ``gradient.alpha_gradient_norm``.
        alphas: every ``AlphaRecord``, in order of steps.
        notable: events of the types genotype, diagnosis, checkpoint, message, discretization_gap, stopped, finished,
            failed, paused, resumed: for markers, lists and texts.
        last: newest event of each type.
        revision: grows whenever something changed.
    """

    def __init__(self) -> None:
        self._clear()
        self.revision = 0

    def _clear(self) -> None:
        self.started: Mapping[str, Any] = {}
        self.series: dict[str, Series] = {}
        self.alphas: list[AlphaRecord] = []
        self.notable: list[Event] = []
        self.last: dict[str, Event] = {}

    @classmethod
    def read(cls, events_path: Path) -> RunHistory:
        """The history of a log as it stands."""
        history = cls()
        history.feed(read_events(events_path))
        return history

    def feed(self, events: Iterable[Event]) -> set[str]:
        """Take in events; returns the types that changed."""
        changed = set()
        for event in events:
            changed.add(event.type)
            self._take(event)
        if changed:
            self.revision += 1
        return changed

    def of_type(self, kind: str) -> list[Event]:
        """Notable events of one type, in order."""
        return [event for event in self.notable if event.type == kind]

    @property
    def step(self) -> int:
        """The newest step that was logged, -1 before the first."""
        series = self.series.get("step.loss")
        return int(series.steps[-1]) if series is not None and len(series) else -1

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one epoch, 0 before the run started."""
        return int(self.started.get("steps_per_epoch") or 0)

    @property
    def epochs_logged(self) -> int:
        """How many epochs have alphas: the slider's length."""
        return self.alphas[-1].epoch + 1 if self.alphas else 0

    def alphas_at_epoch(self, epoch: int) -> AlphaRecord | None:
        """The alphas at the end of this epoch (its newest so far); the nearest earlier one where it has none."""
        found = None
        for record in self.alphas:
            if record.epoch > epoch:
                break
            found = record
        return found if found is not None or not self.alphas else self.alphas[0]

    def alphas_by_epoch(self) -> list[AlphaRecord]:
        """The last record of each epoch, in order."""
        return list({record.epoch: record for record in self.alphas}.values())

    def _take(self, event: Event) -> None:
        if event.type == "started":
            self._clear()
            self.started = event.data
        elif event.type == "resumed":
            self._drop_from(event.step)
            if "epochs" in event.data:  # A resume may have changed how many there are.
                self.started = {**self.started, "epochs": event.data["epochs"]}
        self.last[event.type] = event
        if event.type == "alphas":
            record = _alpha_record(event)
            if record is not None:
                self.alphas.append(record)
        elif event.type in ("step", "epoch", "gradient", "memory"):
            for name, value in event.data.items():
                if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
                    series = self.series.setdefault(f"{event.type}.{name}", Series())
                    series.append(event.t, event.step, np.nan if value is None else float(value))
        else:
            self.notable.append(event)

    def _drop_from(self, step: int) -> None:
        for series in self.series.values():
            series.drop_from(step)
        self.alphas = [record for record in self.alphas if record.step < step]
        self.notable = [event for event in self.notable if event.step < step or event.type in ALWAYS_KEPT]
        self.last = {kind: event for kind, event in self.last.items() if event.step < step or kind in ALWAYS_KEPT}


def _alpha_record(event: Event) -> AlphaRecord | None:
    def array(name: str, dimensions: int) -> Array | None:
        value = event.data.get(name)
        if value is None:
            return None
        try:
            found = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            return None
        return found if found.ndim == dimensions else None

    normal, reduction = array("normal", 2), array("reduction", 2)
    if normal is None or reduction is None:
        return None
    return AlphaRecord(
        event.step, event.epoch, normal, reduction, array("normal_betas", 1), array("reduction_betas", 1)
    )
