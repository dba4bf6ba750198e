"""Which operations wear a ring: what differs from the epoch before, and while live what changed a moment ago."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from app.cells.scene import EdgeKey
from engine.genotype import Cell

RING_SECONDS = 4.0
"""A change is ringed at least this long, and until the epoch ends."""


class Rings(QObject):
    """Remembers changes for a while."""

    changed = Signal()
    """Ask for ``keys`` again."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._lately: dict[EdgeKey, float] = {}
        self.this_epoch: frozenset[EdgeKey] = frozenset()
        """What differs from the end of the epoch before."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.changed)

    def keys(self) -> set[EdgeKey]:
        """Who wears a ring now."""
        now = time.monotonic()
        self._lately = {key: until for key, until in self._lately.items() if until > now}
        return {*self.this_epoch, *self._lately}

    def forget(self) -> None:
        """Another run or another epoch: what changed a moment ago is of no interest."""
        self._lately.clear()
        self.this_epoch = frozenset()
        self._timer.stop()

    def compare(self, now: Cell, *, epoch_before: Cell | None, moment_before: Cell | None) -> None:
        """Take in the cell of the moment; None where there is nothing to compare with."""
        self.this_epoch = frozenset() if epoch_before is None else frozenset(edges(now) - edges(epoch_before))
        if moment_before is not None and moment_before != now:
            self._lately.update(dict.fromkeys(edges(now) - edges(moment_before), time.monotonic() + RING_SECONDS))
            self._timer.start(int(RING_SECONDS * 1000) + 50)


def edges(cell: Cell) -> set[EdgeKey]:
    """Every operation of a cell."""
    return {(edge.source, node, edge.primitive) for node, _, edge in cell.edges()}
