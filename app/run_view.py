"""A search on one screen: curves, both cells, both alpha tables and the epoch slider."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.cells.cell_view import CellView
from app.live.curves import CurvePanel, link_x
from app.live.epoch_slider import EpochSlider
from app.live.heatmap import AlphaHeatmap
from app.panel import Panel
from app.panel_rows import PanelRows, curve_panel, gap_of
from app.run_model import RunModel
from app.selection import Selection

_CELLS = 1
"""Place of the cells among the rows."""


class RunView(QWidget):
    """Three rows of two panels and the slider. A cell drawn at random has nothing but its cells.

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
        link_x((self.loss, self.accuracy))
        self.rows = PanelRows(
            [
                (self.tr("Curves"), 19, curve_panel(self.loss), curve_panel(self.accuracy)),
                (self.tr("Cells"), 26, Panel(self.tr("Normal cell"), self.cells[0]), Panel(self.tr("Reduction cell"), self.cells[1])),
                (self.tr("Alphas"), 24, Panel(self.tr("Normal alphas"), self.heatmaps[0]), Panel(self.tr("Reduction alphas"), self.heatmaps[1])),
            ],
            name="run_tabs",
        )  # fmt: skip
        self._slider_panel = Panel("", self.slider)
        self._slider_panel.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap_of(self))
        box.addWidget(self.rows, 1)
        box.addWidget(self._slider_panel)

    def set_model(self, model: RunModel | None) -> None:
        """Show another search."""
        is_random = model is not None and model.is_random
        self.rows.show_rows({_CELLS} if is_random else None)
        self._slider_panel.setHidden(is_random)
        self.loss.set_model(model)
        self.accuracy.set_model(model)
        for cell in self.cells:
            cell.set_model(model)
        for heatmap in self.heatmaps:
            heatmap.set_model(model)
        self.slider.set_model(model)
