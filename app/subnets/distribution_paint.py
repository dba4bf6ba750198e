"""The picture of what was sampled: a table of choices, each value a box that fills, and the bins of multiply-adds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.live.scales import number, round_step
from app.subnets.distribution_counts import SampledNetworks
from app.subnets.words import part_words
from app.theme import Theme, mix
from engine.subnets import Coordinate, Space

_BAR = 0.75
"""Share of the hue in a bar; the rest is the panel."""
_STRIP = 0.24
"""Share of a box's height that its bar takes; the value stands above it."""
_FIELDS = ("width", "depth", "kernel_size", "expand_ratio")
_WIDEST, _HIGHEST = 6.5, 2.3
"""A box's greatest width and a row's greatest height, in lines of text."""


@dataclass(frozen=True)
class Box:
    """Where one value of one choice stands."""

    rect: QRectF
    coordinate: Coordinate
    value: int


@dataclass(frozen=True)
class Bin:
    """Where one range of multiply-adds stands; ``rect`` is its whole column, for the mouse."""

    rect: QRectF
    place: int


@dataclass(frozen=True)
class Arrangement:
    """Places of everything in a rectangle.

    Attributes:
        labels: texts of rows and columns and their places; a column's stands over its boxes.
        histogram: frame of the bars; None where there are no bins.
        has_percents: whether every box has room for its share beside its value.
    """

    boxes: tuple[Box, ...]
    labels: tuple[tuple[QRectF, str], ...]
    histogram: QRectF | None
    bins: tuple[Bin, ...]
    has_percents: bool = False


def field_words(field: str) -> str:
    """A choice's name for people."""
    return {
        "resolution": QCoreApplication.translate("Distribution", "resolution"),
        "width": QCoreApplication.translate("Distribution", "width"),
        "depth": QCoreApplication.translate("Distribution", "depth"),
        "kernel_size": QCoreApplication.translate("Distribution", "kernel"),
        "expand_ratio": QCoreApplication.translate("Distribution", "expansion"),
    }[field]


def arrange(area: QRectF, space: Space, sampled: SampledNetworks, font: QFont) -> Arrangement:
    """Where everything stands: the table at the left, the bins at the right, or below in a narrow place."""
    line = QFontMetricsF(font).height()
    table, bars = area, None
    if sampled.macs_counts:
        if area.width() > line * 34:
            width = max(line * 12, area.width() * 0.34)
            table = area.adjusted(0, 0, -width - line * 1.5, 0)
            bars = QRectF(area.right() - width, area.top(), width, min(area.height(), width * 0.8 + line * 4))
        else:
            height = min(area.height() * 0.34, line * 12)
            table = area.adjusted(0, 0, 0, -height - line * 0.5)
            bars = QRectF(area.left(), area.bottom() - height, area.width(), height)
    boxes, labels = _arrange_table(table, space, font)
    widest = max(len(str(box.value)) for box in boxes)
    has_percents = boxes[0].rect.width() > QFontMetricsF(font).horizontalAdvance("8" * widest + "  100 %") + line * 0.5
    if bars is None:
        return Arrangement(boxes, labels, None, (), has_percents)
    frame = bars.adjusted(0, line * 1.6, 0, -line * 1.5)
    low, high = sampled.macs_edges[0], sampled.macs_edges[-1]

    def x(macs: float) -> float:
        return frame.left() + (macs - low) / (high - low) * frame.width()

    bins = tuple(
        Bin(QRectF(QPointF(x(left), frame.top()), QPointF(x(right), frame.bottom())), place)
        for place, (left, right) in enumerate(zip(sampled.macs_edges, sampled.macs_edges[1:], strict=False))
    )
    return Arrangement(boxes, labels, frame, bins, has_percents)


def _arrange_table(area: QRectF, space: Space, font: QFont) -> tuple[tuple[Box, ...], tuple[tuple[QRectF, str], ...]]:
    metrics = QFontMetricsF(font)
    line, gap = metrics.height(), metrics.height() * 0.9
    coordinates = space.coordinates()
    resolution = next(coordinate for coordinate in coordinates if coordinate.field == "resolution")
    parts = list(dict.fromkeys(coordinate.part for coordinate in coordinates if coordinate is not resolution))
    most = {
        field: max(len(coordinate.choices) for coordinate in coordinates if coordinate.field == field)
        for field in _FIELDS
    }
    most["width"] = max(most["width"], len(resolution.choices))
    names = (
        max(metrics.horizontalAdvance(text) for text in [*map(part_words, parts), field_words("resolution")])
        + line * 0.7
    )
    room = area.width() - names - gap * (len(_FIELDS) - 1)
    box = min(room / sum(most.values()), line * _WIDEST)
    row = min(area.height() / (len(parts) + 2), line * _HIGHEST)
    lefts, left = {}, area.left() + names
    for field in _FIELDS:
        lefts[field] = left
        left += most[field] * box + gap
    labels = [(QRectF(area.left(), area.top(), names, row), field_words("resolution"))]
    boxes = _row_of(resolution, lefts["width"], area.top(), box, row)
    top = area.top() + row
    for field in _FIELDS:
        labels.append(
            (
                QRectF(lefts[field], top, max(most[field] * box, metrics.horizontalAdvance(field_words(field))), row),
                field_words(field),
            )
        )
    for place, part in enumerate(parts):
        y = top + (place + 1) * row
        labels.append((QRectF(area.left(), y, names, row), part_words(part)))
        for coordinate in coordinates:
            if coordinate.part == part and coordinate is not resolution:
                boxes += _row_of(coordinate, lefts[coordinate.field], y, box, row)
    return tuple(boxes), tuple(labels)


