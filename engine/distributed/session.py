"""How the processes of a run come together, tell why one of them failed, and part.

They meet at a small store of texts, and exchange tensors in a process group of torch: gloo between processors, NCCL
between CUDA devices. There is no protocol for failures in the group: a process that fails leaves its reason in the
store and its group, so that whatever the others wait for in the group fails at once; they then look for the reason.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore  # type: ignore[attr-defined]

from engine.distributed import meeting
from engine.distributed.deaf import deaf
from engine.distributed.launch import launched
from engine.distributed.meeting import (
    LOOK_SECONDS,
    LeftAlone,
    Words,
    as_error,
    meet,
    of_this_process,
    told_by,
    unreachable,
    wait_for_all,
)
from engine.distributed.ranks import ALONE, Ranks
from engine.errors import NascopeError, RunError

Value = TypeVar("Value")

_SILENCE = timedelta(hours=6)
"""Longest time that one exchange may take. Pauses and the reading of data exchange more often, or wait elsewhere."""
_PARTING_SECONDS = 60.0
_LINGER_SECONDS = 0.5
_REASON_SECONDS = 2.0


@contextlib.contextmanager
def together() -> Iterator[Ranks]:
    """Within the block this process is one of its run's ranks; ``ALONE`` where nothing else was started.

    All but rank 0 ignore Ctrl-C and SIGTERM meanwhile, which reach all: they end as rank 0 decides.

    Raises:
        RunError: the others cannot be reached, or one of them has ended before it came here.
    """
    launch = launched()
    if launch is None:
        yield ALONE
        return
    with deaf() if launch.rank else contextlib.nullcontext():
        store = meet(launch).store
        wait_for_all(launch)
        # Imported later (optimizers do), torch's compiler keeps the group alive after its end: its connections stay open,
        # and nobody notices that this process has left.
        importlib.import_module("torch._dynamo")
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
        try:
            dist.init_process_group(
                backend, store=PrefixStore("group", store), rank=launch.rank, world_size=launch.size, timeout=_SILENCE
            )
        except RuntimeError as error:
            raise unreachable(launch, error) from None
        try:
            yield Ranks(launch.rank, launch.size, launch.local_rank, launch.local_size)
        finally:
            dist.destroy_process_group()


def first_goes(ranks: Ranks, work: Callable[[], Value], name: str) -> Value:
    """What ``work`` gives on each rank; the others begin when rank 0 is done, and find what it fetched.

    Raises:
        LeftAlone: rank 0 failed.
        Exception: whatever ``work`` raises here.
    """
    if ranks.size == 1:
        return work()
    store = of_this_process().store
    if not ranks.is_first:
        while not store.check([f"done/{name}"]):
            if store.check(["left"]):
                raise LeftAlone({"what": "Process 0 has ended.", "where": None, "mend": None}, is_input=True)
            time.sleep(LOOK_SECONDS)
    found = work()
    store.set(f"done/{name}", "")
    return found


def tell_failure(words: Words, details: str, *, is_input: bool) -> None:
    """Leave the reason for which this process ends where rank 0 finds it.

    Args:
        details: the traceback, for the log.
    """
    session = of_this_process()
    document = {"words": words, "details": details, "is_input": is_input, "host": socket.gethostname()}
    with contextlib.suppress(RuntimeError):  # The store went with rank 0: nobody is left to be told.
        session.store.set(f"failed/{session.launch.rank}", json.dumps(document))


def explained(error: BaseException, ranks: Ranks) -> BaseException:
    """The error, or ``LeftAlone`` where it only says that another process of the run is gone."""
    if ranks.size == 1 or not isinstance(error, RuntimeError) or not _speaks_of_the_group(error):
        return error
    until = time.monotonic() + _REASON_SECONDS
    while True:
        found = left_alone(ranks)
        if found is not None:
            return found
        if time.monotonic() > until:
            return _without_a_word()
        time.sleep(LOOK_SECONDS)


def left_alone(ranks: Ranks) -> LeftAlone | None:
    """Whether another process is known to have ended, and why."""
    for rank in range(ranks.size):
        told = told_by(rank)
        if told is not None:
            return as_error(rank, told)
    return _without_a_word() if _is_dead(ranks) else None


def leave(code: int) -> None:
    """Rank 0's word that it ends, with its exit code; the others' say nothing."""
    session = of_this_process()
    if session.launch.rank == 0:
        with contextlib.suppress(RuntimeError):
            session.store.set("left", str(code))


@contextlib.contextmanager
def failing_together(ranks: Ranks) -> Iterator[None]:
    """Within the block a failure of one process is one of all, and rank 0 raises why.

    Raises:
        RunError: on rank 0, another process failed.
    """
    try:
        yield
    except Exception as error:
        found = explained(error, ranks)
        if isinstance(found, LeftAlone) and ranks.is_first:
            raise RunError(found.words["what"] or "", where=found.words["where"], mend=found.words["mend"]) from error
        if ranks.size > 1 and not ranks.is_first and not isinstance(found, LeftAlone):
            said: Words = {"what": f"{type(error).__name__}: {error}", "where": None, "mend": None}
            words = error.as_dict() if isinstance(error, NascopeError) else said
            details = "".join(traceback.format_exception(error))
            tell_failure(words, details, is_input=isinstance(error, NascopeError))
        raise


def part(code: int, said: str = "") -> int:
    """The last thing a process does: rank 0 leaves its exit code, the others wait for it and take it for theirs.

    So a starter that kills all when one has ended never cuts rank 0's last words short.

    Args:
        said: why this process ends with another code than 0; for rank 0, which would wait for it in vain.
    """
    launch = launched()
    if launch is None or meeting.is_missed:
        return code
    try:
        session = meet(launch)
        if launch.rank == 0:
            session.store.set("left", str(code))
            if not launch.agent_keeps_store:
                time.sleep(_LINGER_SECONDS)  # The store goes with this process.
            return code
        if code and not meeting.has_met_all:
            what = said or f"ended with exit code {code}."
            tell_failure({"what": what, "where": None, "mend": None}, "", is_input=True)
        until = time.monotonic() + _PARTING_SECONDS
        with deaf():
            while time.monotonic() < until:
                if session.store.check(["left"]):
                    return int(session.store.get("left"))
                time.sleep(LOOK_SECONDS)
    except (RunError, RuntimeError):
        pass  # Rank 0 is gone, and its store with it.
    return code or 1


def _is_dead(ranks: Ranks) -> bool:
    """Whether, for one of the others, there is nothing to wait for: the store is gone with rank 0, or it has left."""
    if ranks.is_first:
        return False
    try:
        return bool(of_this_process().store.check(["left"]))
    except RuntimeError:
        return True


def _without_a_word() -> LeftAlone:
    what = "Another process of this run has ended without a word: it was killed, or its machine went away."
    return LeftAlone({"what": what, "where": None, "mend": "See what the others printed, then resume."}, is_input=False)


def _speaks_of_the_group(error: RuntimeError) -> bool:
    if isinstance(error, dist.DistBackendError | dist.DistNetworkError):
        return True
    text = str(error).lower()
    return any(word in text for word in ("gloo", "nccl", "connection closed", "connection reset", "broken pipe"))
