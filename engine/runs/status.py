"""The state of a run, as its ``status.json`` tells it and as a reader on any machine must take it."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import psutil

State = Literal["created", "running", "paused", "stopped", "finished", "failed", "interrupted"]

HEARTBEAT_SECONDS = 5.0
STALE_AFTER_SECONDS = 60.0
"""Another host's run whose heartbeat is older than this is taken for dead."""

START_TOLERANCE_SECONDS = 2.0
"""Linux counts start times from a boot time that moves by a second when the clock is set."""


@dataclass(frozen=True)
class Status:
    """What ``status.json`` holds.

    Attributes:
        state: as written by the engine; ``alive_state`` also notices a death.
        process_started: start time of the process in unix seconds: a reused pid is not our process.
        control_id: id of the last order obeyed.
        metrics: the newest numbers (validation_accuracy_percent, ...).
        error: ``{what, where, mend}`` of a failed run.
        seconds: time spent computing, over all sittings.
        world_size: processes that work on the run.
    """

    state: State
    step: int = 0
    epoch: int = 0
    epochs: int = 0
    steps_per_epoch: int = 0
    pid: int | None = None
    host: str = ""
    process_started: float | None = None
    heartbeat: float = 0.0
    control_id: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    seconds: float = 0.0
    world_size: int = 1

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``status.json``."""
        return asdict(self)

    @property
    def alive(self) -> bool:
        """Whether the process that wrote it still works on the run, as far as can be known from here."""
        if self.state not in ("running", "paused") or self.pid is None:
            return False
        if self.host == socket.gethostname():
            started = process_start_time(self.pid)
            return (
                started is not None
                and self.process_started is not None
                and abs(started - self.process_started) < START_TOLERANCE_SECONDS
            )
        return time.time() - self.heartbeat < STALE_AFTER_SECONDS

    @property
    def alive_state(self) -> State:
        """The state, with ``interrupted`` for a run that says it runs while its process is dead."""
        if self.state in ("running", "paused") and not self.alive:
            return "interrupted"
        return self.state


def status_from_json(document: Any) -> Status:
    """Read ``status.json``; keys that are unknown or no fit are left out, a broken file reads as ``created``."""
    if not isinstance(document, dict) or document.get("state") not in _WRITTEN_STATES:
        return Status("created")
    return Status(
        document["state"],
        **{name: document[name] for name, kinds in _KINDS.items() if name in document and _fits(document[name], kinds)},
    )


_WRITTEN_STATES = ("created", "running", "paused", "stopped", "finished", "failed")
_KINDS: dict[str, tuple[type, ...]] = {
    "step": (int,), "epoch": (int,), "epochs": (int,), "steps_per_epoch": (int,), "pid": (int,), "host": (str,),
    "process_started": (int, float), "heartbeat": (int, float), "control_id": (str,), "metrics": (dict,), "error": (dict,),
    "seconds": (int, float), "world_size": (int,),
}  # fmt: skip


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def process_start_time(pid: int) -> float | None:
    """Start time of a living process in unix seconds; None where there is none (a zombie counts as none)."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
