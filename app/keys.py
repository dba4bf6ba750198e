"""Keys of the window that are no menu entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QApplication

from app.cells.cell_view import CellView
from app.live.epochs import go_to, step_by

if TYPE_CHECKING:
    from app.window import MainWindow


class WindowKeys(QObject):
    """Works for the main window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        for keys, handler in (
            ("Space", self._space), ("Left", self._epoch_back), ("Right", self._epoch_on), ("Home", self._epoch_first),
            ("End", self._epoch_newest), ("Escape", self._escape), ("Ctrl+F", self._find), ("F10", self._open_menu), ("F2", window.work.rename),
        ):  # fmt: skip
            QShortcut(QKeySequence(keys), window, handler)

    def _space(self) -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, QAbstractButton):
            focused.click()  # Space on a button presses it, as everywhere.
            return
        for name in ("pause", "resume"):
            action = self._window.commands[name]
            if action.isVisible() and action.isEnabled():
                action.trigger()
                return

    def _epoch_back(self) -> None:
        step_by(self._window.model, self._window.selection, -1)

    def _epoch_on(self) -> None:
        step_by(self._window.model, self._window.selection, 1)

    def _epoch_first(self) -> None:
        go_to(self._window.model, self._window.selection, 0)

    def _epoch_newest(self) -> None:
        self._window.selection.show_epoch(None)

    def _escape(self) -> None:
        self._window.selection.select(None)

    def _find(self) -> None:
        widget = QApplication.focusWidget()
        while widget is not None:
            if isinstance(widget, CellView):
                widget.open_find()
                return
            widget = widget.parentWidget()
        library = self._window.frame.library
        library.show()
        library.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        library.filter.selectAll()

    def _open_menu(self) -> None:
        self._window.frame.toolbar.menu_button.showMenu()
