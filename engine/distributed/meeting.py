"""Where the processes of a run meet: a small store of texts, and what one that ended left there."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from engine.distributed.launch import Launch
from engine.errors import RunError

Words = dict[str, str | None]
"""``what``, ``where`` and ``mend`` of a failure."""

_MEETING = timedelta(minutes=10)
"""Longest wait for the others at the start."""
LOOK_SECONDS = 0.05


class LeftAlone(Exception):
    """Another process of the run has ended.

    Attributes:
        words: why, where it could be told.
        is_input: whether it refused its input (nothing was trained), rather than broke.
    """

    def __init__(self, words: Words, *, is_input: bool) -> None:
        super().__init__(words["what"])
        self.words = words
        self.is_input = is_input


@dataclass(frozen=True)
class Session:
    """This process among the others, and the store that they share."""

    launch: Launch
    store: Any


_session: Session | None = None
"""Of this process, as torch's own default group is."""
is_missed = False
"""Whether the others were not found."""
has_met_all = False
"""Whether all of them came: from then on a failure is told by whoever works on the run."""


def meet(launch: Launch) -> Session:
    """The store of all processes; opened once.

    Raises:
        RunError: it cannot be reached.
    """
    global _session, is_missed
    if _session is None:
        keeps_store = launch.rank == 0 and not launch.agent_keeps_store
        try:
            store = TCPStore(launch.address, launch.port, None, keeps_store, _MEETING, wait_for_workers=False)
        except RuntimeError as error:
            is_missed = True
            raise unreachable(launch, error) from None
        _session = Session(launch, PrefixStore(f"nascope/{launch.attempt}", store))
    return _session


def wait_for_all(launch: Launch) -> None:
    """Until every process has come here; torch's own meeting would wait for one that has ended.

    Raises:
        RunError: one has ended before, or does not come.
    """
    global has_met_all, is_missed
    store = of_this_process().store
    until = time.monotonic() + _MEETING.total_seconds()
    try:
        store.set(f"here/{launch.rank}", "")
        while not store.check([f"here/{rank}" for rank in range(launch.size)]):
            for rank in range(launch.size):
                told = told_by(rank)
                if told is not None:
                    raise RunError(as_error(rank, told).words["what"] or "")
            if launch.rank and store.check(["left"]):
                raise RunError("process 0 has ended.")
            if time.monotonic() > until:
                missing = [rank for rank in range(launch.size) if not store.check([f"here/{rank}"])]
                raise RuntimeError(f"after {_MEETING} process {missing[0]} is not there")
            time.sleep(LOOK_SECONDS)
    except RuntimeError as error:
        is_missed = True
        raise unreachable(launch, error) from None
    has_met_all = True


def as_error(rank: int, told: dict[str, Any]) -> LeftAlone:
    """What a process has told, in the words of the others."""
    words = dict(told["words"])
    words["what"] = f"Process {rank} on {told['host']}: {words['what']}"
    found = LeftAlone(words, is_input=told["is_input"])
    found.add_note(told["details"])
    return found


def of_this_process() -> Session:
    """What ``meet`` gave."""
    assert _session is not None, "together() comes first"
    return _session


def told_by(rank: int) -> dict[str, Any] | None:
    """What a process left when it failed; None where it did not, or where the store is gone."""
    store = of_this_process().store
    try:
        found = json.loads(store.get(f"failed/{rank}")) if store.check([f"failed/{rank}"]) else None
    except (RuntimeError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def unreachable(launch: Launch, error: RuntimeError) -> RunError:
    """The error for processes that do not find each other."""
    line = (str(error).strip().splitlines() or ["no answer"])[0][:200]
    return RunError(
        f"the {launch.size} processes that {launch.starter} started do not find each other ({line}).",
        where=f"{launch.address}:{launch.port}",
        mend="Set MASTER_ADDR and MASTER_PORT to a host and a free port that all of them reach.",
    )
