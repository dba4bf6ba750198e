"""Where everything of a heatmap lies: labels at the left and below, cells on whole pixels, the colour bar at the right."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont, QFontMetricsF

ColumnLabels = Literal["line", "words", "upright"]
"""One line; one word a line; turned by a quarter."""


class HeatmapLayout:
    """The layout for a rectangle.

    Attributes:
        cells: the rectangle of all cells.
        bar: the colour bar.
        column_labels: how the columns are named, given their width.
        row_label_every: every so many-th row is named, so that labels never touch.
    """

    def __init__(
        self,
        rect: QRectF,
        rows: Sequence[str],
        columns: Sequence[str],
        font: QFont,
        bar_labels: Sequence[str] = ("0.00",),
    ) -> None:
        metrics = QFontMetricsF(font)
        self.rect = rect
        self.line_height = metrics.height()
        gap = metrics.height() * 0.4
        self.gap = gap
        left = max((metrics.horizontalAdvance(label) for label in rows), default=0.0) + gap
        bar_width = max(6.0, metrics.height() * 0.55)
        self.bar_label_width = max(metrics.horizontalAdvance(label) for label in bar_labels)
        right = gap * 1.6 + bar_width + gap * 0.6 + self.bar_label_width
        width = max(rect.width() - left - right, 1.0)
        column = width / max(len(columns), 1)
        words = [word for label in columns for word in label.split()]
        if all(metrics.horizontalAdvance(label) <= column - 4 for label in columns):
            self.column_labels: ColumnLabels = "line"
            below = metrics.height()
        elif all(metrics.horizontalAdvance(word) <= column - 2 for word in words):
            self.column_labels = "words"
            below = metrics.height() * 0.92 * max(len(label.split()) for label in columns)
        else:
            self.column_labels = "upright"
            below = max((metrics.horizontalAdvance(label) for label in columns), default=0.0)
        height = max(rect.height() - below - gap * 1.2 - 1, 1.0)
        self.cells = QRectF(round(rect.left() + left), round(rect.top()) + 1, round(width), round(height))
        self.bar = QRectF(
            round(self.cells.right() + gap * 1.6), self.cells.top(), round(bar_width), self.cells.height()
        )
        self._x = [
            self.cells.left() + round(place * self.cells.width() / max(len(columns), 1))
            for place in range(len(columns) + 1)
        ]
        self._y = [
            self.cells.top() + round(place * self.cells.height() / max(len(rows), 1)) for place in range(len(rows) + 1)
        ]
        row = self.cells.height() / max(len(rows), 1)
        self.row_label_every = max(1, -int(-metrics.ascent() * 1.02 // max(row, 0.1)))
        self.cell_size = (self.cells.width() / max(len(columns), 1), row)

    def cell(self, row: int, column: int) -> QRectF:
        """The rectangle of a cell with the gap to its neighbours."""
        return QRectF(QPointF(self._x[column], self._y[row]), QPointF(self._x[column + 1], self._y[row + 1]))

    def row(self, row: int) -> QRectF:
        """The rectangle of a whole row."""
        return self.cell(row, 0).united(self.cell(row, len(self._x) - 2))

    def row_label(self, row: int) -> QRectF:
        """Where a row's name stands, right-aligned."""
        band = self.row(row)
        return QRectF(
            self.rect.left(),
            band.center().y() - self.line_height / 2,
            band.left() - self.gap - self.rect.left(),
            self.line_height,
        )

    def at(self, point: QPointF) -> tuple[int, int] | None:
        """Row and column at a point; a row's name counts as its first column does not: it is no cell."""
        if not self.cells.contains(point):
            return None
        row = bisect.bisect_right(self._y, point.y()) - 1
        column = bisect.bisect_right(self._x, point.x()) - 1
        if row >= len(self._y) - 1 or column >= len(self._x) - 1:
            return None
        return row, column
