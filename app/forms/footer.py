"""The foot of the form: forecast, the command line of the run, what is wrong, Cancel and Start."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout

from app.buttons import Button
from app.forms.draft import RunDraft
from app.forms.field_row import field_label
from app.forms.forecast import ForecastRow
from app.labels import SMALL, Label
from app.surface import Surface


class FormFooter(Surface):
    """Stays in sight while the settings scroll."""

    start_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("sunken", line="top")
        unit = self.fontMetrics().height()
        self.forecast = ForecastRow()
        self._command = QLineEdit()
        self._command.setObjectName("command_line")
        self._command.setReadOnly(True)
        self._command.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._command.setAccessibleName(self.tr("The same run as a command line"))
        self._command.hide()
        self._copy = Button(self.tr("Copy"), kind="link")
        self._copy.clicked.connect(self._copy_command)
        self._copy.hide()
        self._show_command = Button(self.tr("Show as command line"), kind="link")
        self._show_command.setObjectName("show_command_line")
        self._show_command.clicked.connect(self._toggle_command)
        self._wrong = Label("", tone="danger", scale=SMALL).wrapped()
        self._wrong.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        cancel = Button(self.tr("Cancel"))
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.cancel_wanted)
        self.start_button = Button(self.tr("Start"), kind="primary")
        self.start_button.setObjectName("start")
        self.start_button.clicked.connect(self.start_wanted)
        command = QHBoxLayout()
        command.addWidget(self._command, 1)
        command.addWidget(self._copy)
        buttons = QHBoxLayout()
        buttons.setSpacing(unit * 2 // 3)
        buttons.addWidget(self._show_command)
        buttons.addWidget(self._wrong, 1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.start_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(*(unit * side // 4 for side in (6, 3, 6, 3)))
        box.addWidget(self.forecast)
        box.addLayout(command)
        box.addLayout(buttons)

    def show_draft(self, draft: RunDraft, loose_faults: str) -> None:
        """Show whether a run can be made of it.

        Args:
            loose_faults: what is wrong and stands beside no setting.
        """
        self._command.setText(draft.command_line())
        self._command.setCursorPosition(0)
        self.tell_fault(loose_faults or self._where(draft))
        self.start_button.setEnabled(draft.is_ready)
        self.forecast.set_can_ask(draft.is_ready)
        reasons = "\n".join(str(fault) for fault in draft.faults)
        self.start_button.setToolTip(reasons or self.tr("Start the run, or let it wait for its turn (Ctrl+Enter)"))

    def _where(self, draft: RunDraft) -> str:
        """Which settings keep Start from starting: they may be scrolled out of sight."""
        names = dict.fromkeys(fault.field for fault in draft.faults if fault.field)
        labels = ", ".join(field_label(name) for name in names)
        return self.tr("Before it can start: {settings}").format(settings=labels) if labels else ""

    def tell_fault(self, sentence: str) -> None:
        """Say what is wrong."""
        self._wrong.setText(sentence)

    def _copy_command(self) -> None:
        QGuiApplication.clipboard().setText(self._command.text())

    def _toggle_command(self) -> None:
        shown = self._command.isHidden()
        self._command.setVisible(shown)
        self._copy.setVisible(shown)
        self._show_command.setText(self.tr("Hide command line") if shown else self.tr("Show as command line"))
