"""A primitive's pill as a widget."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.cells.words import label, summary
from app.labels import scaled_font
from app.theme import manager, mix, theme


class PillLabel(QWidget):
    """Shows one primitive as the cells do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._primitive = ""
        self.setFont(scaled_font(1.0, bold=True))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        manager().changed.connect(self.update)

    def set_primitive(self, primitive: str) -> None:
        """Show another primitive."""
        self._primitive = primitive
        self.setToolTip(summary(primitive))
        self.setAccessibleName(label(primitive))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Text with round ends; long names give way at about 14 letters."""
        metrics = self.fontMetrics()
        room = min(metrics.horizontalAdvance(label(self._primitive)), metrics.averageCharWidth() * 14)
        return QSize(room + metrics.height() * 3 // 2, metrics.height() * 3 // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        colours = theme()
        hue = colours.primitive(self._primitive)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(hue), 1.3))
        painter.setBrush(QColor(mix(colours.panel, hue, colours.pill_mix)))
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(QColor(colours.text))
        text = self.fontMetrics().elidedText(
            label(self._primitive), Qt.TextElideMode.ElideRight, self.width() - self.fontMetrics().height()
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.end()
