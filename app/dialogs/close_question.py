"""Asks what becomes of runs that go on when the window closes."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.buttons import Button
from app.labels import LARGE, Label

Answer = Literal["stop", "keep", "cancel"]


class CloseQuestion(QDialog):
    """Stop and save, keep running, or cancel; emits once."""

    answered = Signal(str)
    """Answer."""

    def __init__(self, titles: list[str], waiting: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("close_question")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Close nascope"))
        unit = self.fontMetrics().height()
        self.setMinimumWidth(unit * 30)
        what = (
            self.tr("«{title}» is running.").format(title=titles[0])
            if len(titles) == 1
            else self.tr("{n} runs go on.").format(n=len(titles))
        )
        lines = [
            self.tr("Stop and save: it can be resumed at the step where it stops."),
            self.tr("Keep running: it goes on without the window, which finds it again at its next start."),
        ]
        if waiting:
            lines.append(self.tr("{n} waiting in the queue start with the window's next start.").format(n=waiting))
        box = QVBoxLayout(self)
        box.setContentsMargins(unit * 3 // 2, unit, unit * 3 // 2, unit)
        box.setSpacing(unit // 2)
        box.addWidget(Label(what, scale=LARGE, bold=True).wrapped())
        for line in lines:
            box.addWidget(Label(line, tone="dim").wrapped())
        box.addSpacing(unit // 2)
        buttons = QHBoxLayout()
        buttons.setSpacing(unit // 2)
        buttons.addStretch(1)
        self._add(buttons, self.tr("Cancel"), "cancel")
        self._add(buttons, self.tr("Keep running"), "keep")
        first = self._add(buttons, self.tr("Stop and save"), "stop")
        box.addLayout(buttons)
        first.setDefault(True)
        first.setFocus()
        self._answer: Answer = "cancel"
        self.finished.connect(self._finished)

    def _add(self, row: QHBoxLayout, text: str, answer: Answer) -> Button:
        button = Button(text, kind="primary" if answer == "stop" else "normal")
        button.setObjectName(f"close_{answer}")
        button.setProperty("answer", answer)
        button.clicked.connect(self._pressed)
        row.addWidget(button)
        return button

    def _pressed(self) -> None:
        self._answer = self.sender().property("answer")
        self.accept()

    def _finished(self) -> None:
        self.answered.emit(self._answer)
