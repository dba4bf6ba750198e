"""When a view draws: soon after a change, at most about twelve times a second, and only while it can be seen."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

INTERVAL_MS = 80


class Refresher(QObject):
    """Calls ``draw`` for a widget. Changes that come faster are drawn together; a hidden widget draws when it is shown."""

    def __init__(self, widget: QWidget, draw: Callable[[], None]) -> None:
        super().__init__(widget)
        self._widget = widget
        self._draw = draw
        self._is_due = False
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._fire)
        widget.installEventFilter(self)

    def request(self) -> None:
        """Something changed."""
        self._is_due = True
        if self._widget.isVisible() and not self._timer.isActive():
            passed = (time.monotonic() - self._last) * 1000
            self._timer.start(max(0, round(INTERVAL_MS - passed)))

    def now(self) -> None:
        """Draw what is due at once, also while hidden: for pictures and tests."""
        self._timer.stop()
        self._is_due = False
        self._last = time.monotonic()
        self._draw()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Catch up when the widget comes into view."""
        if event.type() == QEvent.Type.Show and self._is_due:
            self.request()
        elif event.type() == QEvent.Type.Hide:
            self._timer.stop()
        return False

    def _fire(self) -> None:
        if self._is_due and self._widget.isVisible():
            self.now()
