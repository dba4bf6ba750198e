"""Wishes to end from outside: Ctrl-C, SIGTERM, a closed terminal, and the window that closed."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Literal

Reason = Literal["interrupt", "terminate", "window"]

EXIT_CODES: dict[str, int] = {"interrupt": 130, "terminate": 143, "window": 0, "order": 3}


class Interrupts:
    """Turns signals into a flag that the loop looks at between steps, so that a checkpoint can be written.

    A second Ctrl-C gives up waiting. Use as a context manager; the old handlers come back at its end.

    Attributes:
        reason: why the run must end, None while it need not.
    """

    def __init__(self, *, tied_to_stdin: bool = False) -> None:
        self.reason: Reason | None = None
        self._tied = tied_to_stdin
        self._old: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._handle)
            # A closed terminal ends a run like SIGTERM, saved; but under nohup the signal is ignored on purpose.
            if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
                self._old[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._handle)
        if self._tied:
            threading.Thread(target=self._watch_stdin, name="nascope-stdin", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._old.clear()

    def untie(self) -> None:
        """The window goes away and wants the run to go on, also where it has gone already."""
        self._tied = False
        if self.reason == "window":
            self.reason = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.reason == "interrupt":
            raise KeyboardInterrupt
        self.reason = "interrupt" if number == signal.SIGINT else "terminate"

    def _watch_stdin(self) -> None:
        """End of file on standard input means that the window died."""
        try:
            while sys.stdin.buffer.read(4096):
                pass
        except (OSError, ValueError, AttributeError):
            pass
        if self._tied and self.reason is None:
            self.reason = "window"
