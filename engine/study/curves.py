"""Validation accuracy over the epochs of every member, one colour a method, read on as the logs grow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.runs import RunHistory
from engine.runs.events import event_from_line
from engine.runs.folder import EVENTS
from engine.study.results import StudyResults

Array = NDArray[np.float64]

COLOURS = ("#2f6fde", "#c77700", "#1f8a5b", "#a33ea1", "#c2303c", "#6b7280", "#0e7c86", "#8a5a2b")
"""One a row of the table, in order; each can be told from the others on a light and on a dark page."""

_WANTED = (b'"type":"started"', b'"type":"resumed"', b'"type":"epoch"')


def colour_of(place: int) -> str:
    """Colour of the row at this place of the table."""
    return COLOURS[place % len(COLOURS)]


@dataclass(frozen=True)
class Curve:
    """One member's accuracy over its epochs.

    Attributes:
        member: its id.
        place: of its row in the table.
        epochs: 1, 2, ...
        is_validation: False where nothing was held out: the accuracy on the training batches then.
    """

    member: str
    row: str
    place: int
    epochs: Array
    values: Array
    is_validation: bool


class CurveReader:
    """Reads the epochs' lines of members' logs, each once; of a log that was replaced, all of them again."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, int, RunHistory]] = {}

    def curves(self, results: StudyResults, kind: str) -> list[Curve]:
        """The curve of every search, short retraining or retraining that has ended an epoch."""
        places = {row.name: place for place, row in enumerate(results.rows)}
        found = []
        for view in results.views:
            member = view.member
            if member.kind != kind or view.status is None:
                continue
            epochs, values, is_validation = self.curve(member.folder(results.path))
            if len(epochs):
                found.append(Curve(member.id, member.row, places[member.row], epochs, values, is_validation))
        return found

    def curve(self, run: Path) -> tuple[Array, Array, bool]:
        """``(epochs from 1, accuracy in %, whether it is on held-out images)`` of a run."""
        history = self._history(run / EVENTS)
        for name in ("validation", "train"):
            series = history.series.get(f"epoch.{name}_accuracy_percent")
            if series is not None and np.isfinite(series.values).any():
                epochs = np.round((series.steps + 1) / max(1, history.steps_per_epoch))
                return epochs, series.values.copy(), name == "validation"
        return np.empty(0), np.empty(0), True

    def _history(self, log: Path) -> RunHistory:
        offset, inode, history = self._known.get(log, (0, 0, RunHistory()))
        try:
            with log.open("rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_ino != inode or stat.st_size < offset:
                    offset, history = 0, RunHistory()
                file.seek(offset)
                fresh, newline, _ = file.read().rpartition(b"\n")
        except OSError:
            return RunHistory()
        lines = [line for line in fresh.split(b"\n") if any(kind in line for kind in _WANTED)]
        events = (event_from_line(line.decode("utf-8", errors="replace")) for line in lines)
        history.feed(event for event in events if event is not None)
        self._known[log] = (offset + len(fresh) + len(newline), stat.st_ino, history)
        return history
