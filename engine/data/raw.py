"""What a reader of a data set hands over: arrays in main memory and which of them are which split. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data.randomness import Positions, Words

Progress = Callable[[str, int, int], None]
"""Hears ``(what, done, total)``; may raise to stop."""

Pixels = NDArray[np.uint8]

Names = NDArray[np.bytes_]
"""Places of files below their folder as the system's bytes: a million of them take little memory."""


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of each channel, of pixels scaled to 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class RawSplit:
    """Images of one split.

    Attributes:
        images: ``(N, C, H, W)`` uint8; may be a memory map.
        labels: ``(N,)`` int64.
        keys: ``(N,)`` content keys (``splits.content_keys``).
        names: ``(N,)`` places of the files, None where the images come from arrays.
    """

    images: Pixels
    labels: Positions
    keys: Words
    names: Names | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class FileSplit:
    """Image files of one split, to be decoded when they are needed.

    Attributes:
        root: the folder.
        names: ``(N,)`` places of the files below it.
        labels: ``(N,)`` int64.
        keys: ``(N,)`` hashes of place and size in bytes: reading a million files to know their content takes hours.
    """

    root: Path
    names: Names
    labels: Positions
    keys: Words

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class RawData:
    """A data set as its files have it, before nascope splits it.

    Attributes:
        train: everything that is neither the set's own validation nor its own test split.
        validation: the set's own validation split, or None.
        read_test: reads the set's own test split, or None where a fixed hash must take one out of ``train``. A
            function, so that nothing but a test touches those images.
        test_size: number of images that ``read_test`` would give; 0 where it is None.
        normalization: the constants everybody uses for this set, or None: computed from the training split.
        messages: sentences that a person should read (files left out, splits made).
    """

    class_names: tuple[str, ...]
    train: RawSplit | FileSplit
    validation: RawSplit | FileSplit | None = None
    read_test: Callable[[], RawSplit | FileSplit] | None = None
    test_size: int = 0
    normalization: Normalization | None = None
    messages: tuple[str, ...] = ()


def no_progress(_what: str, _done: int, _total: int) -> None:
    """The listener where nobody listens."""
