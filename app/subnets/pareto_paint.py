"""The painting of the plot of networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from app.live.fonts import chart_font
from app.subnets.pareto_frame import ParetoFrame
from app.subnets.pareto_marks import Stamps, paint_mark
from app.subnets.points import Point
from app.subnets.words import cost_title
from app.theme import mix, theme

translate = QCoreApplication.translate
_RING = 8.0
_MANY = 500
"""Points from which on stamps are worth their half pixel."""


def paint_grid(painter: QPainter, frame: ParetoFrame, *, labels: bool) -> None:
    """Lines and, where there are points, the numbers and names of both axes."""
    colours, area, font = theme(), frame.area, chart_font()
    line = QFontMetricsF(font).height()
    painter.setFont(font)
    right, centre = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignCenter
    for value, label in frame.y.ticks:
        # Whole pixels and a half: a line one pixel wide stays one pixel wide.
        y = round(frame.y_of(value)) + 0.5
        painter.setPen(QPen(QColor(colours.grid), 1))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        if labels:
            painter.setPen(QColor(colours.dim))
            box = QRectF(0, y - line / 2, area.left() - line * 0.45, line)
            painter.drawText(box, right | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, label)
    if not labels:
        return
    painter.setPen(QColor(colours.dim))
    for value, label in frame.x.ticks:
        box = QRectF(frame.x_of(value) - line * 4, area.bottom() + line * 0.3, line * 8, line)
        painter.drawText(box, centre | Qt.TextFlag.TextDontClip, label)
    painter.drawText(
        QRectF(area.left(), area.bottom() + line * 1.35, area.width(), line), right, cost_title(frame.cost)
    )
    accuracy = translate("subnets", "accuracy, %")
    painter.drawText(QRectF(0, 0, area.left() + line * 8, line * 1.2), Qt.AlignmentFlag.AlignLeft, accuracy)


def paint_budget(painter: QPainter, frame: ParetoFrame, macs: float) -> None:
    """Shade what costs more; only over multiply-adds there is a side to shade."""
    if frame.cost != "macs":
        return
    colours, area = theme(), frame.area
    x = min(max(frame.x_of(macs), area.left()), area.right())
    shade = QColor(mix(colours.panel, colours.dim, 0.13))
    painter.fillRect(QRectF(x, area.top(), area.right() - x, area.height()), shade)
    painter.setPen(QPen(QColor(colours.warn), 1.2, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


def paint_front(painter: QPainter, frame: ParetoFrame, front: Sequence[Point]) -> None:
    """Steps: between two networks the cheaper one is the best that a budget can buy."""
    corners: list[QPointF] = []
    for there in filter(None, map(frame.place_of, front)):
        if corners:
            corners.append(QPointF(there.x(), corners[-1].y()))
        corners.append(there)
    if not corners:
        return
    corners.append(QPointF(frame.area.right(), corners[-1].y()))
    painter.setPen(QPen(QColor(mix(theme().panel, theme().accent, 0.75)), 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(corners))


def paint_points(
    painter: QPainter, frame: ParetoFrame, points: Sequence[Point], front: Sequence[Point], budget: float | None
) -> None:
    """All networks, those on the front larger and on top; what is over the budget fades."""
    on_front = {point.key for point in front}
    order = sorted(
        points,
        key=lambda point: (
            point.found_by in ("smallest", "biggest"), point.key in on_front, point.found_by not in ("random", "sampled"),
        ),
    )  # fmt: skip
    paint = Stamps(painter).paint if len(order) > _MANY else partial(paint_mark, painter)
    for point in order:
        there = frame.place_of(point)
        if there is not None:
            faded = budget is not None and point.macs > budget
            paint(there, point.found_by, faded=faded, large=point.key in on_front)


def paint_number(painter: QPainter, there: QPointF, number: int) -> None:
    """The place of a network in the comparison."""
    painter.setPen(QColor(theme().text))
    painter.setFont(chart_font(bold=True))
    line = QFontMetricsF(painter.font()).height()
    box = QRectF(there.x() + line * 0.35, there.y() - line * 1.15, line * 2, line)
    painter.drawText(box, Qt.AlignmentFlag.AlignLeft, str(number))


def paint_ring(painter: QPainter, there: QPointF, *, strong: bool) -> None:
    """Around the chosen network, or the one under the mouse."""
    colours = theme()
    painter.setPen(QPen(QColor(colours.text if strong else colours.dim), 2.2 if strong else 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(there, _RING, _RING)
