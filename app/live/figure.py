"""A plot as plain values, and its painting: the same frame on screen and on paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from app.live.measures import Role
from app.live.scales import Axis
from app.theme import Theme, mix

Array = NDArray[np.float64]

RAW_SHARE = 0.34
"""Share of the line's colour in its raw line. Opaque: strokes that lie on each other would add up (measured)."""

_DOT_RADIUS = 3.2


@dataclass(frozen=True)
class Curve:
    """One line: x in epochs, y as the axis counts (log10 on a log axis), NaN for gaps.

    Attributes:
        is_whole: whether the newest number is in view, so that the end of the line is that of the series.
    """

    label: str
    role: Role
    line: tuple[Array, Array]
    raw: tuple[Array, Array] | None = None
    dashed: bool = False
    is_whole: bool = True

    def end(self) -> tuple[float, float] | None:
        """The newest point; None where it is out of view."""
        if not self.is_whole:
            return None
        x, y = self.line
        finite = np.flatnonzero(np.isfinite(y))
        return (float(x[finite[-1]]), float(y[finite[-1]])) if len(finite) else None


@dataclass(frozen=True)
class Figure:
    """Everything a plot shows.

    Attributes:
        left, right: ends of the x axis, epochs.
        marker: where the shown epoch ends; None while live.
        sentence: shown in the middle of a plot without lines.
    """

    left: float
    right: float
    x_ticks: tuple[tuple[float, str], ...]
    y: Axis
    curves: tuple[Curve, ...] = ()
    marker: float | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Placement:
    """Where the numbers of a figure lie in a rectangle."""

    area: QRectF
    figure: Figure

    def x(self, epoch: float) -> float:
        """Horizontal place of an epoch."""
        figure = self.figure
        return self.area.left() + (epoch - figure.left) / (figure.right - figure.left) * self.area.width()

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        axis = self.figure.y
        return self.area.bottom() - (value - axis.low) / (axis.high - axis.low) * self.area.height()


def place(rect: QRectF, figure: Figure, font: QFont) -> Placement:
    """Room for the labels around, the rest for the lines. The left margin has a fixed least width, so that plots line up."""
    metrics = QFontMetricsF(font)
    widest = max(
        [metrics.horizontalAdvance(label) for _, label in figure.y.ticks] + [metrics.horizontalAdvance("100 %")]
    )
    half_label = metrics.horizontalAdvance(figure.x_ticks[-1][1] if figure.x_ticks else "0") / 2
    gap = metrics.height() * 0.45
    return Placement(
        rect.adjusted(
            widest + gap, metrics.height() * 0.55, -max(half_label, _DOT_RADIUS + 1), -(metrics.height() + gap * 0.8)
        ),
        figure,
    )


def paint_frame(painter: QPainter, rect: QRectF, figure: Figure, font: QFont, colours: Theme) -> None:
    """Grid, ticks and, where there are no lines, the sentence."""
    placed = place(rect, figure, font)
    area, metrics = placed.area, QFontMetricsF(font)
    painter.setFont(font)
    if area.height() < metrics.height() or area.width() < metrics.height():
        return
    gap = metrics.height() * 0.45
    centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
    for value, label in figure.y.ticks:
        # Whole pixels and a half: a line one pixel wide stays one pixel wide.
        y = round(placed.y(value)) + 0.5
        painter.setPen(QPen(QColor(colours.grid), 1))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        if not figure.sentence:
            painter.setPen(QColor(colours.dim))
            box = QRectF(rect.left(), y - metrics.height() / 2, area.left() - gap - rect.left(), metrics.height())
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, label
            )
    painter.setPen(QColor(colours.dim))
    for epoch, label in figure.x_ticks:
        width = metrics.horizontalAdvance(label) + 2
        painter.drawText(
            QRectF(placed.x(epoch) - width / 2, area.bottom() + gap * 0.8, width, metrics.height()), centre, label
        )
    if figure.sentence:
        paint_sentence(painter, area, figure.sentence, font, colours)


def paint_sentence(painter: QPainter, area: QRectF, sentence: str, font: QFont, colours: Theme) -> None:
    """The one sentence of an empty view, in the middle, with room around so that no line runs through it."""
    metrics = QFontMetricsF(font)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    box = metrics.boundingRect(area.adjusted(metrics.height(), 0, -metrics.height(), 0), int(flags), sentence)
    margin = metrics.height() * 0.6
    painter.fillRect(box.adjusted(-margin, -margin / 2, margin, margin / 2), QColor(colours.panel))
    painter.setFont(font)
    painter.setPen(QColor(colours.dim))
    painter.drawText(box.adjusted(-1, 0, 1, 0), flags, sentence)


