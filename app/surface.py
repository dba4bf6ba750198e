"""A plain surface in a colour of the theme with a line on some of its sides.

Painted, not styled: a style sheet on a container would reach into every view on it and undo their palettes.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSplitter, QSplitterHandle, QWidget

from app.theme import manager, theme

Side = Literal["top", "bottom", "right"]


class Surface(QFrame):
    """A frame filled with a token of the theme."""

    def __init__(self, token: str = "panel", *, line: Side | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._token = token
        self._line = line
        manager().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fill, and draw the line."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(getattr(theme(), self._token)))
        border = QColor(theme().border)
        if self._line == "top":
            painter.fillRect(0, 0, self.width(), 1, border)
        elif self._line == "bottom":
            painter.fillRect(0, self.height() - 1, self.width(), 1, border)
        elif self._line == "right":
            painter.fillRect(self.width() - 1, 0, 1, self.height(), border)
        painter.end()


class Line(QWidget):
    """A hair line."""

    def __init__(self, token: str = "border") -> None:
        super().__init__()
        self._token = token
        self.setFixedHeight(1)
        manager().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(getattr(theme(), self._token)))
        painter.end()


class LineSplitter(QSplitter):
    """A splitter whose handle is a hair line."""

    def createHandle(self) -> QSplitterHandle:
        """A handle of ours."""
        return _Handle(self.orientation(), self)


class _Handle(QSplitterHandle):
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().border))
        painter.end()
