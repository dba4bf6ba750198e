"""Axes at round steps: where they begin and end, and what stands beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DECADES_SHOWN = 6
"""A log axis reaches at most this far below its top: a cosine schedule that ends at zero would stretch it without end."""

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """A range at round steps with its ticks: ``(place, label)``. On a log axis places are log10 of the values."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def round_step(span: float, intervals: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten with which ``intervals`` steps cover a span."""
    least = span / max(intervals, 1)
    if not math.isfinite(least) or least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor for factor in _ROUND if factor * power >= least * (1 - 1e-9)) * power


def linear_axis(low: float, high: float, intervals: int, *, from_zero: bool = True) -> Axis:
    """A linear axis around values from ``low`` to ``high``."""
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = (low, low + 1.0) if from_zero else (low - 0.5, high + 0.5)
    step = round_step(high - low, intervals)
    start = math.floor(low / step + 1e-9)
    end = math.ceil(high / step - 1e-9)
    return Axis(
        start * step, end * step, tuple((place * step, number(place * step, step)) for place in range(start, end + 1))
    )


def percent_axis(intervals: int) -> Axis:
    """0 to 100 %."""
    step = 25.0 if intervals >= 4 else 50.0
    places = np.arange(0.0, 101.0, step)
    return Axis(
        0.0, 100.0, tuple((float(place), f"{place:.0f} %" if place == 100 else f"{place:.0f}") for place in places)
    )


def log_axis(low: float, high: float, intervals: int) -> Axis:
    """Whole decades around positive values ``low`` to ``high``."""
    top = math.ceil(math.log10(high) - 1e-9)
    bottom = max(math.floor(math.log10(low) + 1e-9), top - DECADES_SHOWN)
    bottom = min(bottom, top - 1)
    every = max(1, math.ceil((top - bottom) / max(intervals, 1)))
    return Axis(bottom, top, tuple((float(place), _decade(place)) for place in range(top, bottom - 1, -every)))


def epoch_axis(left: float, right: float, intervals: int) -> tuple[tuple[float, str], ...]:
    """Ticks at round numbers of epochs; of a whole run the last epoch is among them where that can be."""
    step = max(round_step(right - left, intervals), 1e-3)
    if right - left >= 1:
        step = float(math.ceil(step))
        if left == 0 and right % step:
            dividing = [
                factor * step
                for factor in (1.25, 1.5, 2.0, 2.5)
                if not (factor * step) % 1 and not right % (factor * step)
            ]
            step = dividing[0] if dividing else step
    first, last = math.ceil(left / step - 1e-9), math.floor(right / step + 1e-9)
    return tuple((place * step, number(place * step, step)) for place in range(first, last + 1))


def number(value: float, step: float) -> str:
    """A tick's value with the digits that tell it from its neighbours."""
    if abs(value) < step / 1e6:
        return "0"
    if abs(value) >= 1e5 or step < 1e-4:
        return f"{value:.3g}"
    digits = 0
    while digits < 6 and abs(round(step, digits) - step) > step * 1e-6:
        digits += 1
    return f"{value:,.{digits}f}"


def extent(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Lowest and highest finite value; None where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else None


def _decade(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 4 else f"1e{power}"
