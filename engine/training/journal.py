"""What the folder of a run is told while it goes on. Rank 0 has one; the other processes of a run write nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine.genotype import Genotype
from engine.runs import Event, EventWriter, RunFolder
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST, EVENTS
from engine.training.checkpoint import copy_checkpoint, save_checkpoint
from engine.training.status_keeper import StatusKeeper


class Journal(Protocol):
    """Where a loop writes.

    Attributes:
        checkpoint: path of the last one, for people.
    """

    checkpoint: str

    def event(self, kind: str, step: int, epoch: int, fields: Mapping[str, Any]) -> None:
        """Log an event."""

    def status(self, *, write: bool = True, **changes: Any) -> None:
        """Change fields of ``status.json``."""

    def genotype(self, genotype: Genotype) -> None:
        """Replace ``genotype.json``."""

    def save(self, content: dict[str, Any], *, best: bool) -> None:
        """Write a checkpoint, after the log."""

    def sync(self) -> None:
        """Until the log is on the disk."""

    def close(self) -> None:
        """Let go of the log."""


class FolderJournal:
    """Writes into a run's folder.

    Args:
        on_event: hears every event after it was written.
    """

    def __init__(self, folder: RunFolder, status: StatusKeeper, on_event: Callable[[Event], None]) -> None:
        self._folder = folder
        self._status = status
        self._on_event = on_event
        self.checkpoint = str(folder.path / CHECKPOINT_LAST)
        self._writer = EventWriter(folder.path / EVENTS)

    def event(self, kind: str, step: int, epoch: int, fields: Mapping[str, Any]) -> None:
        event = Event(time.time(), step, epoch, kind, fields)
        self._writer.write(event)
        self._on_event(event)

    def status(self, *, write: bool = True, **changes: Any) -> None:
        self._status.set(write=write, **changes)

    def genotype(self, genotype: Genotype) -> None:
        self._folder.write_genotype(genotype)

    def save(self, content: dict[str, Any], *, best: bool) -> None:
        # The log first: a checkpoint must never know of steps whose events are lost.
        self._writer.sync()
        last, best_so_far = self._folder.path / CHECKPOINT_LAST, self._folder.path / CHECKPOINT_BEST
        # The best one first: killed in between, a run does this epoch's end again instead of losing its best weights.
        save_checkpoint(best_so_far if best else last, content)
        if best:
            copy_checkpoint(best_so_far, last)

    def sync(self) -> None:
        self._writer.sync()

    def close(self) -> None:
        self._writer.close()


class NoJournal:
    """Of the processes that follow rank 0."""

    checkpoint = CHECKPOINT_LAST

    def event(self, kind: str, step: int, epoch: int, fields: Mapping[str, Any]) -> None:
        pass

    def status(self, *, write: bool = True, **changes: Any) -> None:
        pass

    def genotype(self, genotype: Genotype) -> None:
        pass

    def save(self, content: dict[str, Any], *, best: bool) -> None:
        pass

    def sync(self) -> None:
        pass

    def close(self) -> None:
        pass
