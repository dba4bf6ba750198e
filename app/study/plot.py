"""Curves of many members in one plot, coloured by method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.labels import SMALL, Label, scaled_font
from app.theme import manager, mix, theme
from engine.study.curves import Curve, colour_of


class _EpochAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types.
    """Ticks at whole epochs only."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:  # noqa: N803 - pyqtgraph's names
        levels = [(step, offset) for step, offset in super().tickSpacing(minVal, maxVal, size) if step >= 1]
        return levels[:1] or [(1.0, 0.0)]


def curve_colour(place: int) -> QColor:
    """Colour of the curves of the row at this place of the table, and of its square there."""
    return QColor(mix(colour_of(place), "#FFFFFF", 0.25) if theme().name == "dark" else colour_of(place))


class StudyPlot(QWidget):
    """Accuracy over the epochs; the view fits all curves until a person zooms, and again on a double click."""

    fact_changed = Signal(str)

    def __init__(self, name: str, promise: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._promise = Label(promise, tone="dim", scale=SMALL)
        self._promise.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)  # It lies on the plot.
        self._promise.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._promise.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.curves: tuple[Curve, ...] = ()
        self._plot: Any = pg.PlotWidget(background=None, axisItems={"bottom": _EpochAxis("bottom")})
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setLabel("bottom", self.tr("epoch"))
        self._plot.setMouseEnabled(x=True, y=True)
        self._plot.viewport().installEventFilter(self)
        # Made once and used again: pyqtgraph leaks what is made anew for each look.
        self._items: list[Any] = []
        self._chosen = ("", "")
        box = QGridLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._plot, 0, 0)
        box.addWidget(self._promise, 0, 0)
        self._restyle()
        manager().changed.connect(self._restyle)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Draw these."""
        self.curves = tuple(curves)
        while len(self._items) < len(self.curves):
            item = pg.PlotDataItem(antialias=True, symbolSize=5)
            self._plot.addItem(item)
            self._items.append(item)
        for number, item in enumerate(self._items):
            item.setVisible(number < len(self.curves))
            if number < len(self.curves):
                self._fill(item, self.curves[number])
            else:
                item.setData([], [])
        self._promise.setVisible(not self.curves)
        for side in ("left", "bottom"):  # Numbers on axes without curves would be nobody's.
            self._plot.getAxis(side).setStyle(showValues=bool(self.curves))
        self.fact_changed.emit(self._fact())

    def choose(self, row: str, member: str) -> None:
        """Draw the curves of a row, or of one member, bold and before the others; two empty texts choose none."""
        self._chosen = (row, member)
        self.show_curves(self.curves)

    def bold(self) -> list[str]:
        """Members whose curves are bold."""
        return [curve.member for curve in self.curves if self._is_chosen(curve)]

    def _is_chosen(self, curve: Curve) -> bool:
        row, member = self._chosen
        return curve.member == member if member else bool(row) and curve.row == row

    def drawn(self) -> list[tuple[str, int]]:
        """Member and number of points of each line on screen."""
        return [
            (curve.member, len(item.getData()[0]))
            for curve, item in zip(self.curves, self._items, strict=False)
            if item.isVisible()
        ]

    def _fill(self, item: Any, curve: Curve) -> None:
        colour = curve_colour(curve.place)
        bold = self._is_chosen(curve)
        item.setPen(pg.mkPen(colour, width=3 if bold else 1.5))
        item.setSymbolSize(9 if bold else 5)
        item.setZValue(1 if bold else 0)
        item.setSymbol("o" if len(curve.epochs) <= 30 else None)
        item.setSymbolBrush(colour)
        item.setSymbolPen(None)
        item.setData(curve.epochs, curve.values, connect="finite")

    def _fact(self) -> str:
        if any(not curve.is_validation for curve in self.curves):
            return self.tr("on the training batches where nothing was held out")
        return self.tr("validation accuracy, %") if self.curves else self.tr("no epoch has ended yet")

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """A double click shows everything again."""
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self._plot.enableAutoRange()
            return True
        return False

    def _restyle(self) -> None:
        colours = theme()
        self._plot.setBackground(colours.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(colours.border))
            axis.setTextPen(pg.mkPen(colours.dim))
            axis.setTickFont(scaled_font(SMALL))
            axis.label.setDefaultTextColor(QColor(colours.dim))
        self._plot.showGrid(x=False, y=True, alpha=0.15)
        self.show_curves(self.curves)
