"""Draws an entry of the library: a dot, a title, a quiet second line."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.labels import SMALL, scaled_font
from app.library.entries import Entry
from app.library.model import ENTRY_ROLE
from app.theme import theme

_Index = QModelIndex | QPersistentModelIndex
HOLLOW = frozenset({"queued", "created", "interrupted"})
"""States whose dot is a ring: colour is never the only sign."""


class EntryDelegate(QStyledItemDelegate):
    """Two lines an entry, one for a header; sizes from the font."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Height by the fonts."""
        entry = index.data(ENTRY_ROLE)
        title = QFontMetricsF(scaled_font()).height()
        if not isinstance(entry, Entry) or entry.kind == "header":
            return QSize(0, round(QFontMetricsF(scaled_font(SMALL)).height() * 1.9))
        return QSize(0, round(title + QFontMetricsF(scaled_font(SMALL)).height() + title * 0.75))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one row."""
        entry = index.data(ENTRY_ROLE)
        if not isinstance(entry, Entry):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRectF(option.rect)
        if entry.kind == "header":
            self._header(painter, room, entry)
        else:
            self._entry(painter, room, entry, option)
        painter.restore()

    def _header(self, painter: QPainter, room: QRectF, entry: Entry) -> None:
        font = scaled_font(SMALL * 0.94, bold=True)
        font.setLetterSpacing(font.SpacingType.PercentageSpacing, 104)
        painter.setFont(font)
        painter.setPen(QColor(theme().dim))
        unit = QFontMetricsF(font).height()
        painter.drawText(
            room.adjusted(unit * 0.6, 0, -unit * 0.5, -unit * 0.3),
            Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft,
            entry.title.upper(),
        )

    def _entry(self, painter: QPainter, room: QRectF, entry: Entry, option: QStyleOptionViewItem) -> None:
        colours = theme()
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.select if chosen else colours.grid))
            painter.drawRoundedRect(room.adjusted(0.5, 1, -0.5, -1), 6, 6)
        if chosen and state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(room.adjusted(1, 1.5, -1, -1.5), 6, 6)
        title_font, line_font = scaled_font(bold=chosen), scaled_font(SMALL)
        title, line = QFontMetricsF(title_font), QFontMetricsF(line_font)
        pad = (room.height() - title.height() - line.height()) / 2
        unit = title.height()
        centre = QPointF(room.left() + unit * 0.95, room.top() + pad + unit / 2)
        hue = QColor(colours.dim if entry.state == "named" else colours.state(entry.state))
        painter.setPen(QPen(hue, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush if entry.state in HOLLOW else hue)
        radius = unit * 0.22
        if entry.state == "warned":
            painter.drawPolygon(_triangle(centre, radius * 1.15))
        else:
            painter.drawEllipse(centre, radius, radius)
        left = room.left() + unit * 1.7
        width = room.right() - left - unit * 0.4
        painter.setFont(title_font)
        painter.setPen(QColor(colours.text))
        painter.drawText(
            QRectF(left, room.top() + pad, width, unit),
            Qt.AlignmentFlag.AlignLeft,
            title.elidedText(entry.title, Qt.TextElideMode.ElideRight, width),
        )
        painter.setFont(line_font)
        painter.setPen(QColor(colours.dim))
        painter.drawText(
            QRectF(left, room.top() + pad + unit, width, line.height() * 1.1),
            Qt.AlignmentFlag.AlignLeft,
            fitted(entry.line, line, width),
        )


def fitted(text: str, metrics: QFontMetricsF, width: float) -> str:
    """A second line that fits: the state's words give way before the number that matters."""
    head, dot, rest = text.partition(" · ")
    tail = dot + rest
    room = width - metrics.horizontalAdvance(tail)
    if not dot or metrics.horizontalAdvance(text) <= width or room < width * 0.3:
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    return metrics.elidedText(head, Qt.TextElideMode.ElideRight, room) + tail


def _triangle(centre: QPointF, radius: float) -> QPolygonF:
    return QPolygonF(
        [centre + QPointF(x * radius, y * radius) for x, y in ((0.0, -1.0), (1.0, 0.75), (-1.0, 0.75))],
    )
