"""Processes that decode the next batches while the network trains."""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util
import os
import weakref
from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Sampler

from engine.data.chunks import Chunk, ChunkReader, Squares, as_it_is, begin_worker, read_chunk
from engine.errors import DataError

_BATCHES_AHEAD = 2

Chunks = Callable[[int], Sequence[Chunk]]
"""The chunks of a step; none where this rank's share is empty."""


class ReadAhead:
    """Decoded chunks of one step after another; another step than the next one begins anew from there.

    Args:
        chunks: asked for the steps ahead, in order.
        workers: processes; 0 decodes when it is asked.
        chunks_a_step: of a full batch; two batches are read ahead.
        stop: step before which reading ahead ends; None never does.
        pinned: whether chunks are put where a GPU can fetch them while it computes.
    """

    def __init__(
        self, chunks: Chunks, *, workers: int, chunks_a_step: int, stop: int | None = None, pinned: bool = False
    ) -> None:
        self._chunks = chunks
        self._workers = workers
        self._ahead = max(2, -(-_BATCHES_AHEAD * chunks_a_step // workers)) if workers else None
        self._steps = _Steps(chunks, stop)
        self._pinned = pinned
        self._loader: DataLoader[Squares] | None = None
        self._iterator: Iterator[Squares] | None = None
        self._next = -1
        _OPEN.add(self)

    def step(self, step: int) -> list[Squares]:
        """The decoded chunks of a step.

        Raises:
            DataError: a process that decodes was ended by something else.
        """
        wanted = self._chunks(step)
        if not self._workers:
            return [read_chunk(chunk) for chunk in wanted]
        try:
            if self._iterator is None or step != self._next:
                self._begin(step)
            assert self._iterator is not None
            found = [next(self._iterator) for _ in wanted]
        except RuntimeError as error:
            self.close()
            if "DataLoader worker" not in str(error):
                raise
            raise DataError(
                "a process that decodes images was ended by the system, which does that where memory, or the shared memory "
                "in /dev/shm, is short.",
                where=f"workers={self._workers}",
                mend="Resume with fewer workers (--set workers=0 decodes in the run itself), or give more shared memory.",
            ) from error
        except BaseException:
            self.close()  # A stop in the middle of a batch: what was read of it is lost.
            raise
        self._next = step + 1
        return found

    def close(self) -> None:
        """End the processes; the next step starts them again."""
        iterator, self._iterator, self._loader = self._iterator, None, None
        # torch ends them when the last reference goes, which a traceback may keep for long.
        end = getattr(iterator, "_shutdown_workers", None)
        if end is not None:
            end()

    def _begin(self, step: int) -> None:
        self._steps.first = step
        if self._loader is None:
            self._loader = DataLoader(
                ChunkReader(), batch_size=None, sampler=self._steps, num_workers=self._workers, collate_fn=as_it_is,
                pin_memory=self._pinned, worker_init_fn=begin_worker, prefetch_factor=self._ahead,
                persistent_workers=True, multiprocessing_context=_context(),
                generator=torch.Generator(),  # Its own: the loader draws a number, and the run's generator must not move.
            )  # fmt: skip
        self._iterator = iter(self._loader)


class _Steps(Sampler[Chunk]):
    """The chunks of all steps from ``first`` on."""

    def __init__(self, chunks: Chunks, stop: int | None) -> None:
        self.first = 0
        self._chunks = chunks
        self._stop = stop

    def __iter__(self) -> Iterator[Chunk]:
        step = self.first
        while self._stop is None or step < self._stop:
            yield from self._chunks(step)
            step += 1


_OPEN: weakref.WeakSet[ReadAhead] = weakref.WeakSet()


def _close_all() -> None:
    for reader in list(_OPEN):
        reader.close()


# Registered after multiprocessing's own, hence called before it: that one waits for processes which no signal ends.
atexit.register(_close_all)


def usual_workers() -> int:
    """Processes to decode with where nobody says: one a core of this rank's share of the machine, but one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    on_this_machine = os.environ.get("LOCAL_WORLD_SIZE", "1")
    ranks = int(on_this_machine) if on_this_machine.isdecimal() else 1
    return max(1, cores // max(1, ranks) - 1)


def _context() -> multiprocessing.context.BaseContext:
    """Never a plain fork: the run has threads and may hold a GPU."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["engine.data.fork_server"])
    return context