def paint_marks(painter: QPainter, placed: Placement, colours: Theme) -> None:
    """The line of the shown epoch and a dot at the end of each line."""
    area, figure = placed.area, placed.figure
    if figure.marker is not None and figure.left <= figure.marker <= figure.right:
        x = round(placed.x(figure.marker)) + 0.5
        painter.setPen(QPen(QColor(colours.accent), 1.2))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for curve in figure.curves:
        end = curve.end()
        if end is not None and figure.left <= end[0] <= figure.right and figure.y.low <= end[1] <= figure.y.high:
            painter.setBrush(QColor(getattr(colours, curve.role)))
            painter.drawEllipse(QPointF(placed.x(end[0]), placed.y(end[1])), _DOT_RADIUS, _DOT_RADIUS)
    painter.restore()


def paint_figure(painter: QPainter, rect: QRectF, figure: Figure, font: QFont, colours: Theme) -> None:
    """The whole plot on any device, for pictures; the screen draws its lines through pyqtgraph."""
    paint_frame(painter, rect, figure, font, colours)
    placed = place(rect, figure, font)
    painter.save()
    painter.setClipRect(placed.area.adjusted(-1, -1, 1, 1))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for curve in figure.curves:
        colour = getattr(colours, curve.role)
        if curve.raw is not None:
            painter.setPen(QPen(QColor(mix(colours.panel, colour, RAW_SHARE)), 0.8))
            _paint_line(painter, placed, curve.raw)
    for curve in figure.curves:
        painter.setPen(line_pen(getattr(colours, curve.role), dashed=curve.dashed))
        _paint_line(painter, placed, curve.line)
    painter.restore()
    paint_marks(painter, placed, colours)


def line_pen(colour: str, *, dashed: bool) -> QPen:
    """The pen of a curve."""
    pen = QPen(QColor(colour), 1.5 if dashed else 2.0)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern([4.0, 3.0])
    return pen


def legend_width(curves: tuple[Curve, ...], font: QFont) -> float:
    """Width that ``paint_legend`` takes where it has room."""
    metrics = QFontMetricsF(font)
    return sum(metrics.horizontalAdvance(curve.label) + metrics.height() * 2.4 for curve in curves)


def paint_legend(painter: QPainter, rect: QRectF, curves: tuple[Curve, ...], font: QFont, colours: Theme) -> None:
    """Labels of the lines with a dash in their colour, at the right end of a rectangle; closer and shortened where it is narrow."""
    if not curves:
        return
    metrics = QFontMetricsF(font)
    unit = metrics.height()
    widths = [metrics.horizontalAdvance(curve.label) for curve in curves]
    apart = (rect.width() - sum(widths) - 1.15 * unit * len(curves)) / max(len(curves) - 1, 1)
    gap = min(max(apart, unit * 0.5), unit * 1.25)
    over = sum(widths) + 1.15 * unit * len(curves) + gap * (len(curves) - 1) - rect.width()
    if over > 0:
        widths = _capped(widths, max(sum(widths) - over, 0.0))
    x = rect.right() - sum(widths) - 1.15 * unit * len(curves) - gap * (len(curves) - 1)
    painter.save()
    painter.setFont(font)
    for curve, width in zip(curves, widths, strict=True):
        pen = QPen(QColor(getattr(colours, curve.role)), 2.4)
        if curve.dashed:
            pen.setDashPattern([1.2, 0.9])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        y = rect.center().y()
        painter.drawLine(QPointF(x, y), QPointF(x + unit * 0.75, y))
        x += unit * 1.15
        painter.setPen(QColor(colours.dim))
        label = metrics.elidedText(curve.label, Qt.TextElideMode.ElideRight, width + 0.5)
        painter.drawText(QRectF(x, rect.top(), width + 2, rect.height()), Qt.AlignmentFlag.AlignVCenter, label)
        x += width + gap
    painter.restore()


def _capped(widths: list[float], room: float) -> list[float]:
    """Widths that fit in the room together: the longest give way first."""
    cap = room / len(widths)
    for place, width in enumerate(ordered := sorted(widths)):
        rest = len(widths) - place
        cap = (room - sum(ordered[:place])) / rest
        if width > cap:
            break
    return [min(width, cap) for width in widths]


def _paint_line(painter: QPainter, placed: Placement, line: tuple[Array, Array]) -> None:
    x, y = line
    gaps = np.flatnonzero(~np.isfinite(y))
    for part_x, part_y in zip(np.split(x, gaps), np.split(y, gaps), strict=True):
        keep = np.isfinite(part_y)
        points = [
            QPointF(placed.x(epoch), placed.y(value)) for epoch, value in zip(part_x[keep], part_y[keep], strict=True)
        ]
        if len(points) > 1:
            painter.drawPolyline(QPolygonF(points))
