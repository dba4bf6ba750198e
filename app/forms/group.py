"""A group of settings that unfolds."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.forms.field_row import FieldRow
from app.labels import SMALL, ElidedLabel, scaled_font
from app.theme import manager, theme


class FieldGrid(QWidget):
    """Settings in two columns."""

    def __init__(self, rows: list[FieldRow], columns: int = 2) -> None:
        super().__init__()
        unit = self.fontMetrics().height()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(unit * 2)
        grid.setVerticalSpacing(unit // 2)
        for place, row in enumerate(rows):
            grid.addWidget(row, place // columns, place % columns, Qt.AlignmentFlag.AlignTop)
        for column in range(columns):
            grid.setColumnStretch(column, 1)


class FieldGroup(QWidget):
    """A header that unfolds its settings and tells how many of them were changed."""

    def __init__(self, title: str, rows: list[FieldRow]) -> None:
        super().__init__()
        self.rows = rows
        self._header = QToolButton()
        self._header.setObjectName(f"group_{title.lower()}")
        self._header.setCheckable(True)
        self._header.setAutoRaise(True)
        self._header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._header.setArrowType(Qt.ArrowType.RightArrow)
        self._header.setFont(scaled_font(bold=True))
        self._header.toggled.connect(self._unfold)
        self._grid = FieldGrid(rows)
        self._grid.hide()
        self._header.setText(title)
        self._summary = ElidedLabel("", tone="dim", scale=SMALL)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._header)
        row.addWidget(self._summary, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(row)
        box.addWidget(self._grid)
        self.tell(0)
        self._restyle()
        manager().changed.connect(self._restyle)

    def _restyle(self) -> None:
        # A style sheet keeps the colours it was made with, so it is made anew with the theme.
        colours = theme()
        self._header.setStyleSheet(
            f"QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 0.2em; color: {colours.text}; }}"
            f"QToolButton:focus {{ border-color: {colours.accent}; }}"
        )

    def tell(self, changed: int, *, faulty: bool = False) -> None:
        """Show how many settings were changed; a fault unfolds the group."""
        names = ", ".join(row.field.name.replace("_", " ") for row in self.rows)
        self._summary.setText(self.tr("{n} changed").format(n=changed) if changed else names)
        self._summary.set_tone("accent" if changed else "dim")
        if faulty and not self._header.isChecked():
            self._header.setChecked(True)

    def _unfold(self, on: bool) -> None:
        self._header.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self._grid.setVisible(on)
