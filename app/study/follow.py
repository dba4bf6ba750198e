"""A thread that reads a study's folder again and again, so that the window only draws."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from engine.errors import NascopeError
from engine.study.curves import Curve, CurveReader
from engine.study.results import StudyResults, read_results
from engine.study.state import MemberReader

LIVE_SECONDS = 1.0
QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class StudySnapshot:
    """A study as one look found it.

    Attributes:
        searches, retrainings: curves of the searches, and of the short and full retrainings.
        fault: why it cannot be read, empty where it can.
    """

    path: Path
    results: StudyResults | None
    searches: tuple[Curve, ...] = ()
    retrainings: tuple[Curve, ...] = ()
    fault: str = ""

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Equal for two looks between which nothing changed that is shown."""
        if self.results is None:
            return (self.fault,)
        members = tuple((view.member.id, view.state, view.error, view.status) for view in self.results.views)
        lengths = tuple((curve.member, len(curve.epochs)) for curve in (*self.searches, *self.retrainings))
        tests = tuple(row.tests_so_far for row in self.results.rows)
        return (self.results.state, members, lengths, tests)


class StudyFollower(QThread):
    """Emits a snapshot whenever something changed."""

    read = Signal(object)
    """StudySnapshot."""

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._wake = threading.Event()
        self._quit = False
        self._members = MemberReader(path)
        self._curves = CurveReader()

    def run(self) -> None:
        """Look, tell, wait."""
        told: tuple[object, ...] | None = None
        while not self._quit:
            found = self.look()
            if found.fingerprint != told:
                told = found.fingerprint
                self.read.emit(found)
            live = found.results is not None and found.results.state == "running"
            self._wake.wait(LIVE_SECONDS if live else QUIET_SECONDS)
            self._wake.clear()

    def look(self) -> StudySnapshot:
        """The study of the moment."""
        try:
            results = read_results(self.path, reader=self._members)
        except NascopeError as error:
            return StudySnapshot(self.path, None, fault=str(error))
        except OSError as error:
            return StudySnapshot(self.path, None, fault=f"{self.path}: {error.strerror or error}")
        searches = tuple(self._curves.curves(results, "search"))
        retrainings = (*self._curves.curves(results, "short"), *self._curves.curves(results, "retrain"))
        return StudySnapshot(self.path, results, searches, retrainings)

    def look_now(self) -> None:
        """Do not wait for the next look."""
        self._wake.set()

    def quit_soon(self) -> None:
        """Ask the thread to end; ``wait()`` joins it."""
        self._quit = True
        self._wake.set()
