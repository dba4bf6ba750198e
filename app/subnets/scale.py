"""A logarithmic axis of costs: twice as much is equally far everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.live.scales import round_step
from app.subnets.words import cost_words

_ROOM = 0.04
"""Empty share at each end, so that no point lies on the frame."""


@dataclass(frozen=True)
class CostScale:
    """Ends of the axis (costs above 0) and its ticks: value, label."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def share(self, cost: float) -> float:
        """Place of a cost, 0 at the left end to 1 at the right end."""
        return math.log(max(cost, 1e-9) / self.low) / math.log(self.high / self.low)


def cost_scale(low: float, high: float, cost: str, most_ticks: int) -> CostScale:
    """The axis around costs from ``low`` to ``high``, both above 0; ticks at 1, 2 and 5 times powers of ten where they do."""
    if high < low * 1.05:
        low, high = low / 1.3, high * 1.3
    room = (high / low) ** _ROOM
    low, high = low / room, high * room
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [factor * 10.0**power for power in decades for factor in factors]
        values = [value for value in values if low <= value <= high]
        if len(values) <= most_ticks:
            break
    if len(values) < 2:
        step = round_step(high - low, max(most_ticks - 1, 1))
        values = [place * step for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return CostScale(low, high, tuple((value, _label(cost, value)) for value in values if value > 0))


def _label(cost: str, value: float) -> str:
    """A round number needs no zeros behind its point."""
    number, _, unit = cost_words(cost, value).partition(" ")
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{number} {unit}".strip()
