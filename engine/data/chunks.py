"""What a process that decodes images is told and gives back: it needs nothing but a chunk, and remembers nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from engine.data.augment import Augmentation, changed_bytes, draw
from engine.data.decode import UndecodableError, read_content
from engine.data.picture import Way, square_of
from engine.data.randomness import Words

LARGEST = 32
"""Images of a chunk at most: a batch is the work of several processes, and none is long at work when it must end."""

Fault = tuple[int, str]
"""Number of an image within a chunk or batch, and why it cannot be decoded."""

Squares = tuple[Tensor, list[Fault]]
"""``(n, 3, S, S)`` uint8 in main memory, black where an image is broken, and the broken ones."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Files to decode.

    Attributes:
        paths: the files, as the system's bytes.
        size, way: as in ``picture.square_of``.
        words: ``(n, crops.WORDS)`` for crops, else None.
        flip: whether crops may be mirrored.
        augmentation: what is done to the squares here already, else None; all of it must leave bytes.
        key, start: of the random numbers for it: the stream's, and the first image's number within it.
    """

    paths: tuple[bytes, ...]
    size: int
    way: Way
    words: Words | None
    flip: bool
    augmentation: Augmentation | None = None
    key: tuple[str | int, ...] = ()
    start: int = 0


def read_chunk(chunk: Chunk) -> Squares:
    """Decode the files of a chunk, and augment them where it says so: a function of the files and the chunk alone."""
    squares = torch.zeros(len(chunk.paths), 3, chunk.size, chunk.size, dtype=torch.uint8)
    faults: list[Fault] = []
    for number, path in enumerate(chunk.paths):
        words = None if chunk.words is None else chunk.words[number]
        try:
            content = read_content(Path(os.fsdecode(path)))
            squares[number] = square_of(content, chunk.size, chunk.way, words, flip=chunk.flip)
        except UndecodableError as error:
            faults.append((number, str(error)))
    if chunk.augmentation is not None:
        drawn = draw(chunk.augmentation, len(squares), (chunk.size, chunk.size), key=chunk.key, start=chunk.start)
        squares = changed_bytes(squares, chunk.augmentation, drawn)
    return squares, faults


def parts(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The places from ``start`` to before ``stop`` in chunks of nearly equal size."""
    count = -(-(stop - start) // LARGEST)
    for number in range(count):
        yield start + (stop - start) * number // count, start + (stop - start) * (number + 1) // count


class ChunkReader(Dataset[Squares]):
    """``read_chunk`` as a data set whose indices are the chunks themselves."""

    def __getitem__(self, chunk: Chunk) -> Squares:
        return read_chunk(chunk)


def as_it_is(squares: Any) -> Any:
    """The loader's collate function: chunks are batches already."""
    return squares


def begin_worker(_worker: int = 0) -> None:
    """What a process that decodes does first: signals are left to the run, and its end is watched for."""
    leave_signals_to_the_run()
    threading.Thread(target=_end_with_the_run, daemon=True).start()


def leave_signals_to_the_run() -> None:
    """Ctrl-C and a scheduler's SIGTERM reach every process of a run: the run itself saves, then ends these."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _end_with_the_run() -> None:
    """However the run ends, kill -9 included. torch's own watch looks at the server that this process was forked from."""
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        os._exit(1)
