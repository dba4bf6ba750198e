"""The pane on the left: a filter and the list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QVBoxLayout, QWidget

from app.labels import Label
from app.library.delegate import EntryDelegate
from app.library.entries import Entry, ScannedRun, ScannedStudy, library_entries
from app.library.model import LibraryModel
from app.lines import line_sheet
from app.scroll import thin_scroll_bars
from app.surface import Surface
from app.theme import manager, theme
from engine.genotype import Genotype
from engine.genotype.named import named_genotypes


class LibraryPane(Surface):
    """Every run and every named cell; emits what a person chose."""

    chosen = Signal(object)
    """Entry: shown from now on."""
    menu_wanted = Signal(object, QPoint)
    """Entry and a place on the screen."""
    renamed = Signal(object)
    """Entry whose name a person wants to change."""
    trashed = Signal(object)
    """Entry that a person wants to put in the trash."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("window", parent=parent)
        self.setObjectName("library")
        self._runs: list[ScannedRun] = []
        self._studies: list[ScannedStudy] = []
        self._queue: list[Path] = []
        self._opened: dict[str, Genotype] = {}
        self._chosen_key = ""
        self.filter = QLineEdit()
        self.filter.setObjectName("library_filter")
        self.filter.setPlaceholderText(self.tr("Filter runs and cells"))
        self.filter.setAccessibleName(self.tr("Filter runs and cells"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._refresh)
        self.model = LibraryModel(self)
        self.list = _List()
        self.list.setObjectName("library_list")
        self.list.setAccessibleName(self.tr("Runs and named cells"))
        self.list.setModel(self.model)
        self.list.setItemDelegate(EntryDelegate(self.list))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.selectionModel().currentChanged.connect(self._current_changed)
        self.list.rename_pressed.connect(self._rename)
        self.list.trash_pressed.connect(self._trash)
        self._nothing = Label(self.tr("Nothing fits the filter."), tone="dim").wrapped()
        self._nothing.hide()
        unit = self.fontMetrics().height()
        box = QVBoxLayout(self)
        box.setContentsMargins(unit // 2, unit * 3 // 4, unit // 2, unit // 2)
        box.setSpacing(unit // 3)
        box.addWidget(self.filter)
        box.addWidget(self._nothing)
        box.addWidget(self.list, 1)
        self._restyle()
        manager().changed.connect(self._restyle)
        self._refresh()

    def set_runs(self, runs: Sequence[ScannedRun]) -> None:
        """The runs that the scanner found."""
        self._runs = list(runs)
        self._refresh()

    def set_studies(self, studies: Sequence[ScannedStudy]) -> None:
        """The studies that the scanner found."""
        self._studies = list(studies)
        self._refresh()

    def set_queue(self, waiting: Sequence[Path]) -> None:
        """The runs that wait, next first."""
        self._queue = list(waiting)
        self._refresh()

    def add_genotype(self, path: Path, genotype: Genotype) -> None:
        """List an opened genotype file."""
        self._opened[str(path)] = genotype
        self._refresh()

    def remove_genotype(self, path: Path) -> None:
        """No longer list an opened genotype file; the file stays."""
        self._opened.pop(str(path), None)
        self._refresh()

    def genotype(self, key: str) -> Genotype | None:
        """The genotype of an entry."""
        if key in self._opened:
            return self._opened[key]
        return next((genotype for genotype in named_genotypes() if genotype.name == key), None)

    def run(self, path: Path) -> ScannedRun | None:
        """What the scanner knows of a run."""
        return next((run for run in self._runs if run.summary.path == path), None)

    @property
    def runs(self) -> list[ScannedRun]:
        """Every run, newest first."""
        return list(self._runs)

    def choose(self, key: str, *, tell: bool = True) -> None:
        """Choose an entry by its key, also one that the scanner has not seen yet."""
        self._chosen_key = key
        index = self.model.index_of(key)
        selection = self.list.selectionModel()
        selection.blockSignals(True)
        self.list.setCurrentIndex(index)
        selection.blockSignals(False)
        self.list.viewport().update()
        entry = self.model.entry(index)
        if entry is not None:
            self.list.scrollTo(index)
            if tell:
                self.chosen.emit(entry)

    def current(self) -> Entry | None:
        """The chosen entry."""
        return self.model.entry(self.model.index_of(self._chosen_key))

    def _refresh(self) -> None:
        entries = library_entries(
            self._runs,
            queue=self._queue,
            genotypes=named_genotypes(),
            opened=self._opened,
            words=self.filter.text(),
            studies=self._studies,
        )
        selection = self.list.selectionModel()
        selection.blockSignals(True)
        self.model.set_entries(entries)
        index = self.model.index_of(self._chosen_key)
        if self.list.currentIndex() != index:
            self.list.setCurrentIndex(index)
        selection.blockSignals(False)
        self._nothing.setVisible(not entries)

    def _current_changed(self, current: QModelIndex, before: QModelIndex) -> None:
        entry = self.model.entry(current)
        if entry is not None and entry.kind != "header":
            self._chosen_key = entry.key
            self.chosen.emit(entry)

    def _menu(self, place: QPoint) -> None:
        entry = self.model.entry(self.list.indexAt(place))
        if entry is not None and entry.kind != "header":
            self.menu_wanted.emit(entry, self.list.viewport().mapToGlobal(place))

    def _rename(self) -> None:
        entry = self.current()
        if entry is not None and entry.kind == "run":
            self.renamed.emit(entry)

    def _trash(self) -> None:
        entry = self.current()
        if entry is not None:
            self.trashed.emit(entry)

    def _restyle(self) -> None:
        self.filter.setStyleSheet(line_sheet(theme()))


class _List(QListView):
    """The list, with the keys that act on an entry."""

    rename_pressed = Signal()
    trash_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setUniformItemSizes(False)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        thin_scroll_bars(self)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Take the focus without choosing anything: Qt would choose the first entry, and the window would show it."""
        had_one = self.currentIndex().isValid()
        with QSignalBlocker(self.selectionModel()):
            super().focusInEvent(event)
            if not had_one:
                self.setCurrentIndex(QModelIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F2 renames, Delete puts in the trash; Space and the arrows left and right belong to the run."""
        if event.key() == Qt.Key.Key_F2:
            self.rename_pressed.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.trash_pressed.emit()
        elif event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
        else:
            super().keyPressEvent(event)
