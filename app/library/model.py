"""The library's rows as a Qt model, changed row by row so that nothing jumps."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.library.entries import Entry

ENTRY_ROLE = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex


class LibraryModel(QAbstractListModel):
    """Headers and entries in one list."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[Entry] = []

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show these rows; rows that stay in place only change."""
        fresh = list(entries)
        before = [(entry.kind, entry.key) for entry in self._entries]
        if before == [(entry.kind, entry.key) for entry in fresh]:
            for row, (old, new) in enumerate(zip(self._entries, fresh, strict=True)):
                if old != new:
                    self._entries[row] = new
                    self.dataChanged.emit(self.index(row), self.index(row))
            return
        self.beginResetModel()
        self._entries = fresh
        self.endResetModel()

    def entry(self, index: _Index) -> Entry | None:
        """The row's entry."""
        return self._entries[index.row()] if index.isValid() and index.row() < len(self._entries) else None

    def entries(self) -> list[Entry]:
        """Every row."""
        return list(self._entries)

    def index_of(self, key: str) -> QModelIndex:
        """The row of a run's folder or a genotype's name; invalid where it is not shown."""
        for row, entry in enumerate(self._entries):
            if entry.kind != "header" and entry.key == key:
                return self.index(row)
        return QModelIndex()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Rows."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Title, tooltip, text for screen readers, and the entry itself."""
        entry = self.entry(index)
        if entry is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.tooltip
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.title}, {entry.line}" if entry.line else entry.title
        return entry if role == ENTRY_ROLE else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Headers cannot be chosen."""
        entry = self.entry(index)
        if entry is None or entry.kind == "header":
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
