"""Finding an operation in a cell: the field, and what it finds."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QWidget

from app.cells.scene import CellScene, EdgeKey, edge_key
from app.cells.words import label, way
from app.labels import SMALL, Label, scaled_font
from app.selection import Operation
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


class CellSearch(QObject):
    """Finds operations of a cell by their name, their source or their node, one after the other."""

    found = Signal(object)
    """EdgeKey: an operation that shall be shown."""
    closed = Signal()

    def __init__(self, scene: CellScene, view: QWidget) -> None:
        super().__init__(view)
        self.bar = FindBar(view)
        self._scene = scene
        self._keys: list[EdgeKey] = []
        self._at = 0
        self.bar.text_changed.connect(self._search)
        self.bar.next_wanted.connect(self._next)
        self.bar.closed.connect(self._end)

    def _search(self, text: str) -> None:
        wanted = plain(text)
        pills = sorted(self._scene.pills(), key=lambda pill: (pill.box.x, pill.box.y))
        keys = [edge_key(pill) for pill in pills]
        self._keys = [key for key in keys if wanted and wanted in plain(f"{label(key[2])} {key[2]} {way_of(key)}")]
        self._at = 0
        self._scene.set_found(set(self._keys))
        self._show()

    def _next(self) -> None:
        if self._keys:
            self._at = (self._at + 1) % len(self._keys)
            self._show()

    def _show(self) -> None:
        self.bar.set_count(self._at, len(self._keys))
        if self._keys:
            self.found.emit(self._keys[self._at])

    def _end(self) -> None:
        self._keys = []
        self._scene.set_found(set())
        self.closed.emit()


def way_of(key: EdgeKey) -> str:
    """From where to where an operation leads."""
    return way(Operation("normal", *key))


def plain(text: str) -> str:
    """For matching: «3x3» finds 3×3, «k-1» finds k−1."""
    return text.lower().replace("×", "x").replace("−", "-").replace("→", "->").replace("_", " ").strip()
