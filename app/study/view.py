"""The page of a study: table, curves, and what must be read with them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.buttons import Button
from app.labels import SMALL, Label
from app.panel import Panel
from app.panel_rows import gap_of, panel_row
from app.scroll import ScrollColumn
from app.study.follow import StudyFollower, StudySnapshot
from app.study.plot import StudyPlot
from app.study.tree import StudyTree
from engine.study.results import StudyResults
from engine.study.table import remarks


class StudyView(QWidget):
    """Follows one study at a time.

    Attributes:
        named: the views by their object name.
    """

    run_wanted = Signal(object)
    """Path of a member's run."""
    start_wanted = Signal(object)
    stop_wanted = Signal(object)
    page_wanted = Signal(object)
    """Path of the study: go on with it, stop it, open its page."""
    changed = Signal()
    """Another look was taken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self.results: StudyResults | None = None
        self._follower: StudyFollower | None = None
        self._stop_asked = False
        self.tree = StudyTree()
        self.searches = StudyPlot("study_searches", self.tr("A curve appears with the first epoch of a search."))
        self.retrainings = StudyPlot(
            "study_retrainings", self.tr("A curve appears with the first epoch of a retraining.")
        )
        self.named: dict[str, QWidget] = {}
        self.tree.run_wanted.connect(self.run_wanted)
        self.tree.row_chosen.connect(self.searches.choose)
        self.tree.row_chosen.connect(self.retrainings.choose)
        self.start_button = self._button(self.tr("Go on"), "study_start", "primary")
        self.stop_button = self._button(self.tr("Stop"), "study_stop", "normal")
        self.page_button = self._button(self.tr("Open report"), "study_page", "normal")
        self.start_button.clicked.connect(lambda: self.start_wanted.emit(self.path))
        self.stop_button.clicked.connect(self._stop)
        self.page_button.clicked.connect(lambda: self.page_wanted.emit(self.path))
        self._fault = Label("", tone="danger").wrapped()
        self._remarks = Label("", tone="dim", scale=SMALL).wrapped()
        self._remarks.setObjectName("study_remarks")
        self._remarks.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build()
        self._show_state()

    def _build(self) -> None:
        gap = gap_of(self)
        methods = Panel(self.tr("Methods"), self.tree)
        buttons = QHBoxLayout()
        buttons.setSpacing(self.fontMetrics().height() // 2)
        for button in (self.start_button, self.stop_button, self.page_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        methods.body.addWidget(self._fault)
        methods.body.addLayout(buttons)
        curves = panel_row(
            Panel(self.tr("Searches"), self.searches), Panel(self.tr("Retrainings"), self.retrainings), gap
        )
        column = ScrollColumn()
        column.column.addWidget(self._remarks)
        column.column.addStretch(1)
        notes = Panel(self.tr("To be read with it"), column)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap)
        box.addWidget(methods, 10)
        box.addWidget(curves, 7)
        box.addWidget(notes, 4)

    def set_study(self, path: Path | None) -> None:
        """Follow another study; None lets go."""
        self.shut_down()
        self.path, self.results, self._stop_asked = path, None, False
        self.tree.show_results(None)
        self.searches.show_curves(())
        self.retrainings.show_curves(())
        self._remarks.setText("")
        self._show_state()
        if path is not None:
            self._follower = StudyFollower(path, self)
            self._follower.read.connect(self._read)
            self._follower.start()

    def look_now(self) -> None:
        """Something was done to the study: look at once."""
        if self._follower is not None:
            self._follower.look_now()

    def shut_down(self) -> None:
        """End the thread."""
        if self._follower is not None:
            self._follower.read.disconnect(self._read)
            self._follower.quit_soon()
            self._follower.wait()
            self._follower = None

    def _read(self, snapshot: StudySnapshot) -> None:
        if snapshot.path != self.path:
            return
        self._fault.setText(snapshot.fault)
        self.results = snapshot.results
        if snapshot.results is not None:
            self.tree.show_results(snapshot.results)
            self.searches.show_curves(snapshot.searches)
            self.retrainings.show_curves(snapshot.retrainings)
            self._remarks.setText("\n".join(f"• {sentence}" for sentence in remarks(snapshot.results)))
            if snapshot.results.state != "running":
                self._stop_asked = False
        self._show_state()
        self.changed.emit()

    def _show_state(self) -> None:
        state = self.results.state if self.results is not None else ""
        self._fault.setVisible(bool(self._fault.text()))
        self.start_button.setVisible(state in ("created", "stopped", "interrupted", "failed"))
        self.start_button.setText(self.tr("Try again") if state == "failed" else self.tr("Go on"))
        self.stop_button.setVisible(state == "running")
        self.stop_button.setEnabled(not self._stop_asked)
        self.stop_button.setText(self.tr("Stopping…") if self._stop_asked else self.tr("Stop"))
        self.page_button.setEnabled(self.results is not None)

    def _stop(self) -> None:
        self._stop_asked = True
        self._show_state()
        self.stop_wanted.emit(self.path)

    @staticmethod
    def _button(text: str, name: str, kind: str) -> Button:
        found = Button(text, kind="primary" if kind == "primary" else "normal")
        found.setObjectName(name)
        found.setAccessibleName(text)
        return found
