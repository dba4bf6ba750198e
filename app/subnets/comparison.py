"""Networks side by side: what they cost, how accurate they are, and where their choices differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.buttons import Button
from app.labels import SMALL, Label, scaled_font
from app.scroll import thin_scroll_bars
from app.subnets.points import Point
from app.subnets.words import cost_words, part_words, translate
from app.theme import manager, mix, theme


@dataclass(frozen=True)
class ComparedRow:
    """A line of the table: its name, one text a network, and whether they differ."""

    name: str
    cells: tuple[str, ...]
    differs: bool
    is_choice: bool


class ComparisonTable(QTableWidget):
    """One column a network, one line a fact or a choice; lines that differ are tinted and bold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("subnet_comparison")
        self.setAccessibleName(self.tr("Networks side by side"))
        self.points: tuple[Point, ...] = ()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFont(scaled_font(SMALL))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setMinimumSectionSize(self.fontMetrics().averageCharWidth() * 9)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(round(self.fontMetrics().height() * 1.5))
        thin_scroll_bars(self)
        self._restyle()
        manager().changed.connect(self._restyle)

    def show_points(self, points: Sequence[Point]) -> None:
        """Compare these."""
        self.points = tuple(points)
        rows = compared_rows(self.points)
        self.setRowCount(len(rows))
        self.setColumnCount(len(self.points))
        self.setHorizontalHeaderLabels([f"{number} · {point.key}" for number, point in enumerate(self.points, start=1)])
        self.setVerticalHeaderLabels([row.name for row in rows])
        for line, row in enumerate(rows):
            for column, text in enumerate(row.cells):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.setItem(line, column, item)
        self._tint()

    def differing(self) -> list[str]:
        """Names of the choices that differ."""
        return [row.name for row in compared_rows(self.points) if row.differs and row.is_choice]

    def _tint(self) -> None:
        colours = theme()
        for line, row in enumerate(compared_rows(self.points)):
            marked = row.differs and row.is_choice
            for column in range(len(row.cells)):
                item = self.item(line, column)
                if item is not None:
                    item.setBackground(QColor(mix(colours.panel, colours.warn, 0.16) if marked else colours.panel))
                    item.setForeground(QColor(colours.text if row.differs or not row.is_choice else colours.dim))
                    item.setFont(scaled_font(SMALL, bold=marked))

    def _restyle(self) -> None:
        colours = theme()
        self.setStyleSheet(
            f"QTableWidget {{ background: {colours.panel}; color: {colours.text}; }}"
            f"QHeaderView {{ background: {colours.panel}; }}"
            f"QHeaderView::section {{ background: {colours.panel}; color: {colours.dim}; border: none; border-bottom: 1px solid {colours.grid}; padding: 2px 6px; }}"
            f"QTableCornerButton::section {{ background: {colours.panel}; border: none; }}"
        )
        self._tint()


class ComparisonPane(QWidget):
    """The table, how to fill it, and how to empty it."""

    clear_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = ComparisonTable()
        self._hint = Label(
            self.tr("Ctrl-click on points of the plot, or «Compare», puts networks side by side."), tone="dim", scale=SMALL
        ).wrapped()  # fmt: skip
        self._clear = Button(self.tr("Clear"), kind="link")
        self._clear.clicked.connect(self.clear_wanted)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._hint)
        box.addWidget(self.table, 1)
        box.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignLeft)
        self.show_points(())

    def show_points(self, points: Sequence[Point]) -> None:
        """Compare these."""
        self.table.show_points(points)
        self._hint.setVisible(len(points) < 2)
        self._clear.setVisible(bool(points))


def compared_rows(points: Sequence[Point]) -> list[ComparedRow]:
    """Accuracy and costs, then every choice that a network of the space has; those with one choice only are left out."""
    if not points:
        return []
    facts = [(translate("subnets", "accuracy"), [f"{point.accuracy_percent:.2f} %" for point in points])]
    for name, title in (
        ("macs", translate("subnets", "multiply-adds")), ("parameters", translate("subnets", "parameters")),
        ("memory_bytes", translate("subnets", "memory")),
    ):  # fmt: skip
        facts.append((title, [cost_words(name, point.cost(name) or 0.0) for point in points]))
    rows = [ComparedRow(name, tuple(cells), len(set(cells)) > 1, False) for name, cells in facts]
    values = [point.architecture.values() for point in points]
    names = {
        "resolution": translate("subnets", "resolution"), "width": translate("subnets", "width"), "depth": translate("subnets", "depth"),
        "kernel_size": translate("subnets", "kernel"), "expand_ratio": translate("subnets", "expansion"),
    }  # fmt: skip
    for place, coordinate in enumerate(points[0].architecture.space.coordinates()):
        if len(coordinate.choices) < 2:
            continue
        cells = tuple(str(entry[place]) for entry in values)
        name = names[coordinate.field]
        rows.append(
            ComparedRow(
                name if coordinate.index is None else f"{part_words(coordinate.part)} · {name}",
                cells,
                len(set(cells)) > 1,
                True,
            )
        )
    return rows
