"""Where costs and accuracies lie in the plot of networks: scales and places, no painting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF

from app.live.fonts import chart_font
from app.live.scales import Axis, linear_axis
from app.subnets.points import Point
from app.subnets.scale import CostScale, cost_scale

_LEAST_SPAN = 2.0
"""Points of accuracy that the y axis spans at least."""


@dataclass(frozen=True)
class ParetoFrame:
    """The frame of one size for one set of points.

    Attributes:
        area: what points lie in, pixels of the widget.
        cost: name of the cost on the x axis.
    """

    area: QRectF
    cost: str
    x: CostScale
    y: Axis

    def x_of(self, cost: float) -> float:
        """Horizontal place of a cost."""
        return self.area.left() + self.x.share(cost) * self.area.width()

    def y_of(self, accuracy: float) -> float:
        """Vertical place of an accuracy, %."""
        return self.area.bottom() - (accuracy - self.y.low) / (self.y.high - self.y.low) * self.area.height()

    def place_of(self, point: Point) -> QPointF | None:
        """Where a point lies; None where it has no such cost."""
        cost = point.cost(self.cost)
        return None if cost is None else QPointF(self.x_of(cost), self.y_of(point.accuracy_percent))

    def nearest(self, points: Iterable[Point], first: Sequence[Point], place: QPointF, reach: float) -> Point | None:
        """The nearest point within ``reach`` pixels; of those at one place one of ``first``."""
        preferred = {point.key for point in first}
        best: tuple[tuple[float, bool], Point] | None = None
        for point in points:
            there = self.place_of(point)
            if there is None:
                continue
            distance = math.hypot(there.x() - place.x(), there.y() - place.y())
            rank = (round(distance, 1), point.key not in preferred)
            if distance <= reach and (best is None or rank < best[0]):
                best = (rank, point)
        return None if best is None else best[1]


def frame_of(rect: QRectF, points: Sequence[Point], cost: str, bounds: tuple[float, float] | None) -> ParetoFrame:
    """Lay out the frame of points that all have the cost.

    Args:
        rect: of the whole widget.
        bounds: multiply-adds of the smallest and biggest network of the space: over that cost the axis stands still.
    """
    metrics = QFontMetricsF(chart_font())
    line = metrics.height()
    costs = [value for point in points if (value := point.cost(cost)) is not None]
    if cost == "macs" and bounds is not None:
        costs += bounds
    x = cost_scale(min(costs, default=1.0), max(costs, default=10.0), cost, max(2, int(rect.width() / (7 * line))))
    accuracies = [point.accuracy_percent for point in points]
    low, high = (min(accuracies), max(accuracies)) if accuracies else (0.0, 100.0)
    if high - low < _LEAST_SPAN:  # One network alone, or some that are equal: no ticks at fractions that mean nothing.
        low, high = max(0.0, low - _LEAST_SPAN / 2), min(100.0, high + _LEAST_SPAN / 2)
    y = linear_axis(low, high, max(2, int(rect.height() / (4 * line))), from_zero=False)
    widest = max(metrics.horizontalAdvance(label) for label in ("100 %", *(label for _, label in y.ticks)))
    # High enough that the ring of a chosen 100 % fits under the legend.
    area = rect.adjusted(widest + line * 0.45, line * 2.3, -line * 0.8, -line * 2.5)
    return ParetoFrame(area, cost, x, y)
