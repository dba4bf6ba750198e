"""Starting, stopping and opening studies from the window."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.child import ChildThread, CommandLine, engine_words
from app.session import engine_environment
from engine.config import read_config_file
from engine.config.study import check_study
from engine.errors import NascopeError
from engine.runs import give_order
from engine.runs.folder import STDERR, STDOUT
from engine.study.folder import PAGE, STUDY, StudyFolder, dated_folder, is_study
from engine.study.launch.base import last_error
from engine.study.plan import members

if TYPE_CHECKING:
    from app.window import MainWindow

_LOOK_MILLISECONDS = 500


class StudyWork(QObject):
    """Works for the main window. A study it starts is a process of its own, which goes on when the window closes."""

    def __init__(self, window: MainWindow, command: CommandLine = engine_words) -> None:
        super().__init__(window)
        self._window = window
        self._command = command
        self._children: dict[Path, subprocess.Popen[bytes]] = {}
        self._writer: ChildThread | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    def new_study(self) -> None:
        """Ask for a study's file and start it in a dated folder."""
        file, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Start a study"), "", self.tr("Studies (*.json);;All files (*)")
        )
        if file:
            self.start_file(Path(file))

    def ask_to_start(self, file: Path) -> None:
        """Start the study of a file that was opened or dropped, after a question: it computes for a while."""
        try:
            config = check_study(read_config_file(file), where=str(file))
        except NascopeError as error:
            self._window.notices.not_opened(str(error))
            return
        question = QMessageBox(
            QMessageBox.Icon.NoIcon, self.tr("Study"), self.tr("Start the study «{name}»?").format(name=file.stem), parent=self._window
        )  # fmt: skip
        question.setInformativeText(
            self.tr("{methods} on {data}: {n} searches, retrainings and tests.").format(
                methods=", ".join(config.rows), data=config.data, n=len(members(config))
            )
        )
        start = question.addButton(self.tr("Start"), QMessageBox.ButtonRole.AcceptRole)
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.setDefaultButton(start)
        question.exec()
        wanted = question.clickedButton() is start
        question.deleteLater()
        if wanted:
            self.start_file(file)

    def start_file(self, file: Path) -> Path | None:
        """Start the study that a file describes (or go on with the one it stands in); its folder, None where it is refused."""
        try:
            if file.name == STUDY and is_study(file.parent):
                self._window.show_study(file.parent)
                return file.parent
            config = check_study(read_config_file(file), where=str(file))
            folder = StudyFolder.create(dated_folder(config), config, command=f"nascope study {file}")
        except NascopeError as error:
            self._window.notices.not_opened(str(error))
            return None
        self.go_on(folder.path)
        self._window.show_study(folder.path)
        return folder.path

    def go_on(self, path: Path) -> None:
        """Launch ``nascope study`` on a study's folder."""
        if path in self._children:
            return
        options: dict[str, Any] = {} if os.name == "nt" else {"start_new_session": True}
        try:
            with (path / STDOUT).open("ab") as output, (path / STDERR).open("ab") as errors:
                self._children[path] = subprocess.Popen(
                    list(self._command(["study", str(path)])), stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                    env=engine_environment(), **options,
                )  # fmt: skip
        except OSError as error:
            self._window.notices.tell(f"{path}: {error.strerror or error}", "danger")
            return
        self._timer.start(_LOOK_MILLISECONDS)

    def running(self) -> list[Path]:
        """Folders of the studies that this window started and that still go on."""
        return [path for path, child in self._children.items() if child.poll() is None]

    def force(self) -> None:
        """Do not wait for their members to save what they may: as Ctrl-C on the command line."""
        for path in self.running():
            self._children[path].terminate()

    def stop(self, path: Path) -> None:
        """Let a study stop its members, which save, and end."""
        with contextlib.suppress(OSError):  # Without rights there nothing of ours runs in it.
            give_order(path, "stop")

    def open_page(self, path: Path) -> None:
        """Write the page of a study, in a child, and open it."""
        if self._writer is not None:
            return
        self._writer = ChildThread(["report", str(path)], command=self._command, parent=self)
        self._writer.finished.connect(lambda: self._page_written(path))
        self._writer.start()

    def close(self) -> None:
        """End what belongs to the window; studies go on."""
        self._timer.stop()
        if self._writer is not None:
            self._writer.kill()
            self._writer.wait()

    def _page_written(self, path: Path) -> None:
        writer, self._writer = self._writer, None
        if writer is None or writer.code is None or writer.code < 0:
            return
        if writer.code:
            self._window.notices.tell(writer.last_error, "danger")
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path / PAGE)))

    def _look(self) -> None:
        for path, child in list(self._children.items()):
            code = child.poll()
            if code is None:
                continue
            del self._children[path]
            view = self._window.frame.study_view
            if view is not None and view.path == path:
                view.look_now()
            if code not in (0, 3, 130, 143):
                self._window.notices.tell(last_error(path / STDERR) or f"{path}: {code}", "danger")
        if not self._children:
            self._timer.stop()
