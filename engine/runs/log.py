"""Writing and following ``events.jsonl``."""

from __future__ import annotations

import os
from pathlib import Path

from engine.runs.events import Event, event_from_line

_READ_BYTES = 4 * 2**20


class EventWriter:
    """Appends events, one flushed line each. Mends a half-written last line when it opens the file."""

    def __init__(self, path: Path) -> None:
        _drop_half_written_line(path)
        self._file = path.open("a", encoding="utf-8")

    def write(self, event: Event) -> None:
        """Append one event.

        Raises:
            OSError: the disk is full.
        """
        self._file.write(event.as_line() + "\n")
        self._file.flush()

    def sync(self) -> None:
        """Wait until everything written is on the disk: called before a checkpoint is renamed."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EventTail:
    """Follows a log from its beginning: each ``poll`` gives what was added since the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Always just behind a newline: a half-written line is read again at the next poll, since a resume cuts it off.
        self._offset = 0
        self._inode: int | None = None

    @property
    def offset(self) -> int:
        """Bytes of the log that were taken in."""
        return self._offset

    def poll(self, limit_bytes: int = _READ_BYTES) -> list[Event]:
        """New events; about ``limit_bytes`` are read, so a long log comes in several polls.

        A half-written last line waits for its end. A log that was replaced is read from its start again (its first
        event is ``started``, on which a reader begins anew).
        """
        try:
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_ino != self._inode or stat.st_size < self._offset:
                    self._offset, self._inode = 0, stat.st_ino
                file.seek(self._offset)
                fresh = file.read(limit_bytes)
                if b"\n" not in fresh and len(fresh) == limit_bytes:
                    fresh += file.readline()
        except OSError:
            return []
        complete, newline, _ = fresh.rpartition(b"\n")
        self._offset += len(complete) + len(newline)
        events = (
            event_from_line(line.decode("utf-8", errors="replace")) for line in complete.split(b"\n") if line.strip()
        )
        return [event for event in events if event is not None]


def read_events(path: Path) -> list[Event]:
    """All events of a log as they stand, without applying resumes (``RunHistory`` does)."""
    tail = EventTail(path)
    events: list[Event] = []
    while True:
        before = tail.offset
        events += tail.poll()
        if tail.offset == before:  # A stretch without one readable line is not yet the end.
            return events


def _drop_half_written_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        position = size
        while position > 0:
            start = max(0, position - 65_536)
            file.seek(start)
            found = file.read(position - start).rfind(b"\n")
            if found >= 0:
                position = start + found + 1
                break
            position = start
        if position < size:
            file.truncate(position)
