"""A line above the views that tells what happened, with the way out as buttons; it never steals the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from app.buttons import Button
from app.labels import Label, Tone
from app.panel import RADIUS
from app.theme import manager, mix, theme


class NoticeBar(QFrame):
    """One notice at a time; the newest stands."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._tone: Tone = "warn"
        self._text = Label("").wrapped()
        self._text.setObjectName("notice_text")
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._buttons = QHBoxLayout()
        self._dismiss = Button(self.tr("Dismiss"), kind="link")
        self._dismiss.clicked.connect(self.hide)
        self._callbacks: list[Callable[[], None]] = []
        unit = self.fontMetrics().height()
        box = QHBoxLayout(self)
        box.setContentsMargins(unit, unit // 2, unit // 2, unit // 2)
        box.setSpacing(unit // 2)
        box.addWidget(self._text, 1)
        box.addLayout(self._buttons)
        box.addWidget(self._dismiss)
        self.hide()
        manager().changed.connect(self.update)

    @property
    def text(self) -> str:
        """What stands there."""
        return self._text.text()

    def tell(self, text: str, *, tone: Tone = "warn", ways_out: Sequence[tuple[str, Callable[[], None]]] = ()) -> None:
        """Show a notice.

        Args:
            ways_out: label and action of each button.
        """
        while (item := self._buttons.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._tone = tone
        self._text.setText(text)
        for label, action in ways_out:
            button = Button(label, kind="link")
            button.setObjectName("notice_" + label.lower().replace(" ", "_").rstrip("…"))
            button.clicked.connect(action)
            self._buttons.addWidget(button)
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the surface."""
        colours = theme()
        hue = getattr(colours, self._tone)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(mix(colours.border, hue, 0.35)))
        painter.setBrush(QColor(colours.warn_surface if self._tone == "warn" else mix(colours.panel, hue, 0.10)))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()
