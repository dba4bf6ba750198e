"""A picture to move about in: it fits its view until a person zooms or pans."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication, QFrame, QGraphicsScene, QGraphicsView, QWidget

LARGEST_FIT = 1.12
"""Panels grow, text does not: fitting enlarges no further."""
ZOOM_RANGE = (0.25, 6.0)


class ZoomView(QGraphicsView):
    """Fits, zooms about the cursor, and is pushed with the left button; what a click means is for others to say."""

    def __init__(self, scene: QGraphicsScene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self._zoomed = False
        self._pressed: QPoint | None = None
        self._panning = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.viewport().setAutoFillBackground(False)

    @property
    def is_zoomed(self) -> bool:
        """Whether a person zoomed or pushed it, so that it no longer follows the window's size."""
        return self._zoomed

    def fit(self) -> None:
        """Show the whole picture, and follow the window's size again."""
        self._zoomed = False
        rect = self.scene().sceneRect()
        room = self.viewport().rect()
        if rect.isEmpty() or room.isEmpty():
            return
        scale = min(room.width() / rect.width(), room.height() / rect.height(), LARGEST_FIT)
        self.resetTransform()
        self.setSceneRect(QRectF())  # Panning made room; follow the scene again.
        self.scale(scale, scale)
        self.centerOn(rect.center())

    def zoom(self, factor: float) -> None:
        """Enlarge about the cursor (about the middle when the mouse is elsewhere)."""
        now = self.transform().m11()
        factor = min(max(now * factor, ZOOM_RANGE[0]), ZOOM_RANGE[1]) / now
        self._zoomed = True
        self.scale(factor, factor)

    def zoom_in(self) -> None:
        """One step larger."""
        self.zoom(1.25)

    def zoom_out(self) -> None:
        """One step smaller."""
        self.zoom(0.8)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        turns = event.angleDelta().y() / 120
        if turns:
            self.zoom(1.18**turns)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a push."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()
            self._panning = False
        event.accept()

    def pushed(self, event: QMouseEvent) -> bool:
        """Push the picture with a pressed mouse; whether one is pressed at all."""
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return False
        moved = event.position().toPoint() - self._pressed
        if not self._panning and moved.manhattanLength() >= QApplication.startDragDistance():
            self._panning = True
            self._zoomed = True
            self._make_room()
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        if self._panning:
            for bar, by in ((self.horizontalScrollBar(), moved.x()), (self.verticalScrollBar(), moved.y())):
                bar.setValue(bar.value() - by)
            self._pressed = event.position().toPoint()
        return True

    def clicked(self, event: QMouseEvent) -> bool:
        """End a press of the left button; whether it was a click and no push."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return False
        panned, self._pressed, self._panning = self._panning, None, False
        return not panned

    def _make_room(self) -> None:
        """Let the picture be pushed half out of the view on every side."""
        middle = self.mapToScene(self.viewport().rect().center())
        view = self.mapToScene(self.viewport().rect()).boundingRect()
        room_x, room_y = view.width() * 0.75, view.height() * 0.75
        self.setSceneRect(self.scene().sceneRect().adjusted(-room_x, -room_y, room_x, room_y))
        self.centerOn(middle)
