"""How the processes of a run come together, tell why one of them failed, and part.

They meet at a small store of texts, and exchange tensors in a process group of torch: gloo between processors, NCCL
between CUDA devices. There is no protocol for failures in the group: a process that fails leaves its reason in the
store and its group, so that whatever the others wait for in the group fails at once; they then look for the reason.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from engine.distributed.launch import Launch, launched
from engine.distributed.ranks import ALONE, Ranks
from engine.errors import NascopeError, RunError

Value = TypeVar("Value")
Words = dict[str, str | None]
"""``what``, ``where`` and ``mend`` of a failure."""

_MEETING = timedelta(minutes=10)
"""Longest wait for the others at the start."""
_SILENCE = timedelta(hours=6)
"""Longest time that one exchange may take. Pauses and the reading of data exchange more often, or wait elsewhere."""
_PARTING_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_LINGER_SECONDS = 0.5
_REASON_SECONDS = 2.0


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
class _Session:
    launch: Launch
    store: Any


_session: _Session | None = None
"""Of this process, as torch's own default group is."""
_is_missed = False
"""Whether the others were not found."""


@contextlib.contextmanager
def together() -> Iterator[Ranks]:
    """Within the block this process is one of its run's ranks; ``ALONE`` where nothing else was started.

    All but rank 0 ignore Ctrl-C and SIGTERM meanwhile, which reach all: they end as rank 0 decides.

    Raises:
        RunError: the others cannot be reached.
    """
    launch = launched()
    if launch is None:
        yield ALONE
        return
    with _deaf() if launch.rank else contextlib.nullcontext():
        store = _meet(launch).store
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
        try:
            dist.init_process_group(
                backend, store=PrefixStore("group", store), rank=launch.rank, world_size=launch.size, timeout=_SILENCE
            )
        except RuntimeError as error:
            raise _unreachable(launch, error) from None
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
    store = _of_this_process().store
    if not ranks.is_first:
        while not store.check([f"done/{name}"]):
            if store.check(["left"]):
                raise LeftAlone({"what": "Process 0 has ended.", "where": None, "mend": None}, is_input=True)
            time.sleep(_LOOK_SECONDS)
    found = work()
    store.set(f"done/{name}", "")
    return found


def tell_failure(words: Words, details: str, *, is_input: bool) -> None:
    """Leave the reason for which this process ends where rank 0 finds it.

    Args:
        details: the traceback, for the log.
    """
    session = _of_this_process()
    document = {"words": words, "details": details, "is_input": is_input, "host": socket.gethostname()}
    with contextlib.suppress(RuntimeError):  # The store went with rank 0: nobody is left to be told.
        session.store.set(f"failed/{session.launch.rank}", json.dumps(document))


def explained(error: BaseException, ranks: Ranks) -> BaseException:
    """The error, or ``LeftAlone`` where it only says that another process of the run is gone."""
    if ranks.size == 1 or not isinstance(error, RuntimeError) or not _speaks_of_the_group(error):
        return error
    until = time.monotonic() + _REASON_SECONDS
    while True:
        for rank in range(ranks.size):
            told = _told_by(rank)
            if told is not None:
                words = dict(told["words"])
                words["what"] = f"Process {rank} on {told['host']}: {words['what']}"
                found = LeftAlone(words, is_input=told["is_input"])
                found.add_note(told["details"])
                return found
        if time.monotonic() > until or _is_dead(ranks):
            what = "Another process of this run has ended without a word: it was killed, or its machine went away."
            return LeftAlone(
                {"what": what, "where": None, "mend": "See what the others printed, then resume."}, is_input=False
            )
        time.sleep(_LOOK_SECONDS)


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


def part(code: int) -> int:
    """The last thing a process does: rank 0 leaves its exit code, the others wait for it and take it for theirs.

    So a starter that kills all when one has ended never cuts rank 0's last words short.
    """
    launch = launched()
    if launch is None or _is_missed:
        return code
    try:
        session = _meet(launch)
        if launch.rank == 0:
            session.store.set("left", str(code))
            if not launch.agent_keeps_store:
                time.sleep(_LINGER_SECONDS)  # The store goes with this process.
            return code
        until = time.monotonic() + _PARTING_SECONDS
        with _deaf():
            while time.monotonic() < until:
                if session.store.check(["left"]):
                    return int(session.store.get("left"))
                time.sleep(_LOOK_SECONDS)
    except (RunError, RuntimeError):
        pass  # Rank 0 is gone, and its store with it.
    return code or 1


def _meet(launch: Launch) -> _Session:
    """The store of all processes; opened once.

    Raises:
        RunError: it cannot be reached.
    """
    global _session, _is_missed
    if _session is None:
        keeps_store = launch.rank == 0 and not launch.agent_keeps_store
        try:
            store = TCPStore(launch.address, launch.port, None, keeps_store, _MEETING, wait_for_workers=False)
        except RuntimeError as error:
            _is_missed = True
            raise _unreachable(launch, error) from None
        _session = _Session(launch, PrefixStore(f"nascope/{launch.attempt}", store))
    return _session


def _of_this_process() -> _Session:
    assert _session is not None, "together() comes first"
    return _session


def _told_by(rank: int) -> dict[str, Any] | None:
    store = _of_this_process().store
    try:
        found = json.loads(store.get(f"failed/{rank}")) if store.check([f"failed/{rank}"]) else None
    except (RuntimeError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _is_dead(ranks: Ranks) -> bool:
    """Whether, for one of the others, there is nothing to wait for: the store is gone with rank 0, or it has left."""
    if ranks.is_first:
        return False
    try:
        return bool(_of_this_process().store.check(["left"]))
    except RuntimeError:
        return True


def _speaks_of_the_group(error: RuntimeError) -> bool:
    if isinstance(error, dist.DistBackendError | dist.DistNetworkError):
        return True
    text = str(error).lower()
    return any(word in text for word in ("gloo", "nccl", "connection closed", "connection reset", "broken pipe"))


def _unreachable(launch: Launch, error: RuntimeError) -> RunError:
    line = (str(error).strip().splitlines() or ["no answer"])[0][:200]
    return RunError(
        f"the {launch.size} processes that {launch.starter} started do not find each other ({line}).",
        where=f"{launch.address}:{launch.port}",
        mend="Set MASTER_ADDR and MASTER_PORT to a host and a free port that all of them reach.",
    )


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Ignore the signals that ask a process to end."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    is_main = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in names if is_main and hasattr(signal, name)]
    old = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
