"""The painted track of the epoch slider: progress, frozen alphas, marks and a handle."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from app.live.fonts import chart_font
from app.live.readout import Readout
from app.live.scales import epoch_axis
from app.live.slider_marks import Mark
from app.theme import manager, mix, theme

_DRAG_REACH = 2
_KEYS = {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End}


class EpochTrack(QAbstractSlider):
    """A slider over epochs counted from 1, as people count. Its owner sets what there is to show.

    A subclass of Qt's slider, so that screen readers know it as one.
    """

    live_asked = Signal()
    """Escape: back to the newest epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._epochs = 0
        self._progress = 0.0
        self._frozen = 0
        self._is_live = True
        self._marks: tuple[Mark, ...] = ()
        self._grabbed: float | None = None
        self._readout = Readout(self)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, 0)
        self.setPageStep(10)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Epoch"))
        manager().changed.connect(self.update)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is marked."""
        return self._marks

    @property
    def frozen_epochs(self) -> int:
        """Length of the band «alphas frozen»."""
        return self._frozen

    def set_state(self, *, epochs: int, progress: float, frozen: int, is_live: bool, marks: Sequence[Mark]) -> None:
        """Show the state of a run.

        Args:
            epochs: the length of the whole track; 0 without a run.
            progress: epochs done, with the part of the present one.
            frozen: epochs at the start in which the alphas do not move.
            is_live: the handle stands at the progress, not at an epoch's end.
        """
        self._epochs, self._progress, self._frozen = epochs, progress, frozen
        self._is_live, self._marks = is_live, tuple(marks)
        self.update()

    # Geometry.

    def sizeHint(self) -> QSize:
        """Room for a label above and below."""
        line = round(QFontMetricsF(chart_font()).height())
        return QSize(line * 20, round(line * 3.5))

    def minimumSizeHint(self) -> QSize:
        """Narrow, but as high as ever."""
        hint = self.sizeHint()
        return QSize(hint.height() * 3, hint.height())

    def _track(self) -> QRectF:
        line = QFontMetricsF(chart_font()).height()
        radius = line * 0.5
        thickness = 4.0
        middle = round(self.height() * 0.5)
        return QRectF(radius, middle - thickness / 2, max(self.width() - 2 * radius, 1.0), thickness)

    def x_of(self, epochs: float) -> float:
        """The place where so many epochs are done."""
        track = self._track()
        return track.left() + epochs / max(self._epochs, 1) * track.width()

    def handle_x(self) -> float:
        """The place of the handle."""
        return self.x_of(self._progress if self._is_live else float(self.value()))

    def value_at(self, x: float) -> int:
        """The epoch (from 1) whose end is nearest; the present one ends where the run is."""
        track = self._track()
        place = (x - track.left()) / track.width() * self._epochs
        newest = self.maximum()
        present = min(self._progress, float(newest)) if self._progress > newest - 1 else float(newest)
        if place >= (newest - 1 + present) / 2:
            return newest
        return min(max(round(place), self.minimum()), newest)

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the track."""
        colours = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = self._track()
        font = chart_font()
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(colours.grid, colours.border, 0.4)))
        painter.drawRoundedRect(track, 2, 2)
        if self._progress > 0:
            painter.setBrush(QColor(colours.accent if self.isEnabled() else colours.faint))
            painter.drawRoundedRect(QRectF(track.topLeft(), QPointF(self.x_of(self._progress), track.bottom())), 2, 2)
        self._paint_frozen(painter, track, metrics)
        self._paint_ticks(painter, track, metrics)
        for mark in self._marks:
            self._paint_mark(painter, track, mark)
        if self.maximum() > 0:
            self._paint_handle(painter, track, metrics)
        painter.end()

    def _paint_frozen(self, painter: QPainter, track: QRectF, metrics: QFontMetricsF) -> None:
        if not self._frozen:
            return
        colours = theme()
        top = track.top() - 9
        band = QRectF(QPointF(track.left(), top), QPointF(self.x_of(self._frozen), top + 3))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.faint))
        painter.drawRoundedRect(band, 1.5, 1.5)
        label = self.tr("alphas frozen")
        if metrics.horizontalAdvance(label) <= band.width():
            painter.setPen(QColor(colours.dim))
            box = QRectF(band.left(), band.top() - metrics.height() - 1, band.width(), metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)

    def _paint_ticks(self, painter: QPainter, track: QRectF, metrics: QFontMetricsF) -> None:
        if not self._epochs:
            return
        painter.setPen(QColor(theme().dim))
        room = int(track.width() / (metrics.height() * 3.2))
        for epoch, label in epoch_axis(0.0, float(self._epochs), max(2, min(10, room))):
            width = metrics.horizontalAdvance(label) + 2
            x = min(max(self.x_of(epoch) - width / 2, 0.0), self.width() - width)
            painter.drawText(
                QRectF(x, track.bottom() + 9, width, metrics.height()), Qt.AlignmentFlag.AlignCenter, label
            )

    def _paint_mark(self, painter: QPainter, track: QRectF, mark: Mark) -> None:
        colours = theme()
        x, y = self.x_of(mark.epoch + 1), track.center().y()
        painter.setPen(Qt.PenStyle.NoPen)
        match mark.kind:
            case "change":
                half = 5.0 + min(mark.weight, 4)
                painter.setBrush(QColor(colours.warn))
                painter.drawRect(QRectF(round(x) - 1, y - half, 2, 2 * half))
            case "warning" | "severe":
                painter.setBrush(QColor(colours.danger if mark.kind == "severe" else colours.warn))
                painter.setPen(QPen(QColor(colours.panel), 1))
                top = y - 19
                painter.drawPolygon(QPolygonF([QPointF(x, top), QPointF(x + 5, top + 9), QPointF(x - 5, top + 9)]))
            case "last_checkpoint":
                painter.setBrush(QColor(colours.dim))
                painter.drawRect(QRectF(round(x) - 2.5, track.bottom() + 4, 5, 5))
            case "best_checkpoint":
                painter.setBrush(QColor(colours.ok))
                y = track.bottom() + 6.5
                painter.drawPolygon(
                    QPolygonF([QPointF(x, y - 4), QPointF(x + 4, y), QPointF(x, y + 4), QPointF(x - 4, y)])
                )

    def _paint_handle(self, painter: QPainter, track: QRectF, metrics: QFontMetricsF) -> None:
        colours = theme()
        centre, radius = QPointF(self.handle_x(), track.center().y()), metrics.height() * 0.5
        if self.hasFocus() or self.isSliderDown():
            halo = QColor(colours.accent)
            halo.setAlphaF(0.25)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(halo)
            painter.drawEllipse(centre, radius + 4, radius + 4)
        painter.setPen(QPen(QColor(colours.panel), 1.5))
        painter.setBrush(QColor(colours.accent))
        painter.drawEllipse(centre, radius, radius)

    # Mouse and keys.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the handle, or bring it to the mouse."""
        if event.button() != Qt.MouseButton.LeftButton or not self.maximum():
            event.ignore()
            return
        x = event.position().x()
        self.setSliderDown(True)
        self._grabbed = None
        if abs(x - self.handle_x()) <= self._track().left():
            # A press on the handle alone moves nothing: while live it stands between two epochs.
            self._grabbed = x
        else:
            self.setSliderPosition(self.value_at(x))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle; tell what happened in the epoch under the mouse."""
        x = event.position().x()
        if self.isSliderDown() and (self._grabbed is None or abs(x - self._grabbed) > _DRAG_REACH):
            self._grabbed = None
            self.setSliderPosition(self.value_at(x))
        self._tell(x)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if event.button() == Qt.MouseButton.LeftButton and self.isSliderDown():
            self.setSliderDown(False)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell nothing more."""
        self._readout.hide()

    def hideEvent(self, event: QEvent) -> None:
        """Tell nothing more."""
        self._readout.hide()

    def event(self, event: QEvent) -> bool:
        """The slider's keys are its own while it has the focus, even where the window has shortcuts on them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back to live; arrows, Page Up and Down, Home and End are Qt's."""
        if event.key() == Qt.Key.Key_Escape and not self._is_live:
            self.live_asked.emit()
        else:
            super().keyPressEvent(event)

    def told(self, value: int) -> list[str]:
        """What there is to say about an epoch (from 1)."""
        said = [self.tr("epoch {epoch}").format(epoch=value)]
        if value <= self._frozen:
            said.append(self.tr("alphas frozen"))
        return said + [mark.text for mark in self._marks if mark.epoch + 1 == value]

    def _tell(self, x: float) -> None:
        if not self.maximum():
            return
        value = self.value_at(x)
        first, *others = self.told(value)
        text = "<br>".join([f"<b>{html.escape(first)}</b>", *map(html.escape, others)])
        above = self.mapToGlobal(QPoint(round(self.x_of(value)), -self._readout.sizeHint().height() // 2))
        self._readout.show_near(above, text)
