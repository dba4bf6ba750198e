"""Random numbers as a function of what they are for, instead of a generator that someone advances.

Number ``i`` of a stream is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) at counter ``i`` from the stream's key, so
it is the same on every machine, with every version of numpy and torch, and after a resume.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Positions = NDArray[np.int64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def stream_key(*parts: str | int) -> int:
    """A key of 64 bits for the stream with these names, for example ``(seed, "train", epoch)``."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def mixed(words: Words) -> Words:
    """SplitMix64's finalizer, elementwise: a bijection of 64-bit words that scatters neighbours."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def draws(key: int, count: int, start: int = 0) -> Words:
    """``count`` words of a stream from number ``start`` on, ``(count,)`` uniform over 64 bits."""
    counters = np.arange(start + 1, start + count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    return mixed(counters + np.uint64(key & _MASK))


def below(key: int, count: int, limit: int, start: int = 0) -> Positions:
    """``(count,)`` whole numbers from 0 to ``limit - 1``, from number ``start`` on; bias below limit / 2**32."""
    return (((draws(key, count, start) >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)


def fractions(words: Words) -> NDArray[np.float64]:
    """Words as numbers from 0 to before 1, elementwise, in steps of 2**-53."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(key: int, count: int) -> Positions:
    """The numbers from 0 to ``count - 1`` in random order, ``(count,)``."""
    return np.argsort(draws(key, count), kind="stable").astype(np.int64)
