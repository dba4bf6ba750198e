"""Painting of a heatmap on any device: cells in viridis, frames for what was chosen and selected, labels, colour bar."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from app.live.alpha_grid import AlphaGrid
from app.live.fonts import chart_font
from app.live.heatmap_layout import HeatmapLayout
from app.theme import Theme

_SHADES = 256
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Marks:
    """``(row, column)`` of what is selected and what is under the mouse."""

    selected: tuple[int, int] | None = None
    hovered: tuple[int, int] | None = None
    has_focus: bool = False


def bar_labels(grid: AlphaGrid) -> tuple[str, str]:
    """Texts at the top and the bottom of the colour bar."""
    if grid.mode == "raw":
        return f"+{grid.high:g}", f"−{grid.high:g}"
    return f"{grid.high:g}", "0"


def layout_of(rect: QRectF, grid: AlphaGrid) -> HeatmapLayout:
    """The layout of a grid in a rectangle, with room for the selected row's name in semibold."""
    return HeatmapLayout(
        rect, grid.row_labels(), grid.column_labels(), chart_font(bold=True), (*bar_labels(grid), "0.25")
    )


def paint_heatmap(painter: QPainter, rect: QRectF, grid: AlphaGrid, marks: Marks, colours: Theme) -> None:
    """The whole heatmap; without values its empty cells."""
    layout = layout_of(rect, grid)
    if layout.cells.width() < 2 * len(grid.primitives) or layout.cells.height() < len(grid.edges):
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    _paint_cells(painter, layout, grid, colours)
    _paint_labels(painter, layout, grid, marks, colours)
    if grid.values is not None:
        _paint_values(painter, layout, grid)
        for row, column in grid.chosen:
            _paint_chosen(painter, layout.cell(row, column))
        _paint_bar(painter, layout, grid, colours)
        _paint_marks(painter, layout, marks, colours)
    painter.restore()


def _paint_cells(painter: QPainter, layout: HeatmapLayout, grid: AlphaGrid, colours: Theme) -> None:
    gap = 1.0 if min(layout.cell_size) >= 5 else 0.0
    shades = viridis()
    blank = QColor(colours.grid)
    for row in range(len(grid.edges)):
        for column in range(len(grid.primitives)):
            shade = blank
            if grid.values is not None:
                shade = shades[round(grid.share(float(grid.values[row, column])) * (_SHADES - 1))]
            painter.fillRect(layout.cell(row, column).adjusted(0, 0, -gap, -gap), shade)


def _paint_values(painter: QPainter, layout: HeatmapLayout, grid: AlphaGrid) -> None:
    """Numbers in the cells where they fit with air around."""
    assert grid.values is not None
    font = chart_font()
    metrics = QFontMetricsF(font)
    widest = metrics.horizontalAdvance("−0.00" if grid.mode == "raw" else "0.00")
    if layout.cell_size[0] < widest * 1.5 or layout.cell_size[1] < metrics.height() * 1.35:
        return
    painter.setFont(font)
    shades = viridis()
    for row in range(len(grid.edges)):
        for column in range(len(grid.primitives)):
            value = float(grid.values[row, column])
            shade = shades[round(grid.share(value) * (_SHADES - 1))]
            painter.setPen(_ink(shade))
            painter.drawText(layout.cell(row, column), Qt.AlignmentFlag.AlignCenter, f"{value:.2f}".replace("-", "−"))


def _paint_chosen(painter: QPainter, cell: QRectF) -> None:
    """A white frame between dark hair lines: white alone is lost on viridis' yellow and between the white gaps."""
    dark = QColor(viridis()[0])
    _frame(painter, cell.adjusted(-1, -1, 0, 0), 1.0, dark)
    inner = cell.adjusted(0, 0, -1, -1)
    width = 2.0 if cell.height() >= 9 else 1.0
    _frame(painter, inner, width, QColor(Qt.GlobalColor.white))
    if cell.height() >= 9:
        dark.setAlphaF(0.4)
        _frame(painter, inner.adjusted(width, width, -width, -width), 1.0, dark)


