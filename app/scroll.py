"""Scrolling without clutter: thin bars, and a column without a frame or a colour of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QScrollArea, QVBoxLayout, QWidget

from app.theme import Theme, manager, mix, theme


class _ThinBars(QObject):
    """Keeps the bars of one area thin and in the theme's colours."""

    def __init__(self, area: QAbstractScrollArea) -> None:
        super().__init__(area)
        self._area = area
        self._restyle()
        manager().changed.connect(self._restyle)

    def _restyle(self) -> None:
        for bar in (self._area.verticalScrollBar(), self._area.horizontalScrollBar()):
            bar.setStyleSheet(bar_sheet(theme()))


def thin_scroll_bars(area: QAbstractScrollArea) -> None:
    """Give an area thin bars."""
    _ThinBars(area)


def bar_sheet(colours: Theme) -> str:
    """The style sheet of a scroll bar."""
    handle, hover = mix(colours.window, colours.text, 0.18), mix(colours.window, colours.text, 0.32)
    return (
        "QScrollBar { background: transparent; border: none; margin: 0; }"
        "QScrollBar:vertical { width: 8px; } QScrollBar:horizontal { height: 8px; }"
        f"QScrollBar::handle {{ background: {handle}; border-radius: 3px; margin: 1px; min-height: 24px; min-width: 24px; }}"
        f"QScrollBar::handle:hover {{ background: {hover}; }}"
        "QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }"
        "QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }"
    )


class Column(QWidget):
    """What scrolls: as high as its wrapped texts are at the width it has.

    Qt would take the height that they need at a width of their own, if it is more: a bar would scroll to nothing.
    """

    def minimumSizeHint(self) -> QSize:
        """No height of its own where the height follows from the width."""
        hint = super().minimumSizeHint()
        return QSize(hint.width(), 0) if self.hasHeightForWidth() else hint


class ScrollColumn(QScrollArea):
    """Widgets below each other; add them to ``column``."""

    def __init__(self, margin: int = 0) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        inside = Column()
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(margin, margin, margin, margin)
        self.setWidget(inside)
        inside.setAutoFillBackground(False)
        thin_scroll_bars(self)
