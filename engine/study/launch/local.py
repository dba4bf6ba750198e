"""Members as child processes of this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from engine.runs.status import START_TOLERANCE_SECONDS, process_start_time
from engine.study.launch.base import Task, Work, child_environment, cores

_NVIDIA_SECONDS = 10.0


class LocalLauncher:
    """Child processes that share the cores, and take the CUDA devices in turn.

    Each is tied to this process by its standard input: it saves and stops when this process dies.

    Args:
        slots: processes at a time.
        gpus: names of the CUDA devices; None asks the machine.
    """

    def __init__(self, slots: int = 1, *, gpus: Sequence[str] | None = None) -> None:
        self.slots = slots
        self._gpus = list(gpus) if gpus is not None else cuda_devices()
        self._free = list(range(slots))

    def start(self, task: Task) -> LocalWork:
        """Start a child.

        Raises:
            OSError: it cannot be started.
        """
        slot = self._free.pop(0) if self._free else 0
        options: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if os.name == "nt"
            else {"start_new_session": True}  # Ctrl-C reaches the study alone, which then stops its members.
        )
        try:
            with task.stdout.open("ab") as output, task.stderr.open("ab") as errors:
                child = subprocess.Popen(
                    task.command, stdin=subprocess.PIPE if task.is_tied else subprocess.DEVNULL, stdout=output, stderr=errors,
                    env=child_environment(self._share(task, slot)), **options,
                )  # fmt: skip
        except OSError:
            self._free.append(slot)
            raise
        return LocalWork(child, lambda: self._free.append(slot), is_tied=task.is_tied)

    def find(self, job: Mapping[str, Any]) -> Work | None:
        """A child of a study process that died: it ends by itself, since its standard input has ended."""
        pid, started = job.get("pid"), job.get("started")
        if not isinstance(pid, int) or not isinstance(started, int | float):
            return None
        return OrphanWork(pid, started) if _is_alive(pid, started) else None

    def close(self) -> None:
        """Nothing is held."""

    def _share(self, task: Task, slot: int) -> dict[str, str]:
        found = {}
        if self.slots > 1 and task.threads is None:
            share = max(1, cores() // self.slots)
            said = os.environ.get("OMP_NUM_THREADS", "")
            found["OMP_NUM_THREADS"] = str(min(share, int(said)) if said.isdigit() and int(said) else share)
        if self.slots > 1 and len(self._gpus) > 1 and task.wants_gpu:
            found["CUDA_VISIBLE_DEVICES"] = self._gpus[slot % len(self._gpus)]
        return found


class LocalWork:
    """A child process."""

    def __init__(self, child: subprocess.Popen[bytes], on_end: Any, *, is_tied: bool) -> None:
        self._child = child
        self._on_end = on_end
        self._is_tied = is_tied
        self._started = process_start_time(child.pid)

    def poll(self) -> int | None:
        """Its exit code, None while it lives."""
        code = self._child.poll()
        if code is not None and self._on_end is not None:
            self._close_input()
            self._on_end()
            self._on_end = None
        return code

    def stop(self) -> None:
        """End its standard input, on which it saves; a command that listens to none is ended."""
        if self._is_tied:
            self._close_input()
        elif self._child.poll() is None:
            self._child.terminate()

    def kill(self) -> None:
        """End it and its children at once."""
        if self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.name == "nt":
                    self._child.kill()
                else:
                    os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        self.poll()

    def as_json(self) -> dict[str, Any]:
        """Process id and start time."""
        return {"pid": self._child.pid, "started": self._started}

    def _close_input(self) -> None:
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()


class OrphanWork:
    """A child that outlived its study."""

    def __init__(self, pid: int, started: float) -> None:
        self._pid, self._started = pid, started

    def poll(self) -> int | None:
        """0 once it is gone."""
        return None if _is_alive(self._pid, self._started) else 0

    def stop(self) -> None:
        """Let it save and end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def as_json(self) -> dict[str, Any]:
        """Process id and start time."""
        return {"pid": self._pid, "started": self._started}

    def _signal(self, number: int) -> None:
        if _is_alive(self._pid, self._started):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._pid, number)


def _is_alive(pid: int, started: float) -> bool:
    found = process_start_time(pid)
    return found is not None and abs(found - started) < START_TOLERANCE_SECONDS


def cuda_devices() -> list[str]:
    """Names of the CUDA devices that children may use, as CUDA_VISIBLE_DEVICES takes them; asked without torch."""
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    if said is not None:
        return [name.strip() for name in said.split(",") if name.strip() and name.strip() != "-1"]
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=_NVIDIA_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip().isdigit()] if done.returncode == 0 else []
