"""The button that selects networks: why it cannot be pressed, what goes on, and Cancel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from app.buttons import Button
from app.labels import SMALL, Label


class SelectBar(QWidget):
    """Button, menu of further ways, and one line of progress.

    Attributes:
        button: ``select``; while a selection goes on it cancels.
    """

    wanted = Signal(bool)
    """A selection; whether in the unfinished supernet."""
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_selecting = False
        self.button = Button(self.tr("Select networks…"), kind="primary")
        self.button.setObjectName("select")
        self.button.clicked.connect(self._clicked)
        self.menu_button = Button("▾", kind="quiet")
        self.menu_button.setObjectName("select_menu")
        self.menu_button.setAccessibleName(self.tr("More ways to select"))
        menu = QMenu(self.menu_button)
        self.unfinished_action = menu.addAction(self.tr("Select in the unfinished supernet…"))
        self.unfinished_action.triggered.connect(lambda: self.wanted.emit(True))
        self.menu_button.setMenu(menu)
        self.progress = Label("", tone="dim", scale=SMALL).wrapped()
        self.progress.setObjectName("select_progress")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(self.fontMetrics().height() // 3)
        row.addWidget(self.button)
        row.addWidget(self.menu_button)
        row.addWidget(self.progress, 1)

    def show_state(self, busy: str, progress: str, reason: str, *, unfinished: bool) -> None:
        """Follow the state.

        Args:
            busy: ``select``, ``test``, ``export`` or empty.
            reason: why no selection may begin; empty where it may.
            unfinished: whether it may in the unfinished supernet.
        """
        self._is_selecting = busy == "select"
        self.button.setText(self.tr("Cancel") if self._is_selecting else self.tr("Select networks…"))
        self.button.set_kind("danger" if self._is_selecting else "primary")
        self.button.setEnabled(self._is_selecting or not (reason or busy))
        tip = self.tr("Find the best networks within a budget; weights stay as they are.")
        if self._is_selecting:
            tip = self.tr("End the selection; what was measured stays.")
        self.button.setToolTip(tip if self._is_selecting else reason or tip)
        self.menu_button.setVisible(bool(reason) and unfinished and not busy)
        self.unfinished_action.setEnabled(unfinished and not busy)
        self.progress.setText(progress or reason)

    @property
    def is_selecting(self) -> bool:
        """Whether the button cancels."""
        return self._is_selecting

    def _clicked(self) -> None:
        if self._is_selecting:
            self.cancel_wanted.emit()
        else:
            self.wanted.emit(False)
