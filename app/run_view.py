"""A search on one screen: curves, both cells, both alpha tables and the epoch slider."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QTabBar, QVBoxLayout, QWidget

from app.cells.cell_view import CellView
from app.live.curves import CurvePanel
from app.live.epoch_slider import EpochSlider
from app.live.heatmap import AlphaHeatmap
from app.panel import Panel
from app.run_model import RunModel
from app.selection import Selection
from app.theme import manager, theme

_SHARES = (19, 26, 24)
"""Heights of curves, cells and alphas in proportion."""
_SIDE_BY_SIDE = 1.2
"""Width over height from which two panels of a tab stand side by side."""


class RunView(QWidget):
    """Three rows of two panels and the slider; in little room the rows become tabs.

    Attributes:
        named: the views by their object name.
    """

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = CurvePanel(selection, "loss")
        self.accuracy = CurvePanel(selection, "accuracy")
        self.cells = [CellView("normal", selection), CellView("reduction", selection)]
        self.heatmaps = [AlphaHeatmap("normal", selection), AlphaHeatmap("reduction", selection)]
        self.slider = EpochSlider(selection)
        self.named: dict[str, QWidget] = {
            "loss_plot": self.loss, "accuracy_plot": self.accuracy, "heatmap_normal": self.heatmaps[0], "heatmap_reduction": self.heatmaps[1],
            "cell_normal": self.cells[0], "cell_reduction": self.cells[1], "epoch_slider": self.slider,
        }  # fmt: skip
        gap = gap_of(self)
        self._tabs = QTabBar()
        self._tabs.setObjectName("run_tabs")
        self._tabs.setExpanding(False)
        self._tabs.setDrawBase(False)
        for title in (self.tr("Curves"), self.tr("Cells"), self.tr("Alphas")):
            self._tabs.addTab(title)
        self._tabs.currentChanged.connect(self._arrange)
        self._tabs.hide()
        self._restyle()
        manager().changed.connect(self._restyle)
        self._rows = [
            panel_row(curve_panel(self.loss), curve_panel(self.accuracy), gap),
            panel_row(Panel(self.tr("Normal cell"), self.cells[0]), Panel(self.tr("Reduction cell"), self.cells[1]), gap),
            panel_row(Panel(self.tr("Normal alphas"), self.heatmaps[0]), Panel(self.tr("Reduction alphas"), self.heatmaps[1]), gap),
        ]  # fmt: skip
        link_ranges(self.loss, self.accuracy)
        slider_panel = Panel("", self.slider)
        slider_panel.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap)
        box.addWidget(self._tabs)
        for row, share in zip(self._rows, _SHARES, strict=True):
            box.addWidget(row, share)
        box.addWidget(slider_panel)
        self._is_compact = False

    def set_model(self, model: RunModel | None) -> None:
        """Show another search."""
        self.loss.set_model(model)
        self.accuracy.set_model(model)
        for cell in self.cells:
            cell.set_model(model)
        for heatmap in self.heatmaps:
            heatmap.set_model(model)
        self.slider.set_model(model)

    def set_compact(self, compact: bool) -> None:
        """Show the rows one at a time, behind tabs."""
        if compact != self._is_compact:
            self._is_compact = compact
            self._arrange()

    @property
    def is_compact(self) -> bool:
        """Whether the rows are behind tabs."""
        return self._is_compact

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a tall place the two panels of a tab stand above each other."""
        super().resizeEvent(event)
        self._turn()

    def _turn(self) -> None:
        stacked = self._is_compact and self.width() < self.height() * _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight
        for row in self._rows:
            layout = row.layout()
            if isinstance(layout, QBoxLayout):
                layout.setDirection(direction)

    def _restyle(self) -> None:
        colours = theme()
        self._tabs.setStyleSheet(
            f"QTabBar::tab {{ background: transparent; color: {colours.dim}; border: none; padding: 0.35em 1em; margin-right: 0.3em; border-radius: 6px; }}"
            f"QTabBar::tab:selected {{ background: {colours.select}; color: {colours.text}; font-weight: 600; }}"
            f"QTabBar::tab:hover:!selected {{ background: {colours.grid}; }}"
        )

    def _arrange(self, _tab: int = 0) -> None:
        self._tabs.setVisible(self._is_compact)
        self._turn()
        for place, row in enumerate(self._rows):
            row.setVisible(not self._is_compact or place == self._tabs.currentIndex())


def gap_of(widget: QWidget) -> int:
    """The gap between panels: three quarters of a line."""
    return widget.fontMetrics().height() * 3 // 4


def curve_panel(curves: CurvePanel) -> Panel:
    """A panel whose title follows what the curves show."""
    panel = Panel(curves.title, curves)
    curves.title_changed.connect(panel.set_title)
    return panel


def link_ranges(first: CurvePanel, second: CurvePanel) -> None:
    """Zoom both along the epochs together."""
    first.range_changed.connect(second.set_range)
    second.range_changed.connect(first.set_range)


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