def _paint_marks(painter: QPainter, layout: HeatmapLayout, marks: Marks, colours: Theme) -> None:
    if marks.hovered is not None and marks.hovered != marks.selected:
        _frame(painter, layout.cell(*marks.hovered).adjusted(-2, -2, 1, 1), 2.0, QColor(colours.text))
    if marks.selected is None:
        return
    row = layout.row(marks.selected[0]).adjusted(-2, -1.5, 1, 0.5)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colours.accent), 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(row, 2, 2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    _frame(
        painter,
        layout.cell(*marks.selected).adjusted(-2, -2, 1, 1),
        3.0 if marks.has_focus else 2.0,
        QColor(colours.accent),
    )


def _paint_labels(painter: QPainter, layout: HeatmapLayout, grid: AlphaGrid, marks: Marks, colours: Theme) -> None:
    plain, strong = chart_font(), chart_font(bold=True)
    selected = (marks.selected if grid.values is not None else None) or (-1, -1)
    hovered = marks.hovered or (-1, -1)

    def pen_for(place: int, axis: int) -> None:
        is_marked = place in (selected[axis], hovered[axis])
        painter.setPen(QColor(colours.text if is_marked else colours.dim if grid.values is not None else colours.faint))
        painter.setFont(strong if place == selected[axis] else plain)

    for row, label in enumerate(grid.row_labels()):
        is_marked = row in (selected[0], hovered[0])
        if row % layout.row_label_every and not is_marked:
            continue
        if (
            layout.row_label_every > 1
            and not is_marked
            and any(0 < abs(row - near[0]) < layout.row_label_every for near in (selected, hovered) if near[0] >= 0)
        ):
            continue
        pen_for(row, 0)
        painter.drawText(
            layout.row_label(row),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip,
            label,
        )
    top = layout.cells.bottom() + layout.gap * 0.8
    for column, label in enumerate(grid.column_labels()):
        pen_for(column, 1)
        _paint_column_label(painter, layout, layout.cell(0, column), top, label)


def _paint_column_label(painter: QPainter, layout: HeatmapLayout, cell: QRectF, top: float, label: str) -> None:
    centre = cell.center().x() - 0.5
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextDontClip
    if layout.column_labels == "upright":
        painter.save()
        painter.translate(centre, top)
        painter.rotate(-90)
        length = layout.rect.bottom() - top
        box = QRectF(-length, -layout.line_height / 2, length, layout.line_height)
        painter.drawText(
            box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, label
        )
        painter.restore()
        return
    lines = label.split() if layout.column_labels == "words" else [label]
    for number, line in enumerate(lines):
        box = QRectF(
            centre - cell.width(), top + number * layout.line_height * 0.92, 2 * cell.width(), layout.line_height
        )
        painter.drawText(box, flags, line)


def _paint_bar(painter: QPainter, layout: HeatmapLayout, grid: AlphaGrid, colours: Theme) -> None:
    gradient = QLinearGradient(layout.bar.bottomLeft(), layout.bar.topLeft())
    shades = viridis()
    for place in range(0, _SHADES, 15):
        gradient.setColorAt(place / (_SHADES - 1), shades[place])
    painter.fillRect(layout.bar, gradient)
    painter.setFont(chart_font())
    painter.setPen(QColor(colours.dim))
    left = layout.bar.right() + layout.gap * 0.6
    for label, y in zip(bar_labels(grid), (layout.bar.top(), layout.bar.bottom() - layout.line_height), strict=True):
        box = QRectF(left, y, layout.bar_label_width + 1, layout.line_height)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, label)
    if grid.mode == "raw":
        box = QRectF(
            left, layout.bar.center().y() - layout.line_height / 2, layout.bar_label_width + 1, layout.line_height
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "0")


def _frame(painter: QPainter, rect: QRectF, width: float, colour: QColor) -> None:
    """A frame inside a rectangle, of whole pixels."""
    painter.fillRect(QRectF(rect.left(), rect.top(), rect.width(), width), colour)
    painter.fillRect(QRectF(rect.left(), rect.bottom() - width, rect.width(), width), colour)
    painter.fillRect(QRectF(rect.left(), rect.top() + width, width, rect.height() - 2 * width), colour)
    painter.fillRect(QRectF(rect.right() - width, rect.top() + width, width, rect.height() - 2 * width), colour)


def _ink(shade: QColor) -> QColor:
    """Black or white, whichever reads on a shade."""
    light = sum(
        part * weight for part, weight in zip((shade.redF(), shade.greenF(), shade.blueF()), _LUMINANCE, strict=True)
    )
    return QColor(Qt.GlobalColor.black if light > 0.5 else Qt.GlobalColor.white)


@cache
def viridis() -> list[QColor]:
    """The colour scale, dark to bright: even to the eye, readable in grey and by the colour-blind."""
    table = pg.colormap.get("viridis").getLookupTable(nPts=_SHADES, alpha=False)
    return [QColor(int(red), int(green), int(blue)) for red, green, blue in table]
