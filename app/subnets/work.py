"""Selecting, testing and exporting sub-networks from the window: children of the engine, followed through the run's folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.child import ChildThread, CommandLine, engine_words
from app.progress import percent
from app.run_control import fault_of
from app.subnets.export import RECORD, record_text, write_record
from app.subnets.follow import SubnetTail
from app.subnets.panel import SubnetPanel
from app.subnets.select_dialog import SelectWish
from app.subnets.words import amount
from engine.subnets import Architecture

if TYPE_CHECKING:
    from app.window import MainWindow

_LOOK_MILLISECONDS = 500


class _Job:
    """One child that works on a run.

    Attributes:
        what: ``select``, ``test`` or ``export``.
        measured: networks that a selection measured so far.
        most: how many it may measure: those of the strategy, and as many random ones.
    """

    def __init__(self, what: str, path: Path, child: ChildThread) -> None:
        self.what = what
        self.path = path
        self.child = child
        self.tail = SubnetTail(path, from_end=True) if what == "select" else None
        self.measured = 0
        self.most = 0
        self.is_cancelled = False
        self.file: Path | None = None
        self.scratch: tempfile.TemporaryDirectory[str] | None = None


class SubnetWork(QObject):
    """Works for the main window; its children end with the window, and what they measured stays in the run's folder."""

    changed = Signal(object)
    """Path of a run whose work began, went on or ended."""
    tested = Signal(object)
    """Path of a run of which a sub-network was tested."""

    def __init__(self, window: MainWindow, command: CommandLine = engine_words) -> None:
        super().__init__(window)
        self._window = window
        self._command = command
        self._jobs: dict[Path, _Job] = {}
        self._panels: list[SubnetPanel] = []
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MILLISECONDS)
        self._timer.timeout.connect(self._look)

    def connect_panel(self, panel: SubnetPanel) -> None:
        """Carry out what a panel asks for, and tell it how far that is."""
        self._panels.append(panel)
        panel.destroyed.connect(lambda: self._panels.remove(panel) if panel in self._panels else None)
        panel.select_wanted.connect(self.select)
        panel.cancel_wanted.connect(self.cancel)
        panel.test_wanted.connect(self.test)
        panel.export_wanted.connect(self.export)
        panel.shown.connect(lambda: self._tell(panel))

    def is_busy(self, path: Path) -> bool:
        """Whether a child of this window works on the run."""
        return path in self._jobs

    def running(self) -> list[Path]:
        """Runs that children of this window work on."""
        return list(self._jobs)

    def select(self, path: Path, wish: SelectWish) -> None:
        """Select networks of a run."""
        job = self._start("select", path, ["select", str(path), *wish.words(), "--json"])
        if job is not None:
            job.most = 2 * wish.evaluations

    def cancel(self, path: Path) -> None:
        """End the selection of a run; what was measured stays."""
        job = self._jobs.get(path)
        if job is not None and job.what == "select":
            job.is_cancelled = True
            job.child.terminate()
            self._told(path)

    def test(self, path: Path, architecture: Architecture) -> None:
        """Measure a network on the test split."""
        self._with_record("test", path, architecture, ["--json"])

    def export(self, path: Path, architecture: Architecture, format: str, file: Path) -> None:
        """Write a network; the record alone needs no engine."""
        if format == RECORD:
            try:
                write_record(architecture, file)
            except OSError as error:
                self._window.notices.tell(f"{file}: {error.strerror or error}", "danger", about=path)
                return
            self._window.notices.tell(self.tr("Written: {name}").format(name=file.name), "ok", about=path)
            return
        job = self._with_record("export", path, architecture, ["--format", format, "--out", str(file)])
        if job is not None:
            job.file = file
            self._told(path)  # With its name.

    def close(self) -> None:
        """End every child."""
        self._timer.stop()
        for job in list(self._jobs.values()):
            job.child.finished.disconnect(self._ended)
            job.child.kill()
            job.child.wait()
            if job.scratch is not None:
                job.scratch.cleanup()
        self._jobs.clear()

    def _with_record(self, what: str, path: Path, architecture: Architecture, more: list[str]) -> _Job | None:
        # A file, not the key: networks that were measured while training stand in no list of measured ones.
        try:
            scratch = tempfile.TemporaryDirectory(prefix="nascope-")
            record = Path(scratch.name) / f"{architecture.key}.json"
            record.write_text(record_text(architecture), encoding="utf-8")
        except OSError as error:
            self._window.notices.tell(str(error), "danger", about=path)
            return None
        job = self._start(what, path, [what, str(path), "--subnet", str(record), *more])
        if job is None:
            scratch.cleanup()
        else:
            job.scratch = scratch
        return job

    def _start(self, what: str, path: Path, words: list[str]) -> _Job | None:
        if path in self._jobs:
            self._window.notices.tell(
                self.tr("Something is being done with this run already: wait for its end."), about=path
            )
            return None
        job = _Job(what, path, ChildThread(words, command=self._command, parent=self))
        self._jobs[path] = job
        job.child.finished.connect(self._ended)
        job.child.start()
        self._timer.start()
        self._told(path)
        return job

    def _look(self) -> None:
        for job in self._jobs.values():
            if job.tail is not None and (rows := job.tail.read()):
                job.measured += len(rows)
                self._told(job.path)

    def _told(self, path: Path) -> None:
        for panel in self._panels:
            if panel.path == path:
                self._tell(panel)
        self.changed.emit(path)

    def _tell(self, panel: SubnetPanel) -> None:
        job = self._jobs.get(panel.path) if panel.path is not None else None
        panel.set_work("" if job is None else job.what, "" if job is None else self._progress(job))

    def _progress(self, job: _Job) -> str:
        if job.what == "test":
            return self.tr("Measuring the network on the test split…")
        if job.what == "export":
            return self.tr("Exporting {name}…").format(name="" if job.file is None else job.file.name)
        if job.is_cancelled:
            return self.tr("Ending the selection; what was measured stays…")
        if not job.measured:
            return self.tr("Opening the supernet…")
        return self.tr("{n} measured, of {most} at most").format(n=job.measured, most=job.most)

    def _ended(self) -> None:
        job = next((job for job in self._jobs.values() if job.child is self.sender()), None)
        if job is None:
            return
        del self._jobs[job.path]
        job.child.wait()
        self._look_at_end(job)
        if not self._jobs:
            self._timer.stop()
        if job.scratch is not None:
            job.scratch.cleanup()
        text, tone = self._outcome(job)
        self._window.notices.tell(text, tone, about=job.path)  # type: ignore[arg-type]  # One of the tones.
        for panel in self._panels:
            if panel.path == job.path:
                panel.measured.look_now()
                panel.measured.read_results()
        if job.what == "test":
            self.tested.emit(job.path)
        self._told(job.path)
        job.child.deleteLater()

    def _look_at_end(self, job: _Job) -> None:
        while job.tail is not None and (rows := job.tail.read()):
            job.measured += len(rows)

    def _outcome(self, job: _Job) -> tuple[str, str]:
        """What to tell, and in which tone."""
        child = job.child
        if job.is_cancelled:
            return self.tr("The selection was cancelled; {n} networks were measured and are kept.").format(
                n=job.measured
            ), "text"
        if child.code != 0:
            sentences = {
                "select": self.tr("The selection failed: {reason}"), "test": self.tr("The test failed: {reason}"),
                "export": self.tr("The export failed: {reason}"),
            }  # fmt: skip
            return sentences[job.what].format(reason=fault_of(child)), "danger"
        if job.what == "export":
            return self.tr("Written: {name}").format(name="" if job.file is None else job.file.name), "ok"
        answer = _document(child.output)
        return (self._test_outcome(answer) if job.what == "test" else self._select_outcome(answer, job.measured)), "ok"

    def _test_outcome(self, answer: Mapping[str, Any]) -> str:
        text = self.tr("Test accuracy {accuracy}.").format(accuracy=percent(answer.get("accuracy_percent")) or "–")
        count = answer.get("tests_so_far")
        if isinstance(count, int):
            times = self.tr("once") if count == 1 else self.tr("{n} times").format(n=count)
            text += " " + self.tr("The test split of this run was touched {times} so far.").format(times=times)
        return text

    def _select_outcome(self, answer: Mapping[str, Any], measured: int) -> str:
        found = answer.get("subnets")
        rows = [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
        text = self.tr("The selection ended: {n} networks measured, {front} on the front.").format(
            n=answer.get("evaluated", measured), front=len(rows)
        )
        if rows:
            best = rows[0]
            text += " " + self.tr("Best: {accuracy} at {macs} multiply-adds").format(
                accuracy=percent(best.get("accuracy_percent")), macs=amount(float(best.get("macs") or 0))
            )
            random = answer.get("random")
            rival = percent(random.get("accuracy_percent")) if isinstance(random, Mapping) else ""
            text += self.tr("; the best of as many random ones: {accuracy}.").format(accuracy=rival) if rival else "."
        return text


def _document(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
