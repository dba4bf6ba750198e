"""What a person does with runs: start, pause, stop, go on, test, rename, put away."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QFile, QObject, QTemporaryDir, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app.child import ChildThread, CommandLine, engine_words
from app.forms.draft import RunDraft
from app.run_queue import RunQueue
from app.sessions import Sessions
from app.versions import versions
from engine.errors import NascopeError
from engine.genotype import Genotype
from engine.runs import Order, RunFolder
from engine.runs.folder import REPORT
from engine.subnets import Architecture


class RunControl(QObject):
    """Acts on run folders through sessions and queue, and tells what came of it."""

    noticed = Signal(str, str, object)
    """A sentence, its tone, and ways out (label and action)."""
    tested = Signal(object)
    """Path: a test ended, well or not."""
    changed = Signal(object)
    """Path: name, tags or existence of a run changed."""

    def __init__(
        self, sessions: Sessions, queue: RunQueue, *, command: CommandLine = engine_words, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._sessions = sessions
        self._queue = queue
        self._command = command
        self._children: dict[tuple[str, Path], ChildThread] = {}
        self._scratch: dict[Path, QTemporaryDir] = {}
        self.stops_asked: dict[Path, float] = {}
        """Monotonic seconds of the wish to stop a run."""

    # -- beginning and ending -------------------------------------------------------------------------------------

    def start(self, draft: RunDraft) -> Path:
        """Make the run folder and let it wait for its turn, which may be now.

        Raises:
            NascopeError: the folder cannot be made.
        """
        if draft.config is None:
            raise NascopeError("The settings have faults.", where="form", mend="Mend the fields in red.")
        facts = {"command": draft.command_line(), "preset": draft.preset, "versions": versions()}
        path = RunFolder.create_dated(draft.config, facts, slug=draft.slug, name=draft.name).path.absolute()
        self.changed.emit(path)
        self._queue.add(path)
        return path

    def pause(self, path: Path) -> None:
        """Pause after the present step."""
        self._order(path, "pause")

    def resume(self, path: Path) -> None:
        """Go on: a paused run at once, any other when it is its turn."""
        status = RunFolder(path).status()
        if status.alive and status.state == "paused":
            self._order(path, "run")
        elif not status.alive and self._sessions.engine(path) is None:
            self.stops_asked.pop(path, None)
            self._queue.add(path)
        self.changed.emit(path)

    def stop(self, path: Path) -> None:
        """Save and stop; a waiting run leaves the queue."""
        if self._queue.place(path) is not None:
            self._queue.remove(path)
        else:
            self.stops_asked.setdefault(path, time.monotonic())
            self._sessions.stop(path)
        self.changed.emit(path)

    def _order(self, path: Path, order: Order) -> None:
        self._sessions.order(path, order)
        model = self._sessions.model(path)
        if model is not None:
            model.set_order(order)  # Seen at once, not only when the thread has read it back.

    def kill(self, path: Path) -> None:
        """End the engine at once."""
        self._sessions.kill(path)

    # -- short commands -------------------------------------------------------------------------------------------

    def test(self, path: Path) -> None:
        """Measure the network of a run on the test split, in a child."""
        self._run_child("test", path, ["test", str(path), "--json"])

    def is_testing(self, path: Path) -> bool:
        """Whether a test of this run goes on."""
        return ("test", path) in self._children

    def report(self, path: Path) -> None:
        """Write the run's page, in a child, and open it."""
        self._run_child("report", path, ["report", str(path)])

    def export_network(self, run: Path | None, built: Genotype | Architecture, format: str, path: Path) -> None:
        """Write the trained network of a run, or without one the source of the network that is built, in a child.

        Args:
            format: one of ``nascope export``.
        """
        key = ("export", path)
        if key in self._children:
            return
        source = str(run)
        if run is None:
            self._scratch[path] = QTemporaryDir()
            source = self._scratch[path].filePath("cells.json")
            Path(source).write_text(json.dumps(built.as_json()), encoding="utf-8")
        self._run_child("export", path, ["export", source, "--format", format, "--out", str(path)])
        self.noticed.emit(self.tr("Exporting {name}…").format(name=path.name), "text", ())

    def open_folder(self, path: Path) -> None:
        """Show the run's folder in the desktop's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _run_child(self, what: str, path: Path, words: list[str]) -> None:
        if (what, path) in self._children:
            return
        child = ChildThread(words, command=self._command, parent=self)
        self._children[(what, path)] = child
        child.finished.connect(self._child_ended)
        child.start()
        self.changed.emit(path)

    def _child_ended(self) -> None:
        child = self.sender()
        if not isinstance(child, ChildThread):
            return
        key = next((key for key, known in self._children.items() if known is child), None)
        if key is None:
            return
        del self._children[key]
        child.wait()
        what, path = key
        if child.code != 0:
            reason = fault_of(child)
            sentences = {
                "test": self.tr("The test failed: {reason}"),
                "report": self.tr("The report failed: {reason}"),
                "export": self.tr("The export failed: {reason}"),
            }
            self.noticed.emit(sentences[what].format(reason=reason), "danger", ())
        elif what == "export":
            self.noticed.emit(
                ". ".join(line.rstrip(".") for line in child.errors.splitlines() if line.strip()) + ".", "ok", ()
            )
        elif what == "report":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path / REPORT)))
        if what == "test":
            self.tested.emit(path)
        self._scratch.pop(path, None)
        self.changed.emit(path)
        child.deleteLater()

    # -- names and places -----------------------------------------------------------------------------------------

    def rename(self, path: Path, name: str) -> None:
        """Give a run a name; an empty one shows method and data again."""
        self._write_meta(path, name=name.strip()[:200])
        model = self._sessions.model(path)
        if model is not None:
            model.set_name(name.strip()[:200])

    def tag(self, path: Path, tags: Sequence[str]) -> None:
        """Set a run's tags."""
        self._write_meta(path, tags=list(dict.fromkeys(tag.strip() for tag in tags if tag.strip())))

    def trash(self, path: Path) -> bool:
        """Put a run's folder in the desktop's trash; whether that worked."""
        status = RunFolder(path).status()
        if status.alive or self._sessions.engine(path) is not None:
            self.noticed.emit(self.tr("This run is at work. Stop it first, then put it in the trash."), "warn", ())
            return False
        self._queue.remove(path)
        self._sessions.forget(path)
        moved = QFile.moveToTrash(str(path))
        done = moved[0] if isinstance(moved, tuple) else bool(moved)
        if not done:
            text = self.tr(
                "{folder} could not be put in the trash: this place has none. Delete the folder yourself if you mean it."
            )
            self.noticed.emit(
                text.format(folder=path), "warn", ((self.tr("Open folder"), lambda: self.open_folder(path)),)
            )
        self.changed.emit(path)
        return done

    def _write_meta(self, path: Path, **changes: Any) -> None:
        try:
            RunFolder(path).write_meta(**changes)
        except OSError as error:
            self.noticed.emit(
                self.tr("{folder} cannot be written: {reason}.").format(folder=path, reason=error.strerror or error),
                "danger",
                (),
            )
        self.changed.emit(path)

    def close(self) -> None:
        """End every short command."""
        for child in list(self._children.values()):
            child.finished.disconnect(self._child_ended)
            child.kill()
            child.wait()
        self._children.clear()


def fault_of(child: ChildThread) -> str:
    """Why a command failed, from its JSON or its last line."""
    try:
        error = json.loads(child.output)["error"]
        return " ".join(str(part) for part in (error.get("what"), error.get("mend")) if part)
    except (ValueError, KeyError, TypeError, AttributeError):
        return child.last_error or f"exit code {child.code}"
