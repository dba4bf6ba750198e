"""Finds runs in the background: a thread that looks at the data folder again and again and reads only what changed."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from app.library.entries import ScannedRun, ScannedStudy
from app.library.studies import StudyScan, is_study_folder
from app.library.warned import WarningsRead
from engine.runs import RunFolder, summarize
from engine.runs.folder import CONFIG, META, RESULTS, STATUS

SCAN_SECONDS = 1.0
_MAX_DEPTH = 3
_Stamp = tuple[int, ...]


class LibraryScanner(QThread):
    """Emits the list of runs whenever it is not what it was."""

    scanned = Signal(list)
    """list[ScannedRun], newest first."""
    studies_scanned = Signal(list)
    """list[ScannedStudy], newest first."""

    def __init__(self, roots: list[Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._roots = list(roots)
        self._wake = threading.Event()
        self._quit = False
        self._known: dict[Path, tuple[_Stamp, ScannedRun]] = {}
        self._warnings: dict[Path, WarningsRead] = {}
        self._told: list[ScannedRun] | None = None
        self._studies = StudyScan()
        self._studies_told: list[ScannedStudy] = []

    def look_at(self, roots: list[Path]) -> None:
        """Look at these folders from now on, at once."""
        self._roots = list(roots)
        self.look_now()

    def look_now(self) -> None:
        """Do not wait for the next look."""
        self._wake.set()

    def quit_soon(self) -> None:
        """Ask the thread to end; ``wait()`` joins it."""
        self._quit = True
        self._wake.set()

    def run(self) -> None:
        """Look, tell, wait."""
        while not self._quit:
            found = self.look()
            if found != self._told:
                self._told = found
                self.scanned.emit(found)
            studies = self._studies.look(self._roots)
            if studies != self._studies_told:
                self._studies_told = studies
                self.studies_scanned.emit(studies)
            self._wake.wait(SCAN_SECONDS)
            self._wake.clear()

    def look(self) -> list[ScannedRun]:
        """All runs of the moment."""
        paths = dict.fromkeys(path for root in self._roots for path in _run_paths(root, _MAX_DEPTH))
        found = [run for path in paths if (run := self._scan(path)) is not None]
        self._known = {path: known for path, known in self._known.items() if path in paths}
        self._warnings = {path: read for path, read in self._warnings.items() if path in paths}
        return sorted(found, key=lambda run: (run.summary.created, str(run.summary.path)), reverse=True)

    def _scan(self, path: Path) -> ScannedRun | None:
        stamp = _stamp(path)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            run = known[1]
            if run.summary.status.state not in ("running", "paused"):
                return run
            run = replace(run, state=run.summary.status.alive_state)  # Its process may have died.
        else:
            summary = summarize(path)
            if summary is None:
                return None
            results = tuple(RunFolder(path).results()) if (path / RESULTS).exists() else ()
            read = self._warnings.setdefault(path, WarningsRead())
            read.read_on(path)
            run = ScannedRun(summary, summary.status.alive_state, results, read.standing(path))
        self._known[path] = (stamp, run)
        return run


def _stamp(path: Path) -> _Stamp:
    found = []
    for name in (CONFIG, META, STATUS, RESULTS):
        try:
            found.append((path / name).stat().st_mtime_ns)
        except OSError:
            found.append(0)
    return tuple(found)


def _run_paths(folder: Path, depth: int) -> list[Path]:
    if (folder / CONFIG).is_file():
        return [folder]
    if depth == 0 or is_study_folder(folder):  # A study lists its own members.
        return []
    try:
        with os.scandir(folder) as children:
            names = sorted(child.name for child in children if child.is_dir() and not child.name.startswith("."))
    except OSError:
        return []
    return [path for name in names for path in _run_paths(folder / name, depth - 1)]
