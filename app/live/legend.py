"""The names of a plot's lines."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.live.figure import Curve, legend_width, paint_legend
from app.live.fonts import chart_font
from app.theme import theme


class Legend(QWidget):
    """Labels of the lines, at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves: tuple[Curve, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_curves(self, curves: tuple[Curve, ...]) -> None:
        """Name other lines."""
        self._curves = curves
        self.setToolTip(
            ", ".join(curve.label for curve in curves) if legend_width(curves, chart_font()) > self.width() else ""
        )
        self.update()

    def sizeHint(self) -> QSize:
        """One line of text."""
        return QSize(0, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the labels."""
        painter = QPainter(self)
        paint_legend(painter, QRectF(self.rect()), self._curves, chart_font(), theme())
        painter.end()
