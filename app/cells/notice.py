"""A diagnosis as a card: what was seen, and what it usually means."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.labels import SMALL, Label
from app.theme import manager, theme


class Notice(QFrame):
    """Info on the sunken surface, warnings on theirs, severe ones with a red title."""

    def __init__(self, severity: str, message: str, when: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._severity = severity
        title, rest = parted(message)
        tone = {"warning": "warn", "severe": "danger"}.get(severity, "text")
        column = QVBoxLayout(self)
        gap = self.fontMetrics().height() * 5 // 8
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap // 3)
        texts = [Label(title, tone=tone, scale=SMALL, bold=True)]  # type: ignore[arg-type]
        if rest:
            texts.append(Label(rest, scale=SMALL))
        if when:
            texts.append(Label(when, tone="dim", scale=SMALL))
        for text in texts:
            text.wrapped()
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(text)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.setAccessibleName(message)
        manager().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the surface."""
        colours = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.sunken if self._severity == "info" else colours.warn_surface))
        painter.drawRoundedRect(self.rect(), 6, 6)
        painter.end()


def parted(message: str) -> tuple[str, str]:
    """The first sentence without its full stop, and the others."""
    found = re.match(r"(.+?)\.\s+(?=\S)(.*)\Z", message.strip(), flags=re.DOTALL)
    return (found[1], found[2]) if found else (message.strip().rstrip("."), "")
