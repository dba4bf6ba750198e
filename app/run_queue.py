"""Runs that wait for their turn: one engine at a time unless the settings say more; the order outlives the window."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout
from PySide6.QtCore import QObject, Signal

from engine.runs import RunFolder, home
from engine.runs.files import read_json, write_json
from engine.runs.folder import CONFIG

SCHEMA = 1


def queue_file() -> Path:
    """Where the order is kept."""
    return home() / "queue.json"


class RunQueue(QObject):
    """The waiting runs, in order.

    Args:
        launch: starts an engine on a run.
        live: how many runs compute now, wherever they were started from.
        limit: how many may.
    """

    changed = Signal()

    def __init__(
        self,
        launch: Callable[[Path], None],
        live: Callable[[], int],
        limit: Callable[[], int],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._launch = launch
        self._live = live
        self._limit = limit
        self._waiting: list[Path] = []
        self._file = queue_file()
        # Two windows share one file; only the first one writes it and starts what it holds.
        self._lock = FileLock(self._file.with_suffix(".lock"), timeout=0)
        self.is_owner = False
        with contextlib.suppress(Timeout, OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self.is_owner = True
            self._waiting = self._read()

    def waiting(self) -> list[Path]:
        """The runs that wait, next first."""
        return list(self._waiting)

    def place(self, path: Path) -> int | None:
        """Place in the queue from 1; None where the run does not wait."""
        return self._waiting.index(path) + 1 if path in self._waiting else None

    def add(self, path: Path) -> None:
        """Let a run wait for its turn, which may be now."""
        if path not in self._waiting:
            self._waiting.append(path)
            self._write()
        self.advance()

    def remove(self, path: Path) -> None:
        """Take a run out of the queue."""
        if path in self._waiting:
            self._waiting.remove(path)
            self._write()

    def move(self, path: Path, by: int) -> None:
        """Move a run up (negative) or down."""
        if path in self._waiting:
            place = self._waiting.index(path)
            self._waiting.insert(max(0, min(len(self._waiting) - 1, place + by)), self._waiting.pop(place))
            self._write()

    def advance(self) -> None:
        """Start what may start now."""
        while self._waiting and self._live() < self._limit():
            path = self._waiting.pop(0)
            self._write()
            self._launch(path)

    def close(self) -> None:
        """Let another window have the queue."""
        if self.is_owner:
            self._lock.release()
            self.is_owner = False

    def _read(self) -> list[Path]:
        document = read_json(self._file)
        listed = document.get("runs") if isinstance(document, dict) else None
        paths = [Path(path) for path in listed if isinstance(path, str)] if isinstance(listed, list) else []
        return [
            path
            for path in dict.fromkeys(paths)
            if (path / CONFIG).is_file()
            and RunFolder(path).status().alive_state not in ("running", "paused", "finished")
        ]

    def _write(self) -> None:
        if self.is_owner:
            with contextlib.suppress(OSError):  # A full disk: the queue of this sitting goes on from memory.
                write_json(self._file, {"schema": SCHEMA, "runs": [str(path) for path in self._waiting]})
        self.changed.emit()
