"""The table of a study: one row a method, its members below it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.labels import scaled_font
from app.progress import in_words
from app.scroll import thin_scroll_bars
from app.study.plot import curve_colour
from app.study.words import member_state, member_word
from app.theme import manager, mix, theme
from engine.study.results import Row, StudyResults
from engine.study.state import MemberView
from engine.study.table import members_text, one, plus_minus, skips_text

_RUN_ROLE = Qt.ItemDataRole.UserRole + 1
_STATE_ROLE = Qt.ItemDataRole.UserRole + 2
_PLACE_ROLE = Qt.ItemDataRole.UserRole + 3
_ROW_ROLE = Qt.ItemDataRole.UserRole + 4
_MEMBER_ROLE = Qt.ItemDataRole.UserRole + 5


class StudyTree(QTreeWidget):
    """Rows are made once and then changed in place; a double click or Enter on a member wants its run."""

    run_wanted = Signal(object)
    """Path of a member's run."""
    row_chosen = Signal(str, str)
    """A row's name, and a member's id where it is a member; both empty where none is chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("study_table")
        self.setAccessibleName(self.tr("Methods and their members"))
        self.setAlternatingRowColors(False)
        self.setUniformRowHeights(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setExpandsOnDoubleClick(False)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._columns: list[str] = []
        self.itemActivated.connect(self._activated)
        self.currentItemChanged.connect(self._tell_chosen)
        self.itemDoubleClicked.connect(self._activated)
        thin_scroll_bars(self)
        self._restyle()
        manager().changed.connect(self._restyle)

    def show_results(self, results: StudyResults | None) -> None:
        """Show another look at the study."""
        if results is None:
            self.clear()
            self._items.clear()
            return
        self._set_columns(results)
        wanted: set[str] = set()
        for place, row in enumerate(results.rows):
            item = self._item(row.name, None)
            wanted.add(row.name)
            self._fill_row(item, results, row, place)
            for view in results.views:
                if view.member.row == row.name and (view.member.kind != "test" or view.state == "failed"):
                    wanted.add(view.member.id)
                    self._fill_member(self._item(view.member.id, item), results, row, view)
        for name in [name for name in self._items if name not in wanted]:
            self._remove(name)

    def texts(self) -> list[list[str]]:
        """All rows as they are shown, members after their method."""
        found = []
        for place in range(self.topLevelItemCount()):
            item = self.topLevelItem(place)
            if item is None:
                continue
            children = [item.child(number) for number in range(item.childCount())]
            for each in [item, *(child for child in children if child is not None)]:
                found.append([each.text(column) for column in range(self.columnCount())])
        return found

    def _set_columns(self, results: StudyResults) -> None:
        split = self.tr("Test accuracy, %") if results.split == "test" else self.tr("Validation accuracy, %")
        short = [self.tr("Short retraining, %")] if results.config.pick is not None else []
        columns = [
            self.tr("Method"), self.tr("State"), split, *short, self.tr("Search validation, %"), self.tr("Parameters"),
            self.tr("Skips"), self.tr("Time"),
        ]  # fmt: skip
        if columns == self._columns:
            return
        self._columns = columns
        self.setColumnCount(len(columns))
        self.setHeaderLabels(columns)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(self.fontMetrics().height() * 5)
        for column in range(2, len(columns)):
            alignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            item = self.headerItem()
            if item is not None:
                item.setTextAlignment(column, alignment)

    def _fill_row(self, item: QTreeWidgetItem, results: StudyResults, row: Row, place: int) -> None:
        skips = [f"{cell.skips[0]}+{cell.skips[1]}" for cell in row.cells if cell.skips is not None]
        parameters = row.parameters.mean
        short = [plus_minus(row.short)] if results.config.pick is not None else []
        texts = [
            row.name, members_text(row.states), plus_minus(row.accuracy), *short, plus_minus(row.search),
            "–" if parameters is None else f"{parameters:,.0f}", skips_text(skips[:3]) + (" …" if len(skips) > 3 else ""),
            in_words(row.seconds()) if row.seconds() else "–",
        ]  # fmt: skip
        self._set_texts(item, texts)
        item.setData(0, _ROW_ROLE, row.name)
        if item.data(0, _PLACE_ROLE) != place:
            item.setData(0, _PLACE_ROLE, place)
            self._colour(item)
        for column in range(len(texts)):
            item.setFont(column, scaled_font(bold=True))

    def _fill_member(self, item: QTreeWidgetItem, results: StudyResults, row: Row, view: MemberView) -> None:
        member = view.member
        cell = next((cell for cell in row.cells if cell.seed == member.seed), None)
        is_done = view.state == "finished"
        accuracy = short = search = parameters = skips = "–"
        if member.kind == "retrain" and cell is not None:
            own = next((entry for entry in cell.retrainings if entry.seed == member.own_seed), None)
            accuracy = one(own.accuracy_percent if own is not None else None)
            parameters = f"{own.parameters:,}" if own is not None and own.parameters is not None else "–"
        elif member.kind == "short" and cell is not None and is_done:
            short = one(cell.short_percent)
        elif member.kind == "search" and cell is not None and is_done:
            search = one(cell.search_percent)
            skips = f"{cell.skips[0]}+{cell.skips[1]}" if cell.skips is not None else "–"
        seconds = view.status.seconds if view.status is not None else 0.0
        texts = [
            member_word(view), member_state(view), accuracy, *([short] if results.config.pick is not None else []), search,
            parameters, skips, in_words(seconds) if seconds else "–",
        ]  # fmt: skip
        self._set_texts(item, texts)
        picked = row.picked_seed is not None and member.seed == row.picked_seed and member.kind in ("search", "short")
        if picked:
            item.setText(0, self.tr("{member} · picked").format(member=texts[0]))
        item.setToolTip(1, view.error)
        item.setData(0, _ROW_ROLE, row.name)
        item.setData(0, _MEMBER_ROLE, member.id)
        item.setData(0, _STATE_ROLE, view.state)
        self._colour(item)
        if view.status is not None:
            item.setData(0, _RUN_ROLE, str(member.folder(results.path)))
            item.setToolTip(0, self.tr("Double-click opens the run: {path}").format(path=member.folder(results.path)))

    def _set_texts(self, item: QTreeWidgetItem, texts: list[str]) -> None:
        for column, text in enumerate(texts):
            if item.text(column) != text:
                item.setText(column, text)
            if column >= 2:
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def _item(self, name: str, parent: QTreeWidgetItem | None) -> QTreeWidgetItem:
        item = self._items.get(name)
        if item is None:
            item = QTreeWidgetItem()
            if parent is None:
                self.addTopLevelItem(item)
                item.setExpanded(True)
            else:
                parent.addChild(item)
            self._items[name] = item
        return item

    def _remove(self, name: str) -> None:
        item = self._items.pop(name)
        parent = item.parent()
        if parent is not None:
            parent.removeChild(item)
        else:
            self.takeTopLevelItem(self.indexOfTopLevelItem(item))

    def _colour(self, item: QTreeWidgetItem) -> None:
        state, place = item.data(0, _STATE_ROLE), item.data(0, _PLACE_ROLE)
        if place is not None:
            item.setIcon(0, _square(curve_colour(place)))
        if state:
            quiet = state in ("waiting", "ready", "blocked")
            item.setForeground(1, QColor(theme().dim if quiet else theme().state(str(state))))

    def _tell_chosen(self, item: QTreeWidgetItem | None) -> None:
        row, member = (item.data(0, _ROW_ROLE), item.data(0, _MEMBER_ROLE)) if item is not None else ("", "")
        self.row_chosen.emit(str(row or ""), str(member or ""))

    def _activated(self, item: QTreeWidgetItem, column: int) -> None:
        path = item.data(0, _RUN_ROLE)
        if path:
            self.run_wanted.emit(Path(str(path)))
        elif item.childCount():
            item.setExpanded(not item.isExpanded())

    def _restyle(self) -> None:
        colours = theme()
        hover = mix(colours.panel, colours.text, 0.05)
        self.setStyleSheet(
            f"QTreeWidget {{ background: {colours.panel}; color: {colours.text}; }}"
            f"QTreeWidget::item {{ padding: 0.2em 0.3em; border: 0; }}"
            f"QTreeWidget::item:hover {{ background: {hover}; }}"
            f"QTreeWidget::item:selected {{ background: {colours.select}; color: {colours.text}; }}"
            f"QHeaderView::section {{ background: {colours.panel}; color: {colours.dim}; border: 0;"
            f" border-bottom: 1px solid {colours.border}; padding: 0.25em 0.53em; }}"
        )
        for item in self._items.values():
            self._colour(item)


def _square(colour: QColor) -> QIcon:
    found = QPixmap(20, 20)
    found.fill(Qt.GlobalColor.transparent)
    painter = QPainter(found)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(4, 4, 12, 12, 3, 3)
    painter.end()
    return QIcon(found)
