"""What a scheduler asks of a way to carry out members."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import engine
from engine.runs import RunFolder, give_order
from engine.runs.folder import STDERR, STDOUT


@dataclass(frozen=True)
class Task:
    """One command to carry out.

    Attributes:
        id: of the member.
        words: the command line after ``nascope``.
        folder: of the run; standard output and error are appended to its files.
        is_tied: whether the command saves and stops when its standard input ends.
        wants_gpu: False where the settings name a processor.
        threads: processor threads that the settings ask for; None where they do not say.
    """

    id: str
    words: tuple[str, ...]
    folder: Path
    is_tied: bool = True
    wants_gpu: bool = True
    threads: int | None = None

    @property
    def command(self) -> list[str]:
        """The whole command; ``-P`` keeps a user's own ``engine/`` in the current folder out of it."""
        return [sys.executable, "-P", "-m", "engine.cli", *self.words]

    @property
    def stdout(self) -> Path:
        """File that takes what it prints."""
        return self.folder / STDOUT

    @property
    def stderr(self) -> Path:
        """File that takes its errors."""
        return self.folder / STDERR


class Work(Protocol):
    """A command that was started."""

    def poll(self) -> int | None:
        """Its exit code (negative for a signal), None while it goes on."""

    def stop(self) -> None:
        """Let it save and end; may be said again."""

    def kill(self) -> None:
        """End it at once; its last checkpoint stays."""

    def as_json(self) -> dict[str, Any]:
        """What another process needs to find it again."""


class Launcher(Protocol):
    """Starts commands.

    Attributes:
        slots: how many go on at a time.
    """

    slots: int

    def start(self, task: Task) -> Work:
        """Start a command.

        Raises:
            OSError: it cannot be started.
        """

    def find(self, job: Mapping[str, Any]) -> Work | None:
        """Work that an earlier process started and that still goes on, from its ``as_json``; None where there is none."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass
class StatusWork:
    """A run that another process works on, seen through its folder alone."""

    folder: Path
    _asked: bool = field(default=False, init=False)

    def poll(self) -> int | None:
        """0 once nobody works on it any more."""
        return None if RunFolder(self.folder).status().alive else 0

    def stop(self) -> None:
        """Order it to stop through its folder."""
        if not self._asked:
            self._asked = True
            with contextlib.suppress(OSError):  # Without rights there it goes on; nothing of ours depends on it.
                give_order(self.folder, "stop")

    def kill(self) -> None:
        """It is not ours to kill."""
        self.stop()

    def as_json(self) -> dict[str, Any]:
        """Nothing: the folder tells."""
        return {}


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child, which finds this very nascope also where it was not installed."""
    root = Path(engine.__file__).resolve().parents[1]
    # A member is one process, also where srun started the workers of a cluster.
    known_of_ranks = ("RANK", "WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
    environment = {name: value for name, value in os.environ.items() if name not in known_of_ranks} | dict(more or {})
    if "site-packages" not in root.parts:
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *([known] if known else [])])
    return environment


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def last_error(path: Path) -> str:
    """The last line that a command wrote to its error file, without its prefix; empty where it wrote none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 65_536))
            lines: Sequence[str] = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return said[-1].removeprefix("nascope: ")[:500] if said else ""
