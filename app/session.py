"""Threads that follow run folders, and the one that also launches an engine.

A thread reads and parses; it never touches a view. The window's timer calls ``drain`` to move what was read into the
``RunModel``. facts behind this shape: an engine in the window's process runs slower and takes the window down with it.
"""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread

import engine
from app.run_model import RunModel
from engine.runs import Event, EventTail, Order, RunFolder, Status, give_order
from engine.runs.control import read_control
from engine.runs.folder import EVENTS, STDERR, STDOUT

LIVE_SECONDS = 0.1
"""Pause between two looks at a live run's folder."""
QUIET_SECONDS = 1.0
"""The same for a run that nobody works on: somebody may resume it."""
_BOUND = 20_000
_SLICE = 100
_POLL_BYTES = 2**20
_KILL_WAIT_SECONDS = 10.0
_REPEAT_STOP_SECONDS = 1.0

Command = Callable[[Path], Sequence[str]]


def engine_command(run: Path) -> list[str]:
    """What starts an engine on a run: ``-P`` keeps a user's own ``engine/`` in the current folder out of it."""
    return [sys.executable, "-P", "-m", "engine.cli", "resume", str(run), "--tied-to-stdin"]


def engine_environment() -> dict[str, str]:
    """The environment of a child, which finds this very nascope also where it was not installed."""
    root = Path(engine.__file__).resolve().parents[1]
    environment = dict(os.environ)
    if "site-packages" not in root.parts:
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *([known] if known else [])])
    return environment


