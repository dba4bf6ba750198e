"""The alphas of a heatmap as a table of numbers: for reading, copying and screen readers."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.live.alpha_grid import AlphaGrid
from app.selection import Selection

_Index = QModelIndex | QPersistentModelIndex


class AlphaTableModel(QAbstractTableModel):
    """The values of a grid; chosen operations are marked by a check."""

    def __init__(self, grid: AlphaGrid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = grid

    def set_grid(self, grid: AlphaGrid) -> None:
        """Show other values."""
        same = grid.edges == self.grid.edges and grid.primitives == self.grid.primitives
        if same:
            self.grid = grid
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        else:
            self.beginResetModel()
            self.grid = grid
            self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Edges."""
        return 0 if parent.isValid() else len(self.grid.edges)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Primitives."""
        return 0 if parent.isValid() else len(self.grid.primitives)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The number, its alignment, and words for screen readers."""
        if not index.isValid() or self.grid.values is None:
            return None
        row, column = index.row(), index.column()
        value, is_chosen = float(self.grid.values[row, column]), (row, column) in self.grid.chosen
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{value:.4f}" + (" ✓" if is_chosen else "")
            case Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.AccessibleTextRole:
                chosen = self.tr("chosen") if is_chosen else ""
                return (
                    f"{self.grid.row_labels()[row]}, {self.grid.column_labels()[column]}: {value:.4f} {chosen}".rstrip()
                )
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Primitives above, edges at the left."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        labels = self.grid.column_labels() if orientation == Qt.Orientation.Horizontal else self.grid.row_labels()
        return labels[section]


class AlphaTableDialog(QDialog):
    """The table in a window of its own that stays open and follows the heatmap; its rows select operations."""

    def __init__(self, grid: AlphaGrid, title: str, selection: Selection, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._selection = selection
        self.model = AlphaTableModel(grid, self)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName(title)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addWidget(buttons)
        copy.clicked.connect(self.copy)
        buttons.rejected.connect(self.reject)
        self.table.selectionModel().currentChanged.connect(self._select)
        unit = self.fontMetrics().height()
        self.resize(unit * 48, unit * 30)

    def set_grid(self, grid: AlphaGrid) -> None:
        """Show other values."""
        self.model.set_grid(grid)

    def copy(self) -> None:
        """Put the selected cells, or the whole table with its headings, on the clipboard."""
        chosen = self.table.selectionModel().selectedIndexes()
        grid = self.model.grid
        if grid.values is None:
            return
        if len(chosen) > 1:
            rows = sorted({index.row() for index in chosen})
            columns = sorted({index.column() for index in chosen})
            lines = ["\t".join(repr(float(grid.values[row, column])) for column in columns) for row in rows]
        else:
            lines = ["\t".join(["edge", *grid.primitives])]
            for row, label in enumerate(grid.row_labels()):
                lines.append("\t".join([label, *(repr(float(value)) for value in grid.values[row])]))
        QGuiApplication.clipboard().setText("\n".join(lines))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _select(self, current: QModelIndex) -> None:
        if current.isValid() and self.model.grid.values is not None:
            self._selection.select(self.model.grid.operation(current.row(), current.column()))
