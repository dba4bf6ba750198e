"""Who is in which split: stratified by class, decided by what an image holds and a salt, never by its place in a list.

An image's key is a hash of its content, so equal images stay on one side wherever the class allows it (a copy of a
training image in the test split would flatter the network), and a renamed folder or a sorted list changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.data.randomness import Positions, Words, mixed, stream_key

TEST_PORTION = 0.2
"""Share that a fixed hash takes out as test split where a data set has none of its own."""

TEST_SALT = stream_key("nascope", "test split", 1)
"""Fixed for ever: another salt is another test split, and no old result could be compared."""


def content_keys(images: NDArray[np.uint8]) -> Words:
    """One key of 64 bits an image, ``(N,)``, from its bytes."""
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    digests = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in flat)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def allocate(sizes: Sequence[int], total: int, *, minimum: int = 1, spare: int = 1) -> list[int]:
    """How many to take from each class so that they add up to ``total`` and every share is as even as can be.

    Largest remainders in whole numbers, within ``minimum`` and ``size - spare`` of each class; the sum differs from
    ``total`` only where those bounds leave no choice.

    Raises:
        ValueError: a class is smaller than ``minimum + spare``.
    """
    if any(size < minimum + spare for size in sizes):
        raise ValueError(f"a class is smaller than {minimum} + {spare}")
    everything = sum(sizes)
    taken = [min(max(total * size // everything, minimum), size - spare) for size in sizes]
    owed = [total * size - count * everything for size, count in zip(sizes, taken, strict=True)]
    while (missing := total - sum(taken)) != 0:
        step = 1 if missing > 0 else -1
        open_classes = [place for place, size in enumerate(sizes) if minimum <= taken[place] + step <= size - spare]
        if not open_classes:
            break
        place = max(open_classes, key=lambda place: (step * owed[place], -place))
        taken[place] += step
        owed[place] -= step * everything
    return taken


def choose(
    labels: Positions, keys: Words, total: int, *, classes: int, salt: int, minimum: int = 1, spare: int = 1
) -> NDArray[np.bool_]:
    """Mark about ``total`` images, stratified by class: ``(N,)``, true for the chosen.

    Args:
        labels: ``(N,)`` from 0 to ``classes - 1``.
        keys: ``(N,)`` content keys. Images with one key are not parted unless a class holds nothing else; the counts
            of ``allocate`` move by the few images that this needs.
        salt: names the choice; the same salt and images give the same choice in whatever order they are listed.
        minimum, spare: how many of each class must be chosen, and left, at least.

    Raises:
        ValueError: a class is smaller than ``minimum + spare``.
    """
    sizes = np.bincount(labels, minlength=classes)
    wanted = allocate(sizes.tolist(), total, minimum=minimum, spare=spare)
    chosen = np.zeros(len(labels), dtype=np.bool_)
    ranks = mixed(keys ^ np.uint64(salt))
    by_class = np.lexsort((ranks, labels))
    start = 0
    for size, count in zip(sizes.tolist(), wanted, strict=True):
        members = by_class[start : start + size]
        chosen[members[: _between_copies(ranks[members], count, minimum, size - spare)]] = True
        start += size
    return chosen


def _between_copies(ranks: Words, count: int, low: int, high: int) -> int:
    """The cut nearest to ``count`` that parts no equal ranks; ``count`` where there is none from ``low`` to ``high``."""
    for distance in range(high - low + 1):
        for cut in (count - distance, count + distance):
            if low <= cut <= high and (cut in (0, len(ranks)) or ranks[cut - 1] != ranks[cut]):
                return cut
    return count


def fingerprint(class_names: Sequence[str], *parts: tuple[Positions, Words]) -> str:
    """A hash (32 hex digits) of which images with which labels are in these splits, whatever their order."""
    digest = hashlib.blake2b("\x1f".join(class_names).encode("utf-8", "surrogateescape"), digest_size=16)
    for labels, keys in parts:
        rows = np.empty((len(keys), 2), dtype="<u8")
        rows[:, 0], rows[:, 1] = keys, labels
        digest.update(len(rows).to_bytes(8, "little"))
        digest.update(rows[np.lexsort((rows[:, 1], rows[:, 0]))].tobytes())
    return digest.hexdigest()
