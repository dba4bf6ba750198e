"""Faults of the window itself: a dialog instead of a line on a terminal that nobody sees."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from app.dialogs.report import ReportDialog
from engine.errors import NascopeError


class FaultCatcher(QObject):
    """Installs itself as ``sys.excepthook``; faults of other threads are shown by the window's own thread."""

    caught = Signal(str, str)
    """One sentence and the full text."""

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._before = sys.excepthook
        self._open: ReportDialog | None = None
        self.caught.connect(self._show, Qt.ConnectionType.QueuedConnection)
        sys.excepthook = self._hook

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._before(kind, error, trace)
        if isinstance(error, KeyboardInterrupt):
            QApplication.quit()
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        self.caught.emit(str(error) if isinstance(error, NascopeError) else f"{kind.__name__}: {error}", text)

    def _show(self, sentence: str, text: str) -> None:
        if self._open is not None:
            return  # One at a time: a fault in a timer would bury the screen.
        self._open = ReportDialog(
            self.tr("Something went wrong in the window"),
            f"{sentence}\n" + self.tr("Runs are not affected: their engines are processes of their own."),
            text,
        )
        self._open.finished.connect(self._closed)
        self._open.open()

    def _closed(self) -> None:
        self._open = None
