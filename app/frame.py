"""How the window is laid out: toolbar, library, pages, inspector, status; what folds when there is little room."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.actions import Actions
from app.cells.inspector import Inspector
from app.genotype_view import GenotypeView
from app.library.pane import LibraryPane
from app.notice import NoticeBar
from app.panel import Panel
from app.panel_rows import gap_of
from app.retrain_view import RetrainView
from app.run_view import RunView
from app.selection import Selection
from app.status_bar import StatusBar
from app.study.view import StudyView
from app.surface import LineSplitter
from app.toolbar import Toolbar
from app.two_stage_view import TwoStageView
from app.welcome import WelcomeView
from engine.config import ONE_NETWORK

Page = WelcomeView | RunView | RetrainView | TwoStageView | GenotypeView | StudyView

_FOLD_LINES = 95
"""Narrower than this many lines of text, the inspector folds away."""
_COMPACT_LINES = (74, 46)
"""Narrower or lower than this, the rows of a run become tabs."""


class WindowFrame(QWidget):
    """Everything inside the window. Pages that are rarely needed are made when they are first shown."""

    export_wanted = Signal()
    """A cell's own menu asks for an export."""

    def __init__(self, selection: Selection, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._actions = actions
        self._inspector_wish: bool | None = None
        gap = gap_of(self)
        unit = self._unit = self.fontMetrics().height()
        self.toolbar = Toolbar(actions.by_name, actions.menu)
        self.library = LibraryPane()
        self.notice = NoticeBar()
        self.welcome = WelcomeView(actions.by_name)
        self.run_view = RunView(selection)
        self._connect_cells(self.run_view)
        self.retrain_view: RetrainView | None = None
        self.two_stage_view: TwoStageView | None = None
        self.genotype_view: GenotypeView | None = None
        self.study_view: StudyView | None = None
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.run_view)
        self.inspector = Inspector(selection)
        self.inspector.setObjectName("inspector")
        self.inspector_panel = Panel("", self.inspector)
        self.inspector_panel.setFixedWidth(unit * 19)
        self.status = StatusBar()

        middle = QVBoxLayout()
        middle.setSpacing(gap)
        middle.addWidget(self.notice)
        middle.addWidget(self.pages, 1)
        right = QWidget()
        row = QHBoxLayout(right)
        row.setContentsMargins(gap, gap, gap, gap)
        row.setSpacing(gap)
        row.addLayout(middle, 1)
        row.addWidget(self.inspector_panel)
        self._splitter = LineSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.library)
        self._splitter.addWidget(right)
        self._splitter.setStretchFactor(1, 1)
        self.library.setMinimumWidth(unit * 11)
        self.reset_layout()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.toolbar)
        box.addWidget(self._splitter, 1)
        box.addWidget(self.status)
        selection.operation_changed.connect(self._operation_changed)

    # -- pages ----------------------------------------------------------------------------------------------------

    @property
    def page(self) -> QWidget | None:
        """The page on screen."""
        return self.pages.currentWidget()

    def retrain_page(self) -> RetrainView:
        """The page of retrainings."""
        if self.retrain_view is None:
            self.retrain_view = RetrainView(self._selection, self._actions["test"])
            self._connect_cells(self.retrain_view)
            self.pages.addWidget(self.retrain_view)
        return self.retrain_view

    def two_stage_page(self) -> TwoStageView:
        """The page of two-stage trainings."""
        if self.two_stage_view is None:
            self.two_stage_view = TwoStageView(self._selection)
            self.pages.addWidget(self.two_stage_view)
        return self.two_stage_view

    def run_page(self, kind: str) -> RunView | RetrainView | TwoStageView:
        """The page of a kind of run; one of a kind that this window does not know gets the page of searches."""
        if kind in ONE_NETWORK:
            return self.retrain_page()
        return self.two_stage_page() if kind == "two-stage" else self.run_view

    def genotype_page(self) -> GenotypeView:
        """The page of named and opened genotypes."""
        if self.genotype_view is None:
            self.genotype_view = GenotypeView(self._selection)
            self._connect_cells(self.genotype_view)
            self.pages.addWidget(self.genotype_view)
        return self.genotype_view

    def study_page(self) -> StudyView:
        """The page of studies."""
        if self.study_view is None:
            self.study_view = StudyView()
            self.pages.addWidget(self.study_view)
        return self.study_view

    def show_page(self, page: Page) -> None:
        """Show a page; the views that a person sees carry the names by which tools find them."""
        for name, view in self.run_view.named.items():
            taken = page is not self.run_view and name in page.named
            view.setObjectName(f"search_{name}" if taken else name)
        for other in (self.retrain_view, self.two_stage_view, self.genotype_view):
            if other is not None:
                for name, view in other.named.items():
                    view.setObjectName(name if other is page else f"other_{name}")
        self.pages.setCurrentWidget(page)
        self.arrange()

    def clear(self) -> None:
        """Let every view go of its run."""
        self.run_view.set_model(None)
        for page in (self.retrain_view, self.two_stage_view):
            if page is not None:
                page.set_model(None)
        if self.study_view is not None:
            self.study_view.set_study(None)
        self.inspector.set_model(None)

    def _connect_cells(self, page: RunView | RetrainView | GenotypeView) -> None:
        for view in page.cells:
            view.export_wanted.connect(self.export_wanted)

    # -- room -----------------------------------------------------------------------------------------------------

    @property
    def is_narrow(self) -> bool:
        """Whether the inspector stays folded until it is asked for."""
        return self.width() < self._unit * _FOLD_LINES

    def arrange(self) -> None:
        """Fold and unfold."""
        width, height = _COMPACT_LINES
        is_small = self.width() < self._unit * width or self.height() < self._unit * height
        for page in (self.run_view, self.retrain_view):
            if page is not None:
                page.rows.set_compact(is_small)
        if self.two_stage_view is not None:
            self.two_stage_view.set_compact(is_small)
        has_cells = self._shows_cells
        default = not self.is_narrow and self.page is not self.retrain_view
        shown = has_cells and (default if self._inspector_wish is None else self._inspector_wish)
        self.inspector_panel.setVisible(shown)
        if self.genotype_view is not None:
            self.genotype_view.set_passport_shown(not shown)
        self._actions["inspector_shown"].setChecked(shown)
        self._actions["inspector_shown"].setEnabled(has_cells)
        self._actions["library_shown"].setChecked(not self.library.isHidden())

    @property
    def _shows_cells(self) -> bool:
        """Whether there is anything for the inspector to explain."""
        page = self.page
        if page is self.retrain_view and self.retrain_view is not None:
            return self.retrain_view.has_cells
        return page is self.run_view or (page is not None and page is self.genotype_view)

    def toggle_inspector(self) -> None:
        """Show or hide the inspector."""
        self._inspector_wish = self.inspector_panel.isHidden()
        self.arrange()

    def toggle_library(self) -> None:
        """Show or hide the library."""
        self.library.setVisible(self.library.isHidden())
        self.arrange()

    def reset_layout(self) -> None:
        """Everything as on the first day."""
        self._inspector_wish = None
        self.library.show()
        self._splitter.setSizes([self._unit * 16, self._unit * 80])
        self.arrange()

    def save_state(self) -> QByteArray:
        """Widths, to be kept."""
        return self._splitter.saveState()

    def restore_state(self, state: QByteArray) -> None:
        """Widths of last time."""
        if not state.isEmpty():
            self._splitter.restoreState(state)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold and unfold."""
        super().resizeEvent(event)
        self.arrange()

    def _operation_changed(self, operation: object) -> None:
        # A click on an operation asks «why»: the folded inspector opens with the answer, and goes when nothing is selected.
        if self.is_narrow or self.page is self.retrain_view:
            self._inspector_wish = True if operation is not None else None
            self.arrange()
