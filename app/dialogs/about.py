"""What this is, and what it runs on: for a bug report in one click."""

from __future__ import annotations

import os
import platform
import shutil

import psutil
import PySide6
from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

import engine
from app.buttons import Button
from app.fact_table import Fact, FactTable
from app.labels import LARGE, Label
from app.versions import version_of
from engine.runs import home


def diagnostics() -> list[Fact]:
    """Versions, machine and places. torch is asked for its version only; nothing of it is loaded."""
    memory = psutil.virtual_memory().total / 2**30
    screen = QGuiApplication.primaryScreen()
    facts: list[Fact] = [
        ("nascope", engine.__version__),
        ("Python", f"{platform.python_version()} ({platform.system()} {platform.machine()})"),
        ("PySide6 / Qt", f"{PySide6.__version__} / {qVersion()} ({QGuiApplication.platformName()})"),
        *[(name, version_of(name)) for name in ("torch", "pyqtgraph", "numpy", "networkx")],
        ("processor", f"{os.cpu_count()} cores, {memory:.1f} GiB"),
        ("Graphviz (dot)", shutil.which("dot") or "not found: cells are drawn by nascope itself"),
        ("runs", str(home())),
    ]
    if screen is not None:
        size = screen.size()
        facts.append(("screen", f"{size.width()} × {size.height()}, scale {screen.devicePixelRatio():g}"))
    return facts


class AboutDialog(QDialog):
    """Name, licence, diagnostics with «Copy diagnostics»."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About nascope"))
        unit = self.fontMetrics().height()
        self.setMinimumWidth(unit * 34)
        self._table = FactTable()
        self._table.set_facts(diagnostics())
        copy = Button(self.tr("Copy diagnostics"))
        copy.setObjectName("copy_diagnostics")
        copy.clicked.connect(self.copy)
        close = Button(self.tr("Close"), kind="primary")
        close.clicked.connect(self.accept)
        box = QVBoxLayout(self)
        box.setContentsMargins(unit * 2, unit * 3 // 2, unit * 2, unit)
        box.setSpacing(unit * 2 // 3)
        box.addWidget(Label("nascope", scale=LARGE, bold=True))
        box.addWidget(
            Label(
                self.tr("Search for, watch, understand and retrain neural-network cells. Apache License 2.0."),
                tone="dim",
            ).wrapped()
        )
        box.addWidget(self._table)
        buttons = QHBoxLayout()
        buttons.setSpacing(unit // 2)
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        box.addLayout(buttons)

    def copy(self) -> None:
        """Put the diagnostics on the clipboard."""
        QGuiApplication.clipboard().setText(self._table.text())
