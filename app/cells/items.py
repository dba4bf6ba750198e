"""What a cell's picture is made of: lines, states and pills. They paint themselves from the theme of the moment."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPainterPathStroker, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.theme import mix, theme
from engine.draw.layout import Box, Path

LINE = 1.4
QUIET_OPACITY = 0.38
"""Of operations that another one's hover puts in the background."""
RING_GAP = 3.0


class BoxItem(QGraphicsItem):
    """A box of the layout; position is its centre."""

    def __init__(self, box: Box, font: QFont) -> None:
        super().__init__()
        self.box = box
        self._font = font
        self.hovered = False
        self.selected = False
        self.setZValue(2)
        self.setPos(box.x, box.y)

    def set_font(self, font: QFont) -> None:
        """Take another font."""
        self._font = font
        self.update()

    def set_box(self, box: Box) -> None:
        """Take another place, size and text."""
        if box == self.box:
            return
        self.prepareGeometryChange()
        self.box = box
        self.setPos(box.x, box.y)
        self.update()

    def set_marks(self, *, hovered: bool, selected: bool) -> None:
        """Show that it is under the mouse, or selected, or an end of such an operation."""
        if (hovered, selected) != (self.hovered, self.selected):
            self.hovered, self.selected = hovered, selected
            self.update()

    def rectangle(self) -> QRectF:
        """The box around its centre."""
        return QRectF(-self.box.width / 2, -self.box.height / 2, self.box.width, self.box.height)

    def boundingRect(self) -> QRectF:
        """The box with room for outlines and the ring."""
        around = RING_GAP + 2.5
        return self.rectangle().adjusted(-around, -around, around, around)

    def shape(self) -> QPainterPath:
        """Where the mouse finds it."""
        path = QPainterPath()
        radius = self.box.height / 2
        path.addRoundedRect(self.rectangle().adjusted(-2, -2, 2, 2), radius, radius)
        return path

    def _capsule(self, painter: QPainter, fill: str, outline: str, width: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(outline), width))
        painter.setBrush(QColor(fill))
        radius = self.box.height / 2
        painter.drawRoundedRect(self.rectangle(), radius, radius)

    def _label(self, painter: QPainter, *, bold: bool) -> None:
        font = QFont(self._font)
        if bold:
            font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme().text))
        painter.drawText(self.rectangle().adjusted(-6, -2, 6, 2), Qt.AlignmentFlag.AlignCenter, self.box.label)


class StateItem(BoxItem):
    """An input, a node or the output."""

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw it."""
        colours = theme()
        if self.box.kind == "concat":
            fill, outline = mix(colours.panel, colours.accent, colours.pill_mix), colours.accent
        else:
            fill, outline = colours.sunken, colours.faint
        if self.selected or self.hovered:
            outline = colours.accent if self.selected else colours.text
        self._capsule(painter, fill, outline, 1.8 if self.selected or self.hovered else 1.0)
        self._label(painter, bold=self.box.kind == "node")


class PillItem(BoxItem):
    """An operation."""

    def __init__(self, box: Box, font: QFont) -> None:
        super().__init__(box, font)
        self.changed = False
        self.found = False
        self.focused = False
        self.setZValue(3)

    def set_changed(self, changed: bool) -> None:
        """Put the dashed ring around it, or take it off."""
        if changed != self.changed:
            self.changed = changed
            self.update()

    def set_found(self, found: bool) -> None:
        """Mark it as found by the search field."""
        if found != self.found:
            self.found = found
            self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw it."""
        colours = theme()
        hue = colours.primitive(self.box.primitive)
        strong = self.selected or self.hovered
        share = colours.pill_mix * (2.2 if self.selected else 1.5 if self.hovered else 1.0)
        self._capsule(painter, mix(colours.panel, hue, share), hue, 2.2 if self.selected else 1.7 if strong else 1.1)
        self._label(painter, bold=self.selected)
        if self.changed or self.found:
            colour = colours.accent if self.found else colours.warn
            pen = QPen(QColor(colour), 1.3, Qt.PenStyle.SolidLine if self.found else Qt.PenStyle.CustomDashLine)
            if not self.found:
                pen.setDashPattern([2.2, 1.8])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = self.rectangle().adjusted(-RING_GAP, -RING_GAP, RING_GAP, RING_GAP)
            painter.drawRoundedRect(ring, ring.height() / 2, ring.height() / 2)


class LineItem(QGraphicsItem):
    """A line of the layout: in the hue of its operation, or dashed and quiet to the output."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._drawn = _painter_path(path)
        self._width = LINE
        self.highlighted = False
        self.setZValue(0 if path.kind == "concat" else 1)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_path(self, path: Path) -> None:
        """Take another way."""
        if path != self.path:
            self.prepareGeometryChange()
            self.path = path
            self._drawn = _painter_path(path)
            self.update()

    def set_weight(self, weight: float | None) -> None:
        """Line width by the operation's softmax weight, 0 to 1; the usual width without one."""
        width = LINE if weight is None else 1.0 + 2.6 * min(max(weight, 0.0), 1.0)
        if width != self._width:
            self.prepareGeometryChange()
            self._width = width

    @property
    def width(self) -> float:
        """The line's width without highlight."""
        return self._width

    def set_highlighted(self, highlighted: bool) -> None:
        """Draw it strongly."""
        if highlighted != self.highlighted:
            self.highlighted = highlighted
            self.setZValue(1.5 if highlighted else 0 if self.path.kind == "concat" else 1)
            self.update()

    def boundingRect(self) -> QRectF:
        """The line with its width."""
        around = self._width + 4
        return self._drawn.controlPointRect().adjusted(-around, -around, around, around)

    def shape(self) -> QPainterPath:
        """Nothing: lines are no targets."""
        return QPainterPath()

    def outline(self) -> QPainterPath:
        """The area of the line, for tests of what it runs over."""
        stroker = QPainterPathStroker()
        stroker.setWidth(self._width)
        return stroker.createStroke(self._drawn)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw it."""
        colours = theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.path.kind == "concat":
            pen = QPen(QColor(mix(colours.panel, colours.faint, 0.75)), 1.0, Qt.PenStyle.CustomDashLine)
            pen.setDashPattern([3.5, 3.0])
        else:
            pen = QPen(QColor(colours.primitive(self.path.primitive)), self._width + (1.0 if self.highlighted else 0.0))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._drawn)
        if self.path.kind == "write":
            tip = self._drawn.currentPosition()
            size = 2.2 + self._width * 1.3
            head = QPainterPath(tip)
            head.lineTo(tip + QPointF(-size, -size * 0.5))
            head.lineTo(tip + QPointF(-size, size * 0.5))
            head.closeSubpath()
            painter.fillPath(head, pen.color())


def _painter_path(path: Path) -> QPainterPath:
    start = path.pieces[0][0]
    found = QPainterPath(QPointF(*start))
    for _, b, c, d in path.pieces:
        found.cubicTo(QPointF(*b), QPointF(*c), QPointF(*d))
    return found
