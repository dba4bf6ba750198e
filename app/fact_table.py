"""Rows of «name … value», as passports and results show them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.labels import SMALL, Label, Tone
from app.surface import Line

Fact = tuple[str, str] | tuple[str, str, Tone]


class FactTable(QWidget):
    """A quiet table of facts; the same rows are changed in place, so that nothing flickers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self._values: list[Label] = []
        self._grid = QGridLayout(self)
        unit = self.fontMetrics().height()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(unit)
        self._grid.setVerticalSpacing(unit // 4)
        self._grid.setColumnStretch(1, 1)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these rows."""
        names = [fact[0] for fact in facts]
        if names != self._names:
            self._rebuild(names)
        for label, fact in zip(self._values, facts, strict=True):
            label.setText(fact[1])
            label.set_tone(fact[2] if len(fact) > 2 else "text")
            label.setToolTip(fact[1] if len(fact[1]) > 28 else "")

    def text(self) -> str:
        """All rows as text, one a line, for the clipboard."""
        return "\n".join(f"{name}: {label.text()}" for name, label in zip(self._names, self._values, strict=True))

    def _rebuild(self, names: list[str]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._grid.setRowStretch(2 * len(self._names), 0)
        self._names, self._values = names, []
        self._grid.setRowStretch(2 * len(names), 1)
        for place, name in enumerate(names):
            value = Label("", scale=SMALL).wrapped()
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            self._grid.addWidget(Label(name, tone="dim", scale=SMALL), place * 2, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, place * 2, 1)
            self._values.append(value)
            if place < len(names) - 1:
                line = Line("grid")
                self._grid.addWidget(line, place * 2 + 1, 0, 1, 2)
