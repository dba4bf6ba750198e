"""Rows of two panels below each other; in little room one row at a time, behind tabs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QTabBar, QVBoxLayout, QWidget

from app.live.curves import CurvePanel
from app.panel import Panel
from app.theme import manager, theme

_SIDE_BY_SIDE = 1.2
"""Width over height from which two panels of a tab stand side by side."""


class PanelRows(QWidget):
    """The rows, each with the title of its tab and its share of the height.

    Attributes:
        tabs: hidden where all rows are on screen.
    """

    def __init__(
        self, rows: Sequence[tuple[str, int, QWidget, QWidget]], *, name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        gap = gap_of(self)
        self.tabs = QTabBar()
        self.tabs.setObjectName(name)
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self._rows = [panel_row(left, right, gap) for _, _, left, right in rows]
        self._is_compact = False
        self._only: int | None = None
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap)
        box.addWidget(self.tabs)
        for (title, share, _, _), row in zip(rows, self._rows, strict=True):
            self.tabs.addTab(title)
            box.addWidget(row, share)
        self.tabs.hide()
        self.tabs.currentChanged.connect(self._arrange)
        self._restyle()
        manager().changed.connect(self._restyle)

    @property
    def is_compact(self) -> bool:
        """Whether the rows are behind tabs."""
        return self._is_compact

    def set_compact(self, compact: bool) -> None:
        """Show the rows one at a time, behind tabs."""
        if compact != self._is_compact:
            self._is_compact = compact
            self._arrange()

    def show_only(self, place: int | None) -> None:
        """Show one row alone, since the others have nothing to show; None shows all."""
        if place != self._only:
            self._only = place
            self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a tall place the two panels of a tab stand above each other."""
        super().resizeEvent(event)
        self._turn()

    def _turn(self) -> None:
        is_one = self._is_compact or self._only is not None
        stacked = is_one and self.width() < self.height() * _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight
        for row in self._rows:
            layout = row.layout()
            if isinstance(layout, QBoxLayout):
                layout.setDirection(direction)

    def _arrange(self, _tab: int = 0) -> None:
        self.tabs.setVisible(self._is_compact and self._only is None)
        self._turn()
        alone = self._only if self._only is not None else self.tabs.currentIndex() if self._is_compact else None
        for place, row in enumerate(self._rows):
            row.setVisible(alone is None or place == alone)

    def _restyle(self) -> None:
        colours = theme()
        self.tabs.setStyleSheet(
            f"QTabBar::tab {{ background: transparent; color: {colours.dim}; border: 1px solid transparent; padding: 0.35em 1em; margin-right: 0.3em; border-radius: 6px; }}"
            f"QTabBar::tab:selected {{ background: {colours.select}; color: {colours.text}; font-weight: 600; }}"
            f"QTabBar::tab:hover:!selected {{ background: {colours.grid}; }}"
            f"QTabBar::tab:selected:focus {{ border-color: {colours.accent}; }}"
        )


def gap_of(widget: QWidget) -> int:
    """The gap between panels: three quarters of a line."""
    return widget.fontMetrics().height() * 3 // 4


def curve_panel(curves: CurvePanel) -> Panel:
    """A panel whose title follows what the curves show."""
    panel = Panel(curves.title, curves)
    curves.title_changed.connect(panel.set_title)
    return panel


def panel_row(left: QWidget, right: QWidget, gap: int) -> QWidget:
    """Two panels of the same width."""
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(gap)
    for panel in (left, right):
        panel.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        box.addWidget(panel, 1)
    return row
