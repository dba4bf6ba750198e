"""A short command of the engine in a child process, without keeping the window waiting: a test, a report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, QThread

from app.session import engine_environment, kill_group

CommandLine = Callable[[Sequence[str]], Sequence[str]]


def engine_words(words: Sequence[str]) -> list[str]:
    """The command line of a ``nascope`` command."""
    return [sys.executable, "-P", "-m", "engine.cli", *words]


class ChildThread(QThread):
    """Runs one command and keeps what it printed; read it after ``finished``.

    Attributes:
        code: exit code, negative for a signal; None while it runs or where it could not start.
        output, errors: what it printed.
    """

    def __init__(
        self, words: Sequence[str], *, command: CommandLine = engine_words, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.words = list(words)
        self.code: int | None = None
        self.output = ""
        self.errors = ""
        self._command = command
        self._child: subprocess.Popen[str] | None = None
        self._killed = False

    def run(self) -> None:
        """Start the command and wait for its end."""
        options: dict[str, Any] = {} if os.name == "nt" else {"start_new_session": True}
        try:
            self._child = subprocess.Popen(
                list(self._command(self.words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                encoding="utf-8", errors="replace", env=engine_environment(), **options,
            )  # fmt: skip
        except OSError as error:
            self.errors = str(error)
            return
        if self._killed:
            kill_group(self._child.pid)
        # communicate reads both pipes at once: an unread one would block the child.
        self.output, self.errors = self._child.communicate()
        self.code = self._child.returncode

    def kill(self) -> None:
        """End the command at once."""
        self._killed = True
        if self._child is not None and self._child.poll() is None:
            kill_group(self._child.pid)

    def terminate(self) -> None:
        """Ask the command to end: SIGTERM, which lets it close its files."""
        if self._child is None:
            self._killed = True  # Not started yet: ``run`` ends it at once.
        elif self._child.poll() is None:
            self._child.terminate()

    @property
    def last_error(self) -> str:
        """Its last line on standard error."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return lines[-1][:500] if lines else ""
