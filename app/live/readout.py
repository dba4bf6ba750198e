"""The small card beside the mouse that tells the exact numbers."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from app.labels import SMALL, scaled_font
from app.theme import theme


class Readout(QLabel):
    """A card of rich text that follows the mouse, keeps off it and stays on the screen. Takes no clicks."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner, Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setFont(scaled_font(SMALL))
        self.hide()

    def show_near(self, place: QPoint, text: str, keep_off: QRect | None = None) -> None:
        """Show rich text beside a place on the screen, not over ``keep_off`` where that can be."""
        colours = theme()
        self.setStyleSheet(
            f"QLabel {{ background: {colours.panel}; color: {colours.text}; border: 1px solid {colours.border}; padding: 0.3em 0.5em; }}"
        )
        if text != self.text():
            self.setText(text)
        self.adjustSize()
        self.move(_beside(place, self.size(), self.fontMetrics().height(), keep_off))
        if not self.isVisible():
            self.show()


def _beside(place: QPoint, size: QSize, gap: int, keep_off: QRect | None) -> QPoint:
    screen = QGuiApplication.screenAt(place) or QGuiApplication.primaryScreen()
    room = screen.availableGeometry()
    right = keep_off.right() if keep_off is not None else place.x()
    left = keep_off.left() if keep_off is not None else place.x()
    x = right + gap
    if x + size.width() > room.right():
        x = left - gap - size.width()
    y = min(max(place.y() - size.height() // 2, room.top()), room.bottom() - size.height())
    return QPoint(max(x, room.left()), y)
