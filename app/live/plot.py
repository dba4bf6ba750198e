"""A figure on the screen, drawn through pyqtgraph: pan, zoom, hover, click."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from app.live.figure import RAW_SHARE, Curve, Figure, line_pen, paint_frame, paint_marks, place
from app.live.fonts import chart_font
from app.live.scales import Axis
from app.theme import mix, theme

_ZOOM_STEP = 1.25
_CLICK_REACH = 4


class CurvePlot(pg.GraphicsView):  # type: ignore[misc]  # pyqtgraph has no types.
    """Shows a ``Figure``. Wheel and drag ask for another part of the x axis; the owner answers with another figure."""

    range_wanted = Signal(float, float)
    """Left and right end of the x axis, epochs."""
    clicked = Signal(float)
    """Epoch at the mouse."""
    hovered = Signal(object)
    """float | None: epoch at the mouse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self.figure = Figure(0, 1, (), Axis(0, 1, ()))
        self._hair: float | None = None
        self._pressed: QPointF | None = None
        self._pressed_range = (0.0, 1.0)
        self._is_dragging = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        # The frame is painted here, under and over the lines: a cached background would keep old ticks and colours.
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setAntialiasing(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self._view = pg.ViewBox(enableMouse=False, enableMenu=False, defaultPadding=0)
        self._view.disableAutoRange()
        self.addItem(self._view)
        # Plots are made once and used again: pyqtgraph leaks what is made anew for each run.
        self._raw_items: list[Any] = []
        self._line_items: list[Any] = []

    def show_figure(self, figure: Figure) -> None:
        """Draw another figure."""
        self.figure = figure
        self._arrange()
        while len(self._line_items) < len(figure.curves):
            raw, line = pg.PlotCurveItem(antialias=False), pg.PlotCurveItem(antialias=True)
            raw.setZValue(len(self._raw_items))
            line.setZValue(100 + len(self._line_items))
            for item, items in ((raw, self._raw_items), (line, self._line_items)):
                item.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
                self._view.addItem(item, ignoreBounds=True)
                items.append(item)
        for number, (raw, line) in enumerate(zip(self._raw_items, self._line_items, strict=True)):
            self._fill(raw, line, figure.curves[number] if number < len(figure.curves) else None)
        self.viewport().update()

    def _fill(self, raw: Any, line: Any, curve: Curve | None) -> None:
        line.setVisible(curve is not None)
        raw.setVisible(curve is not None and curve.raw is not None)
        if curve is None:
            return
        colours = theme()
        colour = getattr(colours, curve.role)
        pen = line_pen(colour, dashed=curve.dashed)
        pen.setCosmetic(True)
        line.setPen(pen)
        line.setData(*curve.line, connect="finite")
        if curve.raw is not None:
            raw.setPen(pg.mkPen(mix(colours.panel, colour, RAW_SHARE), width=1))
            raw.setData(*curve.raw, connect="finite")

    def _arrange(self) -> None:
        figure = self.figure
        self._view.setGeometry(place(QRectF(self.rect()), figure, chart_font()).area)
        self._view.setRange(
            xRange=(figure.left, figure.right), yRange=(figure.y.low, figure.y.high), padding=0, disableAutoRange=True
        )

    def area(self) -> QRectF:
        """Where the lines are drawn."""
        return place(QRectF(self.rect()), self.figure, chart_font()).area

    def epoch_at(self, x: float) -> float:
        """The epoch at a horizontal place."""
        area, figure = self.area(), self.figure
        share = (x - area.left()) / max(area.width(), 1.0)
        return figure.left + share * (figure.right - figure.left)

    def x_of(self, epoch: float) -> float:
        """The horizontal place of an epoch."""
        return place(QRectF(self.rect()), self.figure, chart_font()).x(epoch)

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the frame under the lines."""
        painter.fillRect(rect, QColor(theme().panel))
        paint_frame(painter, QRectF(self.rect()), self.figure, chart_font(), theme())

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Paint dots, the shown epoch and the hair line over the lines."""
        placed = place(QRectF(self.rect()), self.figure, chart_font())
        if self._hair is not None and self.figure.curves:
            x = round(placed.x(self._hair)) + 0.5
            painter.setPen(QPen(QColor(theme().faint), 1))
            painter.drawLine(QPointF(x, placed.area.top()), QPointF(x, placed.area.bottom()))
        paint_marks(painter, placed, theme())

    def set_hair(self, epoch: float | None) -> None:
        """Show a thin vertical line at an epoch."""
        if epoch != self._hair:
            self._hair = epoch
            self.viewport().update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the lines in their frame."""
        super().resizeEvent(event)
        # pyqtgraph calls this from its constructor already.
        if hasattr(self, "_line_items"):
            self._arrange()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom the x axis about the mouse."""
        turns = event.angleDelta().y() / 120
        if not turns or not self.figure.curves:
            event.ignore()
            return
        self.zoom(_ZOOM_STEP**-turns, self.epoch_at(event.position().x()))
        event.accept()

    def zoom(self, factor: float, around: float | None = None) -> None:
        """Ask for a range that is ``factor`` times as wide."""
        left, right = self.figure.left, self.figure.right
        centre = (left + right) / 2 if around is None else min(max(around, left), right)
        self.range_wanted.emit(centre + (left - centre) * factor, centre + (right - centre) * factor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position()
            self._pressed_range = (self.figure.left, self.figure.right)
            self._is_dragging = False
            event.accept()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the x axis, or hover."""
        moved = event.position().x() - self._pressed.x() if self._pressed is not None else 0.0
        if self._pressed is not None and (self._is_dragging or abs(moved) > _CLICK_REACH):
            self._is_dragging = True
            left, right = self._pressed_range
            by = -moved / max(self.area().width(), 1.0) * (right - left)
            self.range_wanted.emit(left + by, right + by)
        inside = self.area().adjusted(-_CLICK_REACH, 0, _CLICK_REACH, 0).contains(event.position())
        self.hovered.emit(self.epoch_at(event.position().x()) if inside else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a click or a drag."""
        if event.button() == Qt.MouseButton.LeftButton and self._pressed is not None:
            if not self._is_dragging and self.area().contains(event.position()):
                self.clicked.emit(self.epoch_at(event.position().x()))
            self._pressed = None
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second press of a double click is a press."""
        self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """No longer hovered."""
        super().leaveEvent(event)
        self.hovered.emit(None)
