"""Rows of two panels below each other; in little room one row at a time, behind tabs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QTabBar, QVBoxLayout, QWidget

from app.live.curves import CurvePanel
from app.panel import Panel
from app.tabs import tab_sheet
from app.theme import manager, theme

_SIDE_BY_SIDE = 1.2
"""Width over height from which two panels of a tab stand side by side."""


class PanelRows(QWidget):
    """The rows, each with the title of its tab and its share of the height; a row may have one panel alone.

    Attributes:
        tabs: hidden where all rows are on screen.
    """

    def __init__(
        self, rows: Sequence[tuple[str, int, QWidget, QWidget | None]], *, name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        gap = gap_of(self)
        self.tabs = PageTabs(name)
        self._rows = [panel_row(left, right, gap) for _, _, left, right in rows]
        self._is_compact = False
        self._there = frozenset(range(len(rows)))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap)
        box.addWidget(self.tabs)
        for (title, share, _, _), row in zip(rows, self._rows, strict=True):
            self.tabs.addTab(title)
            box.addWidget(row, share)
        self.tabs.hide()
        self.tabs.currentChanged.connect(self._arrange)

    @property
    def is_compact(self) -> bool:
        """Whether the rows are behind tabs."""
        return self._is_compact

    def set_compact(self, compact: bool) -> None:
        """Show the rows one at a time, behind tabs."""
        if compact != self._is_compact:
            self._is_compact = compact
            self._arrange()

    def show_rows(self, places: Collection[int] | None) -> None:
        """Show these rows alone, since the others have nothing to show; None shows all."""
        there = frozenset(range(len(self._rows)) if places is None else places)
        if there != self._there:
            self._there = there
            for place in range(len(self._rows)):
                self.tabs.setTabVisible(place, place in there)
            self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a tall place the two panels of a tab stand above each other."""
        super().resizeEvent(event)
        self._turn()

    def _turn(self) -> None:
        is_one = self._is_compact or len(self._there) == 1
        stacked = is_one and self.width() < self.height() * _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight
        for row in self._rows:
            layout = row.layout()
            if isinstance(layout, QBoxLayout):
                layout.setDirection(direction)

    def _arrange(self, _tab: int = 0) -> None:
        is_tabbed = self._is_compact and len(self._there) > 1
        self.tabs.setVisible(is_tabbed)
        self._turn()
        for place, row in enumerate(self._rows):
            row.setVisible(place in self._there and (not is_tabbed or place == self.tabs.currentIndex()))


class PageTabs(QTabBar):
    """Tabs over panels, in the look of the window."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setExpanding(False)
        self.setDrawBase(False)
        self._restyle()
        manager().changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.setStyleSheet(tab_sheet(theme()))


def gap_of(widget: QWidget) -> int:
    """The gap between panels: three quarters of a line."""
    return widget.fontMetrics().height() * 3 // 4


def curve_panel(curves: CurvePanel) -> Panel:
    """A panel whose title follows what the curves show."""
    panel = Panel(curves.title, curves)
    curves.title_changed.connect(panel.set_title)
    return panel


def panel_row(left: QWidget, right: QWidget | None, gap: int) -> QWidget:
    """Two panels of the same width, or one that has all of it."""
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(gap)
    for panel in filter(None, (left, right)):
        panel.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        box.addWidget(panel, 1)
    return row
