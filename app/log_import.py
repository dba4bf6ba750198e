"""Logs of the original code become runs, in a thread of its own: a long log keeps no window waiting."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from engine.errors import NascopeError
from engine.runs.original import import_log
from engine.runs.original.convert import Imported


class _ImportThread(QThread):
    """Reads one log; ask for the result after ``finished``."""

    def __init__(self, path: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.path = path
        self.found: Imported | None = None
        self.fault = ""

    def run(self) -> None:
        try:
            self.found = import_log(self.path)
        except (NascopeError, OSError) as error:
            self.fault = str(error)


class LogImports(QObject):
    """The imports of a window.

    Signals:
        imported: the log's path and what came of it (``Imported``).
        failed: what was wrong, in a sentence.
    """

    imported = Signal(object, object)
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._threads: list[_ImportThread] = []

    def start(self, path: Path) -> None:
        """Make a run of a log; a log that is being read already is not read twice."""
        if any(thread.path == path for thread in self._threads):
            return
        thread = _ImportThread(path, self)
        self._threads.append(thread)
        thread.finished.connect(self._take_up)
        thread.start()

    def _take_up(self) -> None:
        for thread in [thread for thread in self._threads if thread.isFinished()]:
            self._threads.remove(thread)
            thread.deleteLater()
            if thread.found is not None:
                self.imported.emit(thread.path, thread.found)
            else:
                self.failed.emit(thread.fault)

    def close(self) -> None:
        """Wait for what is going on, so that no half of a run stays behind."""
        for thread in self._threads:
            thread.finished.disconnect(self._take_up)
            thread.wait()
        self._threads.clear()
