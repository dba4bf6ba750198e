"""The plot of measured networks: accuracy against a cost, with the front as steps; hover, click, arrow keys."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.live.figure import paint_sentence
from app.live.fonts import chart_font
from app.live.readout import Readout
from app.subnets.pareto_frame import ParetoFrame, frame_of
from app.subnets.pareto_marks import paint_legend
from app.subnets.pareto_paint import paint_budget, paint_front, paint_grid, paint_number, paint_points, paint_ring
from app.subnets.points import Point, Points
from app.subnets.words import choices, cost_title, cost_words, found_by_words
from app.theme import manager, theme

_REACH = 1.2
"""How near the mouse must come to a point, in lines of text."""
_KEYS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End})


class ParetoPlot(QWidget):
    """Shows ``Points``; tells what a person wants, and is told what is chosen."""

    chosen = Signal(object)
    """Point: it was clicked, or reached by a key."""
    compared = Signal(object)
    """Point: it was clicked with Ctrl."""
    area_changed = Signal()
    """The frame has another place, so that what lines up with it moves too."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pareto_plot")
        self.setAccessibleName(self.tr("Measured networks: accuracy against cost"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.points = Points()
        self.cost = "macs"
        self.sentence = ""
        self._front: list[Point] = []
        self._shown: list[Point] = []
        self._bounds: tuple[float, float] | None = None
        self._budget: float | None = None
        self._chosen = ""
        self._compared: tuple[str, ...] = ()
        self._hovered: Point | None = None
        self._readout = Readout(self)
        self._still: QPixmap | None = None
        """What does not follow the mouse, painted; thousands of points take long."""
        self._frame = frame_of(QRectF(self.rect()), (), "macs", None)
        manager().changed.connect(self._repaint)

    # What is shown.

    def show_points(self, points: Points, cost: str, *, bounds: tuple[float, float] | None = None) -> None:
        """Draw these networks over a cost.

        Args:
            bounds: multiply-adds of the smallest and the biggest network of the space, so that the axis stands still.
        """
        self.points, self.cost, self._bounds = points, cost, bounds
        self._shown = [point for point in points.entries if point.cost(cost) is not None]
        self._front = points.front(cost)
        if self._hovered is not None and self._hovered not in self._shown:
            self._unhover()
        self._rescale()
        self._describe()
        self._repaint()

    def set_sentence(self, sentence: str) -> None:
        """What stands in the middle of a plot without points."""
        if sentence != self.sentence:
            self.sentence = sentence
            self._repaint()

    def set_budget(self, macs: float | None) -> None:
        """Shade what costs more multiply-adds."""
        if macs != self._budget:
            self._budget = macs
            self._repaint()

    def mark(self, chosen: str, compared: Sequence[str]) -> None:
        """Ring the chosen network and number those that are compared, by their keys."""
        self._chosen, self._compared = chosen, tuple(compared)
        self._describe()
        self.update()

    # Where things are.

    @property
    def frame(self) -> ParetoFrame:
        """Where costs and accuracies lie now."""
        return self._frame

    def place_of(self, point: Point) -> QPointF | None:
        """Where a point is drawn; None where it has no such cost."""
        return self._frame.place_of(point)

    def point_at(self, position: QPointF) -> Point | None:
        """The nearest point in reach; of those at one place the one on the front."""
        reach = _REACH * QFontMetricsF(chart_font()).height()
        return self._frame.nearest(self._shown, self._front, position, reach)

    def _rescale(self) -> None:
        self._frame = frame_of(QRectF(self.rect()), self._shown, self.cost, self._bounds)
        self._repaint()
        self.area_changed.emit()

    def _repaint(self) -> None:
        self._still = None
        self.update()

    def _describe(self) -> None:
        chosen = self.points.at(self._chosen)
        told = self.tr("{n} networks, {front} on the front.").format(n=len(self._shown), front=len(self._front))
        if chosen is not None:
            told += " " + self.tr("Chosen: {accuracy}, {macs} multiply-adds.").format(
                accuracy=f"{chosen.accuracy_percent:.2f} %", macs=cost_words("macs", chosen.macs)
            )
        self.setAccessibleDescription(told)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the plot, and on it what follows mouse and keys."""
        ratio = self.devicePixelRatioF()
        if self._still is None or self._still.devicePixelRatio() != ratio:
            self._still = self._paint_still(ratio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._still)
        if self._shown:
            painter.save()
            painter.setClipRect(self._frame.area.adjusted(-9, -9, 9, 9))
            self._paint_signs(painter)
            painter.restore()
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_still(self, ratio: float) -> QPixmap:
        """The budget, the frame, the front and the points."""
        found = QPixmap(self.size() * ratio)
        found.setDevicePixelRatio(ratio)
        found.fill(Qt.GlobalColor.transparent)
        painter = QPainter(found)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame, area = self._frame, self._frame.area
        if self._budget is not None and self._shown:
            paint_budget(painter, frame, self._budget)
        paint_grid(painter, frame, labels=bool(self._shown))
        if self._shown:
            painter.save()
            painter.setClipRect(area.adjusted(-9, -9, 9, 9))
            paint_front(painter, frame, self._front)
            paint_points(painter, frame, self._shown, self._front, self._budget)
            painter.restore()
            paint_legend(painter, QRectF(area.left(), 0, area.width(), area.top() * 0.8), self._shown)
        elif self.sentence:
            paint_sentence(painter, area, self.sentence, chart_font(1.0), theme())
        painter.end()
        return found

    def _paint_signs(self, painter: QPainter) -> None:
        """Numbers of what is compared; rings around what is under the mouse, and what is chosen."""
        compared = (self.points.at(key) for key in self._compared)
        for number, point in enumerate(compared, start=1):
            there = self.place_of(point) if point is not None else None
            if there is not None:
                paint_number(painter, there, number)
        for point, strong in ((self._hovered, False), (self.points.at(self._chosen), True)):
            there = self.place_of(point) if point is not None else None
            if there is not None:
                paint_ring(painter, there, strong=strong)

    # Mouse and keys.

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell of the network under the mouse."""
        found = self.point_at(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if found is not None else Qt.CursorShape.ArrowCursor)
        if found is None:
            self._unhover()
            return
        if found != self._hovered:
            self._hovered = found
            self.update()
        self._readout.show_near(event.globalPosition().toPoint(), readout_text(found, self.cost))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the network, or with Ctrl put it beside others."""
        found = self.point_at(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        if found is not None:
            (self.compared if event.modifiers() & Qt.KeyboardModifier.ControlModifier else self.chosen).emit(found)

    def event(self, event: QEvent) -> bool:
        """Arrow keys belong to the plot while it has the focus, even where the window has shortcuts on them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go along the front, Home and End to its ends."""
        key = Qt.Key(event.key())
        if key not in _KEYS or not self._front:
            super().keyPressEvent(event)
            return
        last = len(self._front) - 1
        there = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}.get(key)
        if there is None:
            there = min(max(self._next_place(1 if key == Qt.Key.Key_Right else -1), 0), last)
        self.chosen.emit(self._front[there])

    def _next_place(self, step: int) -> int:
        """Of the front: beside the chosen network, also where that lies under the front."""
        chosen = self.points.at(self._chosen)
        cost = chosen.cost(self.cost) if chosen is not None else None
        if chosen is None or cost is None:
            return 0 if step > 0 else len(self._front) - 1
        keys = [point.key for point in self._front]
        if chosen.key in keys:
            return keys.index(chosen.key) + step
        cheaper = sum((point.cost(self.cost) or 0.0) <= cost for point in self._front)
        return cheaper if step > 0 else cheaper - 1

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self._unhover()

    def hideEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self._unhover()

    def _unhover(self) -> None:
        self._readout.hide()
        if self._hovered is not None:
            self._hovered = None
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many ticks as there is room for."""
        super().resizeEvent(event)
        self._rescale()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """No longer show the focus."""
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Room for a frame with two ticks a side."""
        line = self.fontMetrics().height()
        return QSize(line * 14, line * 9)


def readout_text(point: Point, cost: str = "macs") -> str:
    """The card beside the mouse, as rich text: accuracy, costs, choices."""
    costs = ["macs", "parameters", *([cost] if cost not in ("macs", "parameters") else [])]
    lines = [f"<b>{point.accuracy_percent:.2f} %</b> · {html.escape(found_by_words(point.found_by))}"]
    lines += [
        f"{html.escape(cost_title(name))}: {cost_words(name, value)}"
        for name in costs
        if (value := point.cost(name)) is not None
    ]
    rows = "".join(
        f"<tr><td style='padding-right: 8px'>{html.escape(part)}</td><td>{html.escape(chosen)}</td></tr>"
        for part, chosen in choices(point.architecture)
    )
    return "<br>".join(lines) + f"<table>{rows}</table>"
