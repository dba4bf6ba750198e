"""Asks what becomes of runs and studies that go on when the window closes."""

from __future__ import annotations

from collections.abc import Sequence
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

    def __init__(
        self, titles: list[str], waiting: int, studies: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setObjectName("close_question")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Close nascope"))
        unit = self.fontMetrics().height()
        self.setMinimumWidth(unit * 30)
        what = self._what(titles, studies)
        lines = [
            self.tr("Stop and save: it can be resumed at the step where it stops."),
            self.tr("Keep running: it goes on without the window, which finds it again at its next start."),
        ]
        if len(titles) + len(studies) > 1:
            lines = [
                self.tr("Stop and save: each can be resumed at the step where it stops."),
                self.tr("Keep running: they go on without the window, which finds them again at its next start."),
            ]
        if waiting == 1:
            lines.append(self.tr("1 run waits in the queue: it starts with the window's next start."))
        elif waiting:
            lines.append(
                self.tr("{n} runs wait in the queue: they start with the window's next start.").format(n=waiting)
            )
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

    def _what(self, titles: Sequence[str], studies: Sequence[str]) -> str:
        """What goes on, in one sentence."""
        if len(titles) == 1 and not studies:
            return self.tr("«{title}» is running.").format(title=titles[0])
        if len(studies) == 1 and not titles:
            return self.tr("The study «{title}» is running.").format(title=studies[0])
        if not studies:
            return self.tr("{n} runs go on.").format(n=len(titles))
        if not titles:
            return self.tr("{n} studies go on.").format(n=len(studies))
        runs = self.tr("1 run") if len(titles) == 1 else self.tr("{n} runs").format(n=len(titles))
        others = self.tr("1 study") if len(studies) == 1 else self.tr("{n} studies").format(n=len(studies))
        return self.tr("{runs} and {studies} go on.").format(runs=runs, studies=others)

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
