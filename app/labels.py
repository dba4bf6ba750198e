"""Labels in the theme's text colours, sized from the system's font."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QSizePolicy, QWidget

from app.theme import manager, theme

Tone = Literal["text", "dim", "faint", "accent", "ok", "warn", "danger"]

SMALL = 0.88
"""Second lines and facts, as a share of the system's font."""
LARGE = 1.17
"""The window's title line."""


def scaled_font(scale: float = 1.0, *, bold: bool = False) -> QFont:
    """The system's font at a share of its size; bold means semibold."""
    found = QFont(QApplication.font())
    if found.pointSizeF() > 0:
        found.setPointSizeF(found.pointSizeF() * scale)
    else:
        found.setPixelSize(max(1, round(found.pixelSize() * scale)))
    if bold:
        found.setWeight(QFont.Weight.DemiBold)
    return found


class Label(QLabel):
    """A label in a tone of the theme."""

    def __init__(
        self,
        text: str = "",
        *,
        tone: Tone = "text",
        scale: float = 1.0,
        bold: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._tone: Tone = tone
        self.setFont(scaled_font(scale, bold=bold))
        self.setForegroundRole(
            QPalette.ColorRole.WindowText
        )  # Inside a view Qt would take another role than we colour.
        self._recolour()
        manager().changed.connect(self._recolour)

    def set_tone(self, tone: Tone) -> None:
        """Change the tone."""
        if tone != self._tone:
            self._tone = tone
            self._recolour()

    def wrapped(self) -> Label:
        """The same label, breaking lines."""
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        return self

    def changeEvent(self, event: QEvent) -> None:
        """A style sheet somewhere above puts old palettes back: recolour after it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._recolour()

    def _recolour(self) -> None:
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, QColor(getattr(theme(), self._tone)))
        self.setPalette(palette)


class ElidedLabel(Label):
    """A label of one line that gives way: what does not fit ends in …, and the whole stands in the tooltip."""

    def minimumSizeHint(self) -> QSize:
        """May shrink to a few characters."""
        return QSize(self.fontMetrics().averageCharWidth() * 6, super().minimumSizeHint().height())

    def setText(self, text: str) -> None:
        """Show a text."""
        super().setText(text)
        self.setToolTip(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        room = self.contentsRect()
        painter.drawText(
            room,
            self.alignment() | Qt.AlignmentFlag.AlignVCenter,
            self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width()),
        )
        painter.end()
