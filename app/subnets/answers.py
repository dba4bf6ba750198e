"""«Understand»: the questions that readers of the two-stage papers have, answered with this run's numbers."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.buttons import Button
from app.labels import Label
from app.run_model import RunModel
from app.scroll import ScrollColumn
from app.theme import manager
from engine.explain.weight_sharing import Answer
from engine.runs import RunFolder
from engine.runs.subnet_log import measured_alike, read_subnets
from engine.runs.understand import answers_of_run


class AnswersDialog(QDialog):
    """Questions in bold, answers below; the window behind stays usable."""

    def __init__(self, found: Sequence[Answer], title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("subnet_answers")
        self.setWindowTitle(self.tr("Understand: {title}").format(title=title))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        unit = self.fontMetrics().height()
        # One label: many wrapped ones below each other would share room that none of them needs.
        text = Label(answers_text(found)).wrapped()
        text.setObjectName("subnet_answers_text")
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = ScrollColumn(unit)
        column.column.addWidget(text)
        column.column.addStretch(1)
        close = Button(self.tr("Close"))
        close.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(close)
        box = QVBoxLayout(self)
        box.addWidget(column, 1)
        box.addLayout(row)
        self.resize(unit * 48, unit * 36)
        manager().changed.connect(self.update)


def answers_text(found: Sequence[Answer]) -> str:
    """Questions and answers as rich text."""
    return "".join(f"<p><b>{html.escape(answer.question)}</b></p><p>{html.escape(answer.text)}</p>" for answer in found)


def answers_of(model: RunModel) -> tuple[Answer, ...]:
    """The answers for a run as its folder and its log stand."""
    measured = measured_alike(read_subnets(model.path))
    results = RunFolder(model.path).results()
    return answers_of_run(model.config, model.history, results, measured, model.status.seconds)
