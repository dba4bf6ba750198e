"""One series made ready for drawing: smoothed as it grows, reduced to what the screen can show."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.live.smoothing import RunningAverage

Array = NDArray[np.float64]

SMOOTH_POINTS = 1500
"""Most points of a smoothed line: wide antialiased pens cost far more than narrow ones (pyqtgraph)."""

_BLOCK = 256


class Points(Protocol):
    """What a trace is made from; a ``Series`` of the history is one."""

    @property
    def times(self) -> Array: ...
    @property
    def steps(self) -> Array: ...
    @property
    def values(self) -> Array: ...
    def __len__(self) -> int: ...


class Trace:
    """A series over epochs. ``update`` takes in what is new; a series that was cut by a resume is read anew.

    Attributes:
        times: unix seconds, ``(points,)``.
        x: epochs that were done after the point's step, ``(points,)``, ascending: the end of the first epoch is 1.
        y: values, ``(points,)``, NaN for gaps.
    """

    def __init__(self, smoothing: float = 0.0) -> None:
        self._smoothing = smoothing
        self._clear()

    def _clear(self) -> None:
        self._source: Points | None = None
        self._steps_per_epoch = 0
        self._length = 0
        self._newest: int | None = None
        self._rows = np.empty((3, 256))
        self._lows = np.empty(0)
        self._highs = np.empty(0)
        self._average = RunningAverage(self._smoothing)

    def __len__(self) -> int:
        return self._length

    @property
    def times(self) -> Array:
        return self._rows[0, : self._length]

    @property
    def x(self) -> Array:
        return self._rows[1, : self._length]

    @property
    def y(self) -> Array:
        return self._rows[2, : self._length]

    @property
    def newest(self) -> int | None:
        """Number of the last point that is no gap; None where there is none."""
        return self._newest

    @property
    def smoothed(self) -> Array:
        """The bias-corrected exponential average of all points, ``(points,)``; of one or two points the points themselves."""
        return self._average.values if self._length > 2 else self.y

    def set_smoothing(self, weight: float) -> None:
        """Smooth anew with another weight."""
        if weight != self._smoothing:
            self._smoothing = weight
            self._average = RunningAverage(weight)
            self._average.extend(self.y)

    def update(self, source: Points | None, steps_per_epoch: int) -> None:
        """Take in the points that are new since the last call."""
        if source is None or steps_per_epoch <= 0:
            self._clear()
            return
        if source is not self._source or steps_per_epoch != self._steps_per_epoch or self._was_cut(source):
            self._clear()
            self._source, self._steps_per_epoch = source, steps_per_epoch
        start, end = self._length, len(source)
        if start == end:
            return
        if end > self._rows.shape[1]:
            grown = np.empty((3, max(end, 2 * self._rows.shape[1])))
            grown[:, :start] = self._rows[:, :start]
            self._rows = grown
        self._rows[0, start:end] = source.times[start:end]
        self._rows[1, start:end] = (source.steps[start:end] + 1) / steps_per_epoch
        self._rows[2, start:end] = source.values[start:end]
        self._length = end
        self._average.extend(self._rows[2, start:end])
        finite = np.flatnonzero(np.isfinite(self._rows[2, start:end]))
        if len(finite):
            self._newest = start + int(finite[-1])
        first = start // _BLOCK
        lows, highs = _extremes(self._rows[2, first * _BLOCK : end], _BLOCK)
        self._lows = np.concatenate([self._lows[:first], lows])
        self._highs = np.concatenate([self._highs[:first], highs])

    def _was_cut(self, source: Points) -> bool:
        """A resume dropped points that are drawn already; others, with other times, may stand in their place."""
        last = self._length - 1
        return len(source) < self._length or (last >= 0 and float(source.times[last]) != self._rows[0, last])

    def visible(self, left: float, right: float) -> slice:
        """The points between two epochs and one neighbour on each side, so that lines run to the edge."""
        start, end = np.searchsorted(self.x, (left, right), side="left")
        return slice(max(int(start) - 1, 0), min(int(end) + 1, self._length))

    def raw_line(self, left: float, right: float, columns: int) -> tuple[Array, Array]:
        """Points to draw: all, or of each of about ``columns`` parts the lowest and the highest, so that no peak is lost.

        The parts begin at multiples of a power of two of points: what is drawn already does not wobble as points come.
        """
        part = self.visible(left, right)
        count = part.stop - part.start
        if count <= 2 * columns:
            return self.x[part], self.y[part]
        size = 1 << int(np.ceil(np.log2(count / columns)))
        start = part.start - part.start % size
        if size < _BLOCK:
            lows, highs = _extremes(self.y[start : part.stop], size)
        else:
            blocks = slice(start // _BLOCK, -(-part.stop // _BLOCK))
            lows = _extremes(self._lows[blocks], size // _BLOCK)[0]
            highs = _extremes(self._highs[blocks], size // _BLOCK)[1]
        middles = np.minimum(start + size // 2 + size * np.arange(len(lows)), self._length - 1)
        return np.repeat(self.x[middles], 2), np.column_stack([lows, highs]).ravel()

    def smooth_line(self, left: float, right: float) -> tuple[Array, Array]:
        """Every so many-th point of the full smoothed series, at most ``SMOOTH_POINTS``, the newest always among them."""
        part = self.visible(left, right)
        count = part.stop - part.start
        if count <= SMOOTH_POINTS:
            return self.x[part], self.smoothed[part]
        size = 1 << int(np.ceil(np.log2(count / (SMOOTH_POINTS - 2))))
        chosen = np.arange(part.start - part.start % size, part.stop, size)
        if chosen[-1] != part.stop - 1:
            chosen = np.append(chosen, part.stop - 1)
        return self.x[chosen], self.smoothed[chosen]

    def nearest(self, epoch: float) -> int | None:
        """Number of the point that is nearest to a place on the x axis; None without points."""
        if not self._length:
            return None
        right = min(int(np.searchsorted(self.x, epoch)), self._length - 1)
        left = max(right - 1, 0)
        return left if epoch - self.x[left] < self.x[right] - epoch else right


def _extremes(values: Array, size: int) -> tuple[Array, Array]:
    """Lowest and highest of each run of ``size`` values, the last run maybe shorter; NaN only where all are."""
    starts = np.arange(0, len(values), size)
    if not len(starts):
        return np.empty(0), np.empty(0)
    return np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
