"""All keys on one sheet."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.buttons import Button
from app.labels import LARGE, Label

translate = QCoreApplication.translate


def sheet() -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of keys and what they do."""
    return [
        (translate("Shortcuts", "Run"), [
            ("Ctrl+N", translate("Shortcuts", "new run")), ("Ctrl+Return", translate("Shortcuts", "start, in the form of a new run")),
            ("Space", translate("Shortcuts", "pause, resume")), ("Ctrl+.", translate("Shortcuts", "stop and save")),
            ("Ctrl+R", translate("Shortcuts", "retrain the cells on screen, fine-tune a sub-network")),
            ("Ctrl+L", translate("Shortcuts", "select sub-networks of a supernet")), ("Ctrl+T", translate("Shortcuts", "test a trained network")),
        ]),
        (translate("Shortcuts", "Look"), [
            ("Left", translate("Shortcuts", "one epoch back")), ("Right", translate("Shortcuts", "one epoch on")),
            ("Home", translate("Shortcuts", "first epoch")), ("End", translate("Shortcuts", "newest epoch, live")),
            ("Ctrl+I", translate("Shortcuts", "show or hide the inspector")), ("Ctrl+B", translate("Shortcuts", "show or hide the library")),
            ("Ctrl+0", translate("Shortcuts", "fit the cell, in a cell")), ("Escape", translate("Shortcuts", "select nothing")),
        ]),
        (translate("Shortcuts", "Library"), [
            ("Ctrl+F", translate("Shortcuts", "find in the pane with the focus: runs, operations")), ("F2", translate("Shortcuts", "rename a run")),
            ("Delete", translate("Shortcuts", "put a run in the trash")), ("Ctrl+O", translate("Shortcuts", "open a file")),
        ]),
        (translate("Shortcuts", "Window"), [
            ("Ctrl+E", translate("Shortcuts", "export the cells or the sub-network")), ("F10", translate("Shortcuts", "menu")),
            ("F1", translate("Shortcuts", "this sheet")), ("Ctrl+Q", translate("Shortcuts", "quit")),
        ]),
    ]  # fmt: skip


class ShortcutSheet(QDialog):
    """The keys in two columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keys"))
        unit = self.fontMetrics().height()
        columns = QHBoxLayout()
        columns.setSpacing(unit * 3)
        groups = sheet()
        for part in (groups[:2], groups[2:]):
            column = QVBoxLayout()
            column.setSpacing(unit // 2)
            for title, rows in part:
                column.addWidget(Label(title, bold=True))
                grid = QGridLayout()
                grid.setHorizontalSpacing(unit)
                for place, (keys, what) in enumerate(rows):
                    native = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
                    grid.addWidget(Label(native, tone="accent"), place, 0)
                    grid.addWidget(Label(what), place, 1)
                grid.setColumnStretch(1, 1)
                column.addLayout(grid)
                column.addSpacing(unit // 2)
            column.addStretch(1)
            columns.addLayout(column)
        close = Button(self.tr("Close"), kind="primary")
        close.clicked.connect(self.accept)
        box = QVBoxLayout(self)
        box.setContentsMargins(unit * 2, unit * 3 // 2, unit * 2, unit)
        box.setSpacing(unit)
        box.addWidget(Label(self.tr("Keys"), scale=LARGE, bold=True))
        box.addLayout(columns)
        box.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
