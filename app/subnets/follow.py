"""Follows a run's ``subnets.jsonl``: new lines only, in small bites, so that the window never waits for a long file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine.runs.subnet_log import SUBNETS, SubnetRow, subnet_from_line

_LOOK_MILLISECONDS = 500
_BITE = 64 * 1024
"""Bytes a look: about a hundred lines, some milliseconds."""


class SubnetTail:
    """Reads on where it stopped.

    Attributes:
        begins_anew: whether the last ``read`` found another or a shorter file and began at its start.
        is_behind: whether it left lines for the next one.
    """

    def __init__(self, folder: Path, *, from_end: bool = False) -> None:
        self._path = folder / SUBNETS
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self.begins_anew, self.is_behind = False, False
        if from_end:
            try:
                found = self._path.stat()
                self._offset, self._file = found.st_size, (found.st_dev, found.st_ino)
            except OSError:
                pass

    def read(self) -> list[SubnetRow]:
        """Whole lines that came since; at most a bite. A line that is still being written waits for its end."""
        self.begins_anew, self.is_behind = False, False
        try:
            found = self._path.stat()
            identity = (found.st_dev, found.st_ino)
            if found.st_size < self._offset or self._file not in (None, identity):
                self._offset, self.begins_anew = 0, True
            self._file = identity
            if found.st_size == self._offset:
                return []
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_BITE)
        except OSError:
            self.begins_anew, self._offset, self._file = self._offset > 0, 0, None
            return []
        end = data.rfind(b"\n") + 1
        if not end and len(data) == _BITE:
            end = len(data)  # No line is as long as this: it is no log of ours, or a damaged one.
        self._offset += end
        self.is_behind = len(data) == _BITE and self._offset < found.st_size
        lines = data[:end].decode("utf-8", errors="replace").splitlines()
        return [row for line in lines if (row := subnet_from_line(line)) is not None]


class SubnetFollower(QObject):
    """Tells of every new line of one run at a time."""

    arrived = Signal(object)
    """list[SubnetRow]."""
    cleared = Signal()
    """Another file stands there, or none: forget what came before."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tail: SubnetTail | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)

    @property
    def is_behind(self) -> bool:
        """Whether more lines wait than one look reads."""
        return self._tail is not None and self._tail.is_behind

    def follow(self, folder: Path | None) -> None:
        """Follow another run from its first line; None lets go."""
        self._timer.stop()
        self._tail = None if folder is None else SubnetTail(folder)
        if folder is not None:
            self._timer.start(_LOOK_MILLISECONDS)
            self.look()

    def look(self) -> None:
        """Do not wait for the next look."""
        tail = self._tail
        if tail is None:
            return
        rows = tail.read()
        if tail.begins_anew:
            self.cleared.emit()
        if rows:
            self.arrived.emit(rows)
        # A long file is read bite by bite with the event loop between; afterwards twice a second.
        self._timer.setInterval(0 if rows else _LOOK_MILLISECONDS)
