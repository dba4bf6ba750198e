"""Names with values, a line under each, as the inspector shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.labels import SMALL, Label, Tone
from app.theme import manager, theme

LONG = 24
"""Values of more letters stand under their name, over the whole width."""


@dataclass(frozen=True)
class Fact:
    """A row."""

    name: str
    value: str
    tone: Tone = "text"
    hint: str = ""


class FactRow(QFrame):
    """One name with its value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fact = Fact("", "")
        self.is_last = False
        self._name = Label(tone="dim", scale=SMALL)
        self._value = Label(scale=SMALL)
        self._value.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self._name, self._value):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        font = self._value.font()
        font.setFeature(QFont.Tag("tnum"), 1)
        self._value.setFont(font)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._gap = self.fontMetrics().height() // 3
        self._box.setContentsMargins(0, self._gap, 0, self._gap)
        self._box.addWidget(self._name, 1)
        self._box.addWidget(self._value)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def set_fact(self, fact: Fact) -> None:
        """Show a fact."""
        if fact == self.fact:
            return
        self.fact = fact
        is_long = len(fact.value) > LONG
        self._box.setDirection(QBoxLayout.Direction.TopToBottom if is_long else QBoxLayout.Direction.LeftToRight)
        self._box.setSpacing(0 if is_long else self.fontMetrics().averageCharWidth())
        self._name.setWordWrap(not is_long)
        self._value.setWordWrap(is_long)
        side = Qt.AlignmentFlag.AlignLeft if is_long else Qt.AlignmentFlag.AlignRight
        self._value.setAlignment(side | Qt.AlignmentFlag.AlignTop)
        self._name.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._name.setText(fact.name)
        self._value.setText(fact.value.replace(" %", "\N{NO-BREAK SPACE}%") if is_long else fact.value)
        self._value.set_tone(fact.tone)
        self.setToolTip(fact.hint)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line under it."""
        if not self.is_last:
            painter = QPainter(self)
            painter.setPen(QColor(theme().grid))
            painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
            painter.end()


class FactTable(QWidget):
    """Rows are kept from one filling to the next, so that nothing flickers while a run goes on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[FactRow] = []
        self._facts: tuple[Fact, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        manager().changed.connect(self.update)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these rows."""
        self._facts = tuple(facts)
        while len(self._rows) < len(facts):
            row = FactRow(self)
            self._column.addWidget(row)
            self._rows.append(row)
        for place, row in enumerate(self._rows):
            row.setVisible(place < len(facts))
            if place < len(facts):
                row.is_last = place == len(facts) - 1
                row.set_fact(facts[place])
                row.update()

    def values(self) -> dict[str, str]:
        """What is shown, by name."""
        return {fact.name: fact.value for fact in self._facts}