class RunFollower(QThread):
    """Reads a run's folder in a thread, about ten times a second while the run is live."""

    def __init__(self, model: RunModel, *, tail: EventTail | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.run_folder = RunFolder(model.path)
        self.tail = tail or EventTail(model.path / EVENTS)
        self.caught_up = threading.Event()
        """Set once the log has been read to its end for the first time."""
        self._quit = threading.Event()
        self._room = threading.Condition()
        self._pending: collections.deque[Event] = collections.deque()
        self._status: Status | None = None
        self._waiting_order = ""

    def run(self) -> None:
        """Follow until told to quit."""
        self.follow()

    def follow(self, going_on: Callable[[], bool] | None = None) -> None:
        """Look again and again; ends on ``quit_soon``, or when ``going_on`` is false and all is read."""
        while not self._quit.is_set():
            last_look = going_on is not None and not going_on()
            moved = self.look()
            if not moved:
                self.caught_up.set()
                if last_look:
                    return
                status = self._status
                live = going_on is not None or (status is not None and status.state in ("running", "paused"))
                self._quit.wait(LIVE_SECONDS if live else QUIET_SECONDS)

    def look(self) -> bool:
        """Read what is new; whether there was an event."""
        # The status first: whatever it says, the events before it are in the log by then and reach the model before it.
        status = as_seen(self.run_folder.status())
        control = read_control(self.model.path)
        events = self.tail.poll(_POLL_BYTES)
        with self._room:
            while len(self._pending) > _BOUND and not self._quit.is_set():
                self._room.wait(0.2)
            self._pending.extend(events)
            self._status = status
            self._waiting_order = "" if control is None or control.id == status.control_id else control.order
        return bool(events)

    def drain(self, seconds: float = 0.008) -> bool:
        """Move events into the model, in the window's thread, for about this long; whether some are left."""
        end = time.perf_counter() + seconds
        while True:
            with self._room:
                count = min(_SLICE, len(self._pending))
                batch = [self._pending.popleft() for _ in range(count)]
                left = bool(self._pending)
                status, order = self._status, self._waiting_order
                self._room.notify_all()
            if batch:
                self.model.feed(batch)
            if not left or time.perf_counter() > end:
                break
        if status is not None and not left:
            self.model.set_order(order)
            self.model.set_status(status)
        return left

    def quit_soon(self) -> None:
        """Ask the thread to end; ``wait()`` joins it."""
        self._quit.set()
        with self._room:
            self._room.notify_all()


@dataclass(frozen=True)
class EngineEnd:
    """How an engine ended.

    Attributes:
        code: its exit code, negative for a signal; None where it never started.
        died: whether it ended without leaving a last word, so that the window wrote it.
        lines: last lines of its standard error.
    """

    code: int | None
    state: str
    died: bool = False
    killed_here: bool = False
    lines: tuple[str, ...] = ()


class EngineThread(RunFollower):
    """Launches an engine on a run in a child process and follows the folder until the child has ended."""

    def __init__(
        self,
        model: RunModel,
        *,
        command: Command = engine_command,
        tail: EventTail | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(model, tail=tail, parent=parent)
        self.end: EngineEnd | None = None
        self.stop_asked_at: float | None = None
        """Monotonic seconds of the first wish to stop."""
        self.detached = False
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._stop_repeated_at = 0.0
        self._stderr_begin = 0

    @property
    def pid(self) -> int | None:
        """Process id of the child, None before the launch."""
        return self._child.pid if self._child is not None else None

    @property
    def is_computing(self) -> bool:
        """Whether the child lives and its run is not at its end: what closing the window must ask about."""
        if not self.isRunning() or self.detached:
            return False
        return (
            self._status is None
            or self._status.state not in ("finished", "stopped", "failed")
            or not self._wrote_status()
        )

    def run(self) -> None:
        """Launch, follow, explain the end."""
        try:
            child = self._launch()
        except OSError as error:
            reason = f"The engine could not be started: {error.strerror or error}."
            self.end = self._mark_failed(None, reason, "Check the place named, then resume.", ())
            return
        if self._killed:  # While it was being launched, when there was nothing to kill yet.
            kill_group(child.pid)
        self.follow(lambda: child.poll() is None)
        if self._killed:
            with contextlib.suppress(subprocess.TimeoutExpired):  # A process in the kernel's hands ends later.
                child.wait(_KILL_WAIT_SECONDS)
        if child.poll() is None:  # The window goes away: detached, or tied to us by its standard input.
            return
        self.end = self._settle(child.returncode)
        last_word = self._status
        self.look()
        if self.end.died:  # Where it could not be written, the folder tells less than we know.
            self._status = last_word

    def look(self) -> bool:
        """Read what is new, and repeat an order to stop that the engine's own start overwrote."""
        moved = super().look()
        if self.stop_asked_at is not None and time.monotonic() - self._stop_repeated_at > _REPEAT_STOP_SECONDS:
            self._stop_repeated_at = time.monotonic()
            control = read_control(self.model.path)
            if control is None or control.order != "stop":
                self._order("stop")
        return moved

    def stop(self) -> None:
        """Ask the engine to save and end."""
        if self.stop_asked_at is None:
            self.stop_asked_at = time.monotonic()
            self._stop_repeated_at = self.stop_asked_at
            self._order("stop")

    def kill(self) -> None:
        """End the child and its children at once; the last checkpoint stays."""
        self._killed = True
        if self._child is not None and self._child.poll() is None:
            kill_group(self._child.pid)

    def detach(self) -> str | None:
        """Let the engine outlive the window; returns the order's id, which the engine echoes when it has let go."""
        self.detached = True
        return self._order("detach")

    def _order(self, order: Order) -> str | None:
        with contextlib.suppress(OSError):  # A full disk: «Stop now» still works.
            return give_order(self.model.path, order).id
        return None

    def _launch(self) -> subprocess.Popen[bytes]:
        options: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if os.name == "nt"
            else {"start_new_session": True}
        )
        with (self.model.path / STDOUT).open("ab") as output, (self.model.path / STDERR).open("ab") as errors:
            self._stderr_begin = errors.tell()
            self._child = subprocess.Popen(
                list(self._command(self.model.path)), stdin=subprocess.PIPE, stdout=output, stderr=errors,
                env=engine_environment(), **options,
            )  # fmt: skip
        return self._child

    def _wrote_status(self) -> bool:
        return self._child is not None and self._status is not None and self._status.pid == self._child.pid

    def _settle(self, code: int) -> EngineEnd:
        """Explain an end that the engine could not explain itself."""
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        lines = self._error_lines()
        status = self.run_folder.status()
        told = status.pid == self.pid and status.state in ("finished", "stopped", "failed")
        if told or (status.state == "finished" and code == 0):
            return EngineEnd(code, status.state, lines=lines)
        if self._killed:
            return EngineEnd(code, as_seen(status).state, killed_here=True, lines=lines)
        if self.stop_asked_at is not None and code >= 0:
            return EngineEnd(code, as_seen(status).state, lines=lines)
        if code < 0:
            reason, mend = signal_in_words(-code)
        elif lines:
            reason, mend = lines[-1].removeprefix("nascope: ")[:500], "See stderr.txt of the run."
        else:
            reason, mend = f"The engine ended with exit code {code} and said nothing.", "See log.txt of the run."
        return self._mark_failed(code, reason, mend, lines)

    def _mark_failed(self, code: int | None, what: str, mend: str, lines: tuple[str, ...]) -> EngineEnd:
        status = self.run_folder.status()
        where = f"epoch {status.epoch + 1} of {status.epochs}" if status.step else "start"
        error = {"what": what, "where": where, "mend": mend, "stderr": list(lines[-20:])}
        failed = replace(status, state="failed", error=error)
        with contextlib.suppress(OSError):  # A full disk: the window still shows the reason.
            self.run_folder.write_status(failed)
        self._status = failed
        return EngineEnd(code, "failed", died=True, lines=lines)

    def _error_lines(self) -> tuple[str, ...]:
        try:
            with (self.model.path / STDERR).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._stderr_begin, size - 262_144))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ()
        return tuple(line for line in text.splitlines() if line.strip())[-200:]


def as_seen(status: Status) -> Status:
    """The status with a dead process told as ``interrupted``, so that views compare one thing."""
    return replace(status, state=status.alive_state)


def kill_group(pid: int) -> None:
    """Kill a process and, where it leads a group, its whole group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            os.kill(pid, signal.SIGTERM)
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def signal_in_words(number: int) -> tuple[str, str]:
    """What a signal that ended an engine means, and the mend."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGKILL":
        return (
            "The engine was killed from outside, probably because the machine ran out of memory.",
            "Lower batch_size or channels, then resume or start anew.",
        )
    if name in ("SIGTERM", "SIGINT", "SIGHUP"):
        return f"The engine was ended from outside ({name}) before it could save.", "Resume it."
    return f"The engine crashed ({name}).", "Resume from the last checkpoint; if it happens again, please report it."
