"""Tells of a fault in full, ready to be copied into a report."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.buttons import Button
from app.labels import LARGE, Label


class ReportDialog(QDialog):
    """A title, a sentence, the text, «Copy report»."""

    def __init__(self, title: str, sentence: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("report")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._text = text
        unit = self.fontMetrics().height()
        self.resize(unit * 46, unit * 28)
        edit = QPlainTextEdit(text)
        edit.setReadOnly(True)
        edit.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        edit.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        edit.setAccessibleName(title)
        copy = Button(self.tr("Copy report"))
        copy.setObjectName("copy_report")
        copy.clicked.connect(self.copy)
        close = Button(self.tr("Close"), kind="primary")
        close.clicked.connect(self.accept)
        box = QVBoxLayout(self)
        box.setContentsMargins(unit * 3 // 2, unit, unit * 3 // 2, unit)
        box.setSpacing(unit // 2)
        box.addWidget(Label(title, scale=LARGE, bold=True).wrapped())
        box.addWidget(Label(sentence, tone="dim").wrapped())
        box.addWidget(edit, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(unit // 2)
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        box.addLayout(buttons)

    def copy(self) -> None:
        """Put the text on the clipboard."""
        QGuiApplication.clipboard().setText(self._text)
