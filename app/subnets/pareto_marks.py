"""Shapes of the points: how a network was found is told by shape and colour both."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from app.live.fonts import chart_font
from app.subnets.points import Point
from app.theme import mix, theme

translate = QCoreApplication.translate

_DRAWN = ("random", "sampled")
_STAMP = 8.0
"""Half the side of a stamp: more than the largest mark reaches."""


def group_of(found_by: str) -> str:
    """``random``, ``smallest``, ``biggest``, ``named`` or ``searched``."""
    return "random" if found_by in _DRAWN else found_by if found_by in ("smallest", "biggest", "named") else "searched"


def paint_mark(painter: QPainter, there: QPointF, found_by: str, *, faded: bool = False, large: bool = False) -> None:
    """One point: a hollow circle (random), a full circle (searched), a triangle (the ends), a diamond (named)."""
    colours, group = theme(), group_of(found_by)
    hue = {"random": colours.dim, "searched": colours.accent, "named": colours.alphas}.get(group, colours.warn)
    if faded:
        hue = mix(colours.panel, hue, 0.35)
    radius = 4.6 if large else 3.6
    painter.setPen(QPen(QColor(hue), 1.5))
    painter.setBrush(QColor(colours.panel if group == "random" else hue))
    if group in ("random", "searched"):
        painter.drawEllipse(there, radius, radius)
        return
    reach = radius * 1.35
    corners = {
        "smallest": ((-reach, -reach * 0.8), (reach, -reach * 0.8), (0.0, reach)),
        "biggest": ((-reach, reach * 0.8), (reach, reach * 0.8), (0.0, -reach)),
    }.get(group, ((0.0, -reach), (reach, 0.0), (0.0, reach), (-reach, 0.0)))
    painter.drawPolygon(QPolygonF([QPointF(there.x() + x, there.y() + y) for x, y in corners]))


class Stamps:
    """Marks painted once each and then stamped: thousands of points take a fifth of the time, to half a pixel."""

    def __init__(self, painter: QPainter) -> None:
        device = painter.device()
        self._painter, self._ratio = painter, device.devicePixelRatioF() if device is not None else 1.0
        self._kept: dict[tuple[str, bool, bool], QPixmap] = {}

    def paint(self, there: QPointF, found_by: str, *, faded: bool, large: bool) -> None:
        """As ``paint_mark``."""
        key = (group_of(found_by), faded, large)
        stamp = self._kept.get(key)
        if stamp is None:
            stamp = QPixmap(round(2 * _STAMP * self._ratio), round(2 * _STAMP * self._ratio))
            stamp.setDevicePixelRatio(self._ratio)
            stamp.fill(Qt.GlobalColor.transparent)
            painter = QPainter(stamp)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_mark(painter, QPointF(_STAMP, _STAMP), found_by, faded=faded, large=large)
            painter.end()
            self._kept[key] = stamp
        corner = (round((there.x() - _STAMP) * self._ratio), round((there.y() - _STAMP) * self._ratio))
        self._painter.drawPixmap(QPointF(corner[0] / self._ratio, corner[1] / self._ratio), stamp)


def group_words(group: str) -> str:
    """A group in the legend."""
    return {
        "smallest": translate("subnets", "smallest"), "biggest": translate("subnets", "biggest"), "random": translate("subnets", "random"),
        "searched": translate("subnets", "searched"), "named": translate("subnets", "named"),
    }[group]  # fmt: skip


def paint_legend(painter: QPainter, rect: QRectF, points: Sequence[Point]) -> None:
    """The groups that are there, at the right end of a rectangle; left out where there is no room."""
    there = {group_of(point.found_by) for point in points}
    groups = [group for group in ("smallest", "biggest", "random", "searched", "named") if group in there]
    font = chart_font()
    metrics = QFontMetricsF(font)
    line = metrics.height()
    x = rect.right()
    painter.setFont(font)
    for group in reversed(groups):
        word = group_words(group)
        width = metrics.horizontalAdvance(word)
        if x - width - line * 1.2 < rect.left() + line * 5:
            return
        painter.setPen(QColor(theme().dim))
        box = QRectF(x - width - 1, rect.top(), width + 2, rect.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)
        paint_mark(painter, QPointF(x - width - line * 0.8, rect.center().y()), group)
        x -= width + line * 2.0
