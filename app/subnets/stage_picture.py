"""The stages of one network as a picture: maps shrink, channels grow, multiply-adds are where they are."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.live.fonts import chart_font
from app.theme import manager, mix, theme
from engine.cost.subnets import SubnetCost, subnet_cost
from engine.draw.stages import StageLayout, stage_layout
from engine.subnets import Architecture

_FILL = {"image": 0.2, "convolution": 0.3, "block": 0.34, "classifier": 0.3, "share": 0.55, "tag": 0.16}
"""Share of the hue in a mark's fill; the rest is the panel."""


class StagePicture(QWidget):
    """Paints ``engine.draw.stages``' layout in the theme's colours, as wide as it has room; nothing without a network."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stage_picture")
        self.setAccessibleName(self.tr("Stages of the chosen network"))
        self._cost: SubnetCost | None = None
        self._layout: StageLayout | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        manager().changed.connect(self.update)

    def show_architecture(self, architecture: Architecture | None) -> None:
        """Show another network; None shows nothing."""
        if architecture is not None and self._cost is not None and self._cost.architecture == architecture:
            return
        self._cost = None if architecture is None else subnet_cost(architecture)
        self._layout = None if self._cost is None else stage_layout(self._cost, _width_of_text, _em())
        self.setAccessibleDescription(
            "" if self._layout is None else "\n".join(column.sentence for column in self._layout.columns)
        )
        self.updateGeometry()
        self.update()

    @property
    def scale(self) -> float:
        """Pixels a unit of the layout: at most 1, so that text never grows over the window's."""
        if self._layout is None:
            return 1.0
        return min(1.0, self.width() / self._layout.width, max(self.height(), 1) / self._layout.height)

    def scale_at(self, width: int) -> float:
        """The scale that so many pixels of width allow."""
        return 1.0 if self._layout is None else min(1.0, width / self._layout.width)

    def sentence_at(self, x: float, y: float) -> str:
        """What is under a place of the widget: the part, its multiply-adds, parameters and feature map; empty beside it."""
        layout, cost = self._layout, self._cost
        if layout is None or cost is None:
            return ""
        inside = (x - self._left()) / self.scale
        if not 0 <= y <= layout.height * self.scale:
            return ""
        for place, column in enumerate(layout.columns):
            if column.left <= inside < column.left + column.width:
                if place == 0:
                    return column.sentence
                part = cost.stages[place - 1]
                return self.tr(
                    "{sentence}\n{macs} multiply-adds · {parameters} parameters · feature map {side}×{side}×{width}"
                ).format(
                    sentence=column.sentence,
                    macs=f"{part.macs:,}",
                    parameters=f"{part.parameters:,}",
                    side=part.side,
                    width=part.width,
                )
        return ""

    def hasHeightForWidth(self) -> bool:
        """The picture keeps its proportions."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As high as the picture is at this width."""
        if self._layout is None:
            return self.fontMetrics().height() * 10
        return round(self._layout.height * min(1.0, width / self._layout.width))

    def sizeHint(self) -> QSize:
        """The picture at the window's size of text."""
        if self._layout is None:
            return QSize(self.fontMetrics().height() * 30, self.fontMetrics().height() * 10)
        return QSize(round(self._layout.width), round(self._layout.height))

    def minimumSizeHint(self) -> QSize:
        """It gives way."""
        return QSize(self.fontMetrics().height() * 12, self.fontMetrics().height() * 6)

    def event(self, event: QEvent) -> bool:
        """Tell of the part under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.sentence_at(event.pos().x(), event.pos().y())
            if text:
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture."""
        layout = self._layout
        if layout is None:
            return
        colours, scale = theme(), self.scale
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._left(), 0)
        painter.scale(scale, scale)
        for rule in layout.rules:
            painter.setPen(
                QPen(
                    QColor(colours.faint if rule.kind == "flow" else colours.border), 1.4 if rule.kind == "flow" else 1
                )
            )
            painter.drawLine(round(rule.x1), round(rule.y1), round(rule.x2), round(rule.y2))
        for mark in layout.marks:
            hue = mark.hue if colours.name == "light" else mix(mark.hue, "#FFFFFF", 0.2)
            painter.setPen(QPen(QColor(hue), 1.1))
            painter.setBrush(QColor(mix(colours.panel, hue, _FILL[mark.kind])))
            box = QRectF(mark.x - mark.width / 2, mark.y - mark.height / 2, mark.width, mark.height)
            painter.drawRoundedRect(box, mark.radius, mark.radius)
        for text in layout.texts:
            font = _font(text.size, bold=text.kind == "name")
            painter.setFont(font)
            painter.setPen(QColor(colours.dim if text.kind == "row" else colours.text))
            height = QFontMetricsF(font).height()
            if text.kind == "row":
                painter.drawText(
                    QRectF(text.x, text.y - height / 2, layout.width, height),
                    Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                    text.text,
                )
            else:
                wide = layout.columns[text.column or 0].width
                painter.drawText(
                    QRectF(text.x - wide / 2, text.y - height / 2, wide, height),
                    Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip,
                    text.text,
                )
        painter.end()

    def _left(self) -> float:
        return 0.0 if self._layout is None else max(0.0, (self.width() - self._layout.width * self.scale) / 2)


def _em() -> float:
    return float(chart_font().pixelSize())


def _font(size: float, *, bold: bool = False) -> QFont:
    font = chart_font(bold=bold)
    font.setPixelSize(max(1, round(size)))
    return font


def _width_of_text(text: str, size: float) -> float:
    return QFontMetricsF(_font(size)).horizontalAdvance(text)
