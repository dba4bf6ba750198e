"""The softmax of one edge's operations over the epochs, small."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.cells.words import label, tr
from app.labels import SMALL, scaled_font
from app.theme import manager, theme

CEILINGS = (0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
"""The scale changes at these steps only."""
POINTS_LIMIT = 400


class EdgeHistory(QWidget):
    """One line an operation in its hue, one of them strong, and a mark at the epoch shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._epochs: NDArray[np.float64] = np.empty(0)
        self._weights: NDArray[np.float64] = np.empty((0, 0))
        self._primitives: tuple[str, ...] = ()
        self._strong = ""
        self._shown: int | None = None
        self._last = 1
        self.setFont(scaled_font(SMALL))
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("This edge over time"))
        manager().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """About seven lines of text high."""
        return QSize(self.fontMetrics().averageCharWidth() * 30, self.fontMetrics().height() * 7)

    def set_series(
        self,
        epochs: Sequence[int],
        weights: NDArray[np.float64],
        primitives: Sequence[str],
        strong: str,
        *,
        last_epoch: int,
    ) -> None:
        """Show an edge.

        Args:
            epochs: from 0, ascending, ``(points,)``.
            weights: softmax, ``(points, primitives)``.
            strong: the primitive drawn strongly.
            last_epoch: the search's last epoch, from 0: the right end of the scale.
        """
        step = max(1, -(-len(epochs) // POINTS_LIMIT))
        keep = sorted({*range(0, len(epochs), step), len(epochs) - 1}) if len(epochs) else []
        self._epochs = np.asarray(epochs, dtype=np.float64)[keep]
        self._weights = weights[keep] if len(keep) else np.empty((0, len(primitives)))
        self._primitives = tuple(primitives)
        self._strong = strong
        self._last = max(last_epoch, int(self._epochs[-1]) if len(keep) else 0, 1)
        if len(keep) and strong in self._primitives:
            now = self._weights[-1, self._primitives.index(strong)]
            self.setAccessibleDescription(tr("{name} at {weight:.3f}").format(name=label(strong), weight=now))
        self.update()

    def set_epoch(self, epoch: int | None) -> None:
        """Mark an epoch; None marks none."""
        if epoch != self._shown:
            self._shown = epoch
            self.update()

    @property
    def ceiling(self) -> float:
        """The top of the scale."""
        top = float(self._weights.max()) if self._weights.size else 0.0
        return next((ceiling for ceiling in CEILINGS if top <= ceiling), 1.0)

    def _area(self) -> QRectF:
        metrics = self.fontMetrics()
        left = metrics.horizontalAdvance("0.15") + metrics.averageCharWidth()
        return QRectF(left, metrics.height() / 2, self.width() - left - 4, self.height() - metrics.height() * 1.8)

    def _x(self, epoch: float) -> float:
        area = self._area()
        return area.left() + area.width() * epoch / self._last

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw scale and lines."""
        colours = theme()
        area = self._area()
        metrics = self.fontMetrics()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for value in (0.0, self.ceiling / 2, self.ceiling):
            y = area.bottom() - area.height() * value / self.ceiling
            painter.setPen(QColor(colours.grid))
            painter.drawLine(QPointF(area.left(), round(y) + 0.5), QPointF(area.right(), round(y) + 0.5))
            painter.setPen(QColor(colours.dim))
            text = "0" if value == 0 else f"{value:.2f}".rstrip("0")
            room = QRectF(0, y - metrics.height() / 2, area.left() - metrics.averageCharWidth() * 0.7, metrics.height())
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setPen(QColor(colours.dim))
        below = QRectF(area.left(), area.bottom() + 3, area.width(), metrics.height())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, tr("epoch 1"))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(self._last + 1))
        if self._shown is not None:
            painter.setPen(QPen(QColor(colours.accent), 1, Qt.PenStyle.DashLine))
            x = self._x(min(self._shown, self._last))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        order = sorted(range(len(self._primitives)), key=lambda column: self._primitives[column] == self._strong)
        for column in order if len(self._epochs) else []:
            name = self._primitives[column]
            is_strong = name == self._strong
            painter.setPen(QPen(QColor(colours.primitive(name)), 2.2 if is_strong else 1.0))
            line = QPolygonF(
                [
                    QPointF(self._x(epoch), area.bottom() - area.height() * weight / self.ceiling)
                    for epoch, weight in zip(self._epochs, self._weights[:, column], strict=True)
                ]
            )
            painter.drawPolyline(line)
            if len(self._epochs) == 1 or is_strong:
                painter.setBrush(painter.pen().color())
                painter.drawEllipse(line.last(), 2.2, 2.2)
                painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read off the epoch under the mouse."""
        text = self.readout(event.position().x())
        if text:
            QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def readout(self, x: float) -> str:
        """All weights at the epoch nearest to a place, largest first."""
        if not len(self._epochs):
            return ""
        area = self._area()
        place = int(np.abs(self._epochs - (x - area.left()) / area.width() * self._last).argmin())
        order = np.argsort(-self._weights[place], kind="stable")
        lines = [tr("Epoch {epoch}").format(epoch=int(self._epochs[place]) + 1)]
        lines += [f"{self._weights[place, column]:.3f}  {label(self._primitives[column])}" for column in order]
        return "\n".join(lines)
