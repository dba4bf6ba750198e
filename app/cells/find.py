"""The field that finds an operation in a cell."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QWidget

from app.labels import SMALL, Label, scaled_font
from app.theme import manager, theme


class FindBar(QFrame):
    """Types are matched while they are typed; Enter goes on to the next, Escape closes."""

    text_changed = Signal(str)
    next_wanted = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("Operation, k−1, node 2"))
        self.field.setFont(scaled_font(SMALL))
        self.field.setClearButtonEnabled(True)
        self.field.setAccessibleName(self.tr("Find an operation"))
        self._count = Label("", tone="dim", scale=SMALL)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        row.addWidget(self.field)
        row.addWidget(self._count)
        self.field.textChanged.connect(self.text_changed)
        self.field.returnPressed.connect(self.next_wanted)
        self.field.installEventFilter(self)
        self.setAutoFillBackground(True)
        manager().changed.connect(self._restyle)
        self._restyle()
        self.hide()

    def open(self) -> None:
        """Show it with the old text selected."""
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def set_count(self, at: int, found: int) -> None:
        """Say which of how many."""
        if not self.field.text():
            self._count.setText("")
        else:
            self._count.setText(self.tr("{at} of {found}").format(at=at + 1, found=found) if found else self.tr("none"))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close on Escape."""
        if (
            watched is self.field
            and event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            self.hide()
            self.closed.emit()
            return True
        return super().eventFilter(watched, event)

    def _restyle(self) -> None:
        colours = theme()
        self.setStyleSheet(
            f"FindBar {{ background: {colours.panel}; border: 1px solid {colours.border}; border-radius: 6px; }}"
        )
