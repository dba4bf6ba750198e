"""Collects cyclic garbage in the window's thread only.

Python collects wherever an allocation tips the scale; on a reading thread that may destroy Qt objects there, which
crashes (a timer or a scene in a cycle is enough). So automatic collection is off while the window is open, and a timer
does it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_YOUNG_MILLISECONDS = 1_000
_ALL_EVERY = 30


class GarbageTimer(QObject):
    """Collects young objects each second and all of them twice a minute."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._beats = 0
        self._was_on = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._collect)
        self._timer.start(_YOUNG_MILLISECONDS)

    def close(self) -> None:
        """Give the work back to Python."""
        if self._timer.isActive():
            self._timer.stop()
            if self._was_on:
                gc.enable()

    def _collect(self) -> None:
        self._beats += 1
        gc.collect(2 if self._beats % _ALL_EVERY == 0 else 1)
