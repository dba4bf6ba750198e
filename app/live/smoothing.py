"""Exponential smoothing of noisy series: exact on every point, without a Python loop over the points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LARGEST_WEIGHT = 0.999
"""Where a smoothing slider ends: at 1 nothing would ever move."""

_CHUNK = 32
_LAST_DIGIT = math.log(np.finfo(np.float64).eps / 2)


def smooth(values: Array, weight: float) -> Array:
    """Bias-corrected exponential average: s_i = w s_{i-1} + (1 - w) x_i, divided by 1 - w^n after n points.

    Args:
        values: ``(points,)``; NaN stays NaN and does not count.
        weight: w, from 0 (no smoothing) to 0.999.
    """
    average = RunningAverage(weight)
    average.extend(values)
    return average.values


class RunningAverage:
    """The bias-corrected average of a series that grows; a new point costs the same however many there are."""

    def __init__(self, weight: float) -> None:
        self.weight = min(max(weight, 0.0), LARGEST_WEIGHT)
        self._values = np.empty(256)
        self._length = 0
        self._sum = 0.0
        self._count = 0

    @property
    def values(self) -> Array:
        """The averages so far, ``(points,)``."""
        return self._values[: self._length]

    def extend(self, fresh: Array) -> None:
        """Take in further points."""
        end = self._length + len(fresh)
        if end > len(self._values):
            grown = np.empty(max(end, 2 * len(self._values)))
            grown[: self._length] = self.values
            self._values = grown
        self._values[self._length : end] = self._averages(fresh)
        self._length = end

    def _averages(self, fresh: Array) -> Array:
        finite = np.isfinite(fresh)
        points = fresh if finite.all() else fresh[finite]
        if not len(points):
            return np.full(len(fresh), np.nan)
        sums = _recur(points * (1 - self.weight), self.weight, self._sum)
        if self.weight > 0:
            rate = math.log(self.weight)
            # Later on 1 - w^n is 1 to the last digit. By expm1: the plain difference loses digits where w is close to 1.
            biased = slice(0, max(0, math.ceil(_LAST_DIGIT / rate) - self._count))
            counts = np.arange(self._count + 1, self._count + 1 + len(sums[biased]))
            corrected = sums.copy()
            corrected[biased] /= -np.expm1(counts * rate)
        else:
            corrected = sums
        self._sum, self._count = float(sums[-1]), self._count + len(points)
        if len(corrected) == len(fresh):
            return corrected
        spread = np.full(len(fresh), np.nan)
        spread[finite] = corrected
        return spread


def _recur(inputs: Array, weight: float, start: float) -> Array:
    """s_i = weight s_{i-1} + inputs_i with s_{-1} = start, by chunks: each is one matrix product, their ends recur again."""
    if len(inputs) <= _CHUNK:
        return _within(len(inputs), weight) @ inputs + start * weight ** np.arange(1, len(inputs) + 1)
    whole = len(inputs) // _CHUNK
    body = inputs[: whole * _CHUNK].reshape(whole, _CHUNK) @ _within(_CHUNK, weight).T
    ends = _recur(np.ascontiguousarray(body[:, -1]), weight**_CHUNK, start)
    before = np.concatenate([[start], ends[:-1]])
    body += before[:, None] * weight ** np.arange(1, _CHUNK + 1)
    rest = inputs[whole * _CHUNK :]
    return np.concatenate([body.ravel(), _recur(rest, weight, float(ends[-1]))]) if len(rest) else body.ravel()


def _within(length: int, weight: float) -> Array:
    """``(length, length)``: row i holds the weights of the inputs up to i."""
    lag = np.arange(length)[:, None] - np.arange(length)[None, :]
    found: Array = np.where(lag >= 0, float(weight) ** np.maximum(lag, 0), 0.0)
    return found