def _row_of(coordinate: Coordinate, left: float, top: float, width: float, height: float) -> list[Box]:
    inset = min(2.0, height * 0.1)
    return [
        Box(QRectF(left + place * width, top + inset, width - 2, height - 2 * inset), coordinate, value)
        for place, value in enumerate(coordinate.choices)
    ]


def paint(
    painter: QPainter,
    placed: Arrangement,
    sampled: SampledNetworks,
    font: QFont,
    colours: Theme,
    hovered: object = None,
) -> None:
    """Draw it.

    Args:
        hovered: the ``Box`` or ``Bin`` under the mouse.
    """
    painter.setFont(font)
    painter.setPen(QColor(colours.dim))
    for rect, text in placed.labels:
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
    for box in placed.boxes:
        _paint_box(painter, box, sampled, font, colours, has_percents=placed.has_percents, is_hovered=box == hovered)
    if placed.histogram is not None:
        _paint_histogram(painter, placed, sampled, font, colours, hovered)


def _paint_box(
    painter: QPainter, box: Box, sampled: SampledNetworks, font: QFont, colours: Theme, *, has_percents: bool, is_hovered: bool
) -> None:  # fmt: skip
    rect, share = box.rect, sampled.share(box.coordinate, box.value)
    is_free = len(box.coordinate.choices) > 1
    strip = QRectF(
        rect.left(), rect.bottom() - max(3.0, rect.height() * _STRIP), rect.width(), max(3.0, rect.height() * _STRIP)
    )
    if is_hovered:
        painter.fillRect(rect, QColor(colours.select))
    if is_free:  # Where there is nothing to choose, every network has the value.
        painter.fillRect(strip, QColor(colours.grid))
        bar = QRectF(strip.left(), strip.top(), strip.width() * share, strip.height())
        painter.fillRect(
            bar, QColor(mix(colours.panel, colours.alphas, _BAR))
        )  # As the sampled networks in the curves.
        even = round(rect.left() + rect.width() / len(box.coordinate.choices)) + 0.5
        painter.setPen(QPen(QColor(colours.text), 1))
        painter.drawLine(QPointF(even, strip.top() - 1.5), QPointF(even, strip.bottom()))
    above = QRectF(rect.left() + 1, rect.top(), rect.width() - 2, strip.top() - rect.top())
    middle = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
    painter.setPen(QColor(colours.text if is_free and share > 0 else colours.dim))
    painter.drawText(above, Qt.AlignmentFlag.AlignLeft | middle, str(box.value))
    if is_free and has_percents:
        painter.setPen(QColor(colours.dim))
        painter.drawText(above, Qt.AlignmentFlag.AlignRight | middle, f"{100 * share:.0f} %")


def _paint_histogram(
    painter: QPainter, placed: Arrangement, sampled: SampledNetworks, font: QFont, colours: Theme, hovered: object
) -> None:
    frame, metrics = placed.histogram, QFontMetricsF(font)
    if frame is None or not placed.bins:
        return
    line = metrics.height()
    total, top = max(1, sum(sampled.macs_counts)), max(1, *sampled.macs_counts)
    painter.setPen(QColor(colours.dim))
    heading = QRectF(frame.left(), frame.top() - line * 1.5, frame.width(), line)
    painter.drawText(heading, Qt.AlignmentFlag.AlignLeft, QCoreApplication.translate("Distribution", "multiply-adds"))
    most = QCoreApplication.translate("Distribution", "at most {share} %").format(share=f"{100 * top / total:.0f}")
    painter.drawText(heading, Qt.AlignmentFlag.AlignRight, most)
    for place, times in zip(placed.bins, sampled.macs_counts, strict=True):
        rect = place.rect
        bar = QRectF(
            rect.left(),
            rect.bottom() - frame.height() * times / top,
            max(1.0, rect.width() - 1),
            frame.height() * times / top,
        )
        painter.fillRect(bar, QColor(mix(colours.panel, colours.alphas, 1.0 if place == hovered else _BAR)))
    base = round(frame.bottom()) + 0.5
    painter.setPen(QPen(QColor(colours.border), 1))
    painter.drawLine(QPointF(frame.left(), base), QPointF(frame.right(), base))
    painter.setPen(QColor(colours.dim))
    low, high = sampled.macs_edges[0], sampled.macs_edges[-1]
    step = round_step(high - low, max(1, int(frame.width() / (line * 5))))
    for count in range(math.ceil(low / step), math.floor(high / step) + 1):
        x = frame.left() + (count * step - low) / (high - low) * frame.width()
        text = _tick(count * step, step)
        width = metrics.horizontalAdvance(text) + 4
        left = min(max(x - width / 2, frame.left()), frame.right() - width)
        painter.drawLine(QPointF(x, base), QPointF(x, base + line * 0.25))
        painter.drawText(QRectF(left, base + line * 0.3, width, line), Qt.AlignmentFlag.AlignCenter, text)


def _tick(macs: float, step: float) -> str:
    """Multiply-adds on the axis, all in one unit."""
    if not macs:
        return "0"
    factor, unit = (1e6, "M") if step >= 1e4 else (1e3, "K")
    return f"{number(macs / factor, step / factor)} {unit}"
