"""A panel: the rounded surface that a view stands on, with its title and one quiet fact."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.labels import SMALL, ElidedLabel, Label
from app.theme import manager, theme

RADIUS = 8.0
_BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class Panel(QFrame):
    """Title at the upper left, a fact at the upper right, the content below."""

    def __init__(self, title: str = "", content: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._has_keys = False
        self._title = Label(title, bold=True)
        self._title.setVisible(bool(title))
        self._fact = ElidedLabel("", tone="dim", scale=SMALL)
        self._fact.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._fact.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._fact.setVisible(bool(title))
        self._header = QHBoxLayout()
        self._header.setContentsMargins(0, 0, 0, 0)
        self._header.addWidget(self._title)
        self._header.addWidget(self._fact, 1)
        self.body = QVBoxLayout(self)
        gap = self.fontMetrics().height() * 3 // 4
        self.body.setContentsMargins(gap, gap * 3 // 4, gap, gap * 3 // 4)
        self.body.setSpacing(gap // 3)
        self.body.addLayout(self._header)
        if content is not None:
            self.set_content(content)
        manager().changed.connect(self.update)

    def set_content(self, content: QWidget) -> None:
        """Put the view in; its ``fact_changed`` fills the fact, and its focus shows on the border."""
        self.body.addWidget(content, 1)
        content.installEventFilter(self)
        if not self.accessibleName():
            self.setAccessibleName(self._title.text())
        fact_changed = getattr(content, "fact_changed", None)
        if fact_changed is not None:
            fact_changed.connect(self.set_fact)

    def set_title(self, title: str) -> None:
        """Change the title."""
        self._title.setText(title)
        self._title.setVisible(bool(title))

    def set_fact(self, text: str) -> None:
        """Change the fact at the upper right."""
        if text != self._fact.text():
            self._fact.setText(text)
            self._fact.setVisible(bool(text or self._title.text()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A focus that the keyboard brought is shown; one that a click brought is known."""
        if event.type() == QEvent.Type.FocusIn and isinstance(event, QFocusEvent):
            self._has_keys = event.reason() in _BY_KEYBOARD
            self.update()
        elif event.type() == QEvent.Type.FocusOut and self._has_keys:
            self._has_keys = False
            self.update()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the surface."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme().accent if self._has_keys else theme().border), 1))
        painter.setBrush(QColor(theme().panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()
