"""The networks of a two-stage run: what was measured, what a budget buys, and the network that is chosen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QStackedWidget, QWidget

from app.buttons import Button
from app.forms.editors import ChoiceBox
from app.panel import Panel
from app.panel_rows import PageTabs, gap_of
from app.run_model import RunModel
from app.subnets import state
from app.subnets.answers import AnswersDialog, answers_of
from app.subnets.budget import BudgetSlider
from app.subnets.chosen import ChosenNetwork
from app.subnets.comparison import ComparisonPane
from app.subnets.export import ask_where
from app.subnets.measured import MeasuredNetworks
from app.subnets.pareto import ParetoPlot
from app.subnets.points import LATENCY, Point, Points
from app.subnets.select_bar import SelectBar
from app.subnets.select_dialog import SelectDialog
from app.subnets.words import cost_title

_MOST_COMPARED = 6
_SIDE_BY_SIDE = 1.15
"""Width over height from which plot and network stand side by side."""


class SubnetPanel(QWidget):
    """Shows one run at a time; ``SubnetWork`` carries out what it asks for.

    Attributes:
        named: its views by their object name.
        measured: what is known of the run's networks.
    """

    select_wanted = Signal(object, object)
    """Path of the run, SelectWish."""
    cancel_wanted = Signal(object)
    """Path: end its selection."""
    test_wanted = Signal(object, object)
    """Path, Architecture."""
    export_wanted = Signal(object, object, str, object)
    """Path, Architecture, format of ``nascope export``, file."""
    fine_tune_wanted = Signal(object, object)
    """Path, record of the architecture."""
    shown = Signal()
    """Another run is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: RunModel | None = None
        self._chosen = ""
        self._picked = False
        """Whether a person chose the network; else it is what the budget buys."""
        self._compared: list[str] = []
        self._busy, self._progress = "", ""
        self.measured = MeasuredNetworks(self)
        self._aligning = QTimer(self)  # Once all layouts are settled: within a resize margins would get lost.
        self._aligning.setSingleShot(True)
        self._aligning.timeout.connect(self._line_up)
        self.plot = ParetoPlot()
        self.budget = BudgetSlider()
        self.chosen = ChosenNetwork()
        self.comparison = ComparisonPane()
        self.bar = SelectBar()
        self.costs = ChoiceBox()
        self.costs.setObjectName("pareto_cost")
        self.costs.setAccessibleName(self.tr("Cost on the axis"))
        self.understand = Button(self.tr("Understand"), kind="link")
        self.understand.setObjectName("subnet_understand")
        self.tabs = PageTabs("subnet_tabs")
        self.tabs.addTab(self.tr("Network"))
        self.tabs.addTab(self.tr("Comparison"))
        self.named: dict[str, QWidget] = {
            "select": self.bar.button, "pareto_plot": self.plot, "budget_slider": self.budget.slider,
            "stage_picture": self.chosen.picture, "subnet_test": self.chosen.test_button, "subnet_export": self.chosen.export_button,
            "subnet_fine_tune": self.chosen.fine_tune_button, "subnet_comparison": self.comparison.table,
        }  # fmt: skip
        self._build()
        self._connect()
        self._offer_costs()
        self._show()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.costs)
        head.addStretch(1)
        head.addWidget(self.understand)
        self._left = Panel(self.tr("Networks"))
        self._left.body.addLayout(head)
        self._left.body.addWidget(self.plot, 1)
        self._left.body.addWidget(self.budget)
        self._left.body.addWidget(self.bar)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.chosen)
        self._stack.addWidget(self.comparison)
        right = Panel()
        right.body.addWidget(self.tabs)
        right.body.addWidget(self._stack, 1)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(gap_of(self))
        for panel in (self._left, right):
            panel.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            self._box.addWidget(panel, 1)

    def _connect(self) -> None:
        self.measured.changed.connect(self._changed)
        self.measured.results_changed.connect(self._show)
        self.plot.chosen.connect(self.choose)
        self.plot.compared.connect(self.compare)
        self.plot.area_changed.connect(self._aligning.start)
        self.budget.changed.connect(self._budget_set)
        self.budget.resized.connect(self._aligning.start)
        self.costs.currentIndexChanged.connect(self._show)
        self.tabs.currentChanged.connect(self._stack.setCurrentIndex)
        self.bar.wanted.connect(self._ask)
        self.bar.cancel_wanted.connect(lambda: self.cancel_wanted.emit(self.path))
        self.understand.clicked.connect(self.open_answers)
        self.chosen.test_wanted.connect(self._test)
        self.chosen.export_wanted.connect(self._export)
        self.chosen.fine_tune_wanted.connect(self._fine_tune)
        self.chosen.compare_wanted.connect(self._compare_chosen)
        self.comparison.clear_wanted.connect(self._clear_comparison)

    # The run.

    @property
    def path(self) -> Path | None:
        """Folder of the run that is shown."""
        return None if self._model is None else self._model.path

    @property
    def points(self) -> Points:
        """What is shown."""
        return self.measured.points

    def set_model(self, model: RunModel | None) -> None:
        """Show another run; None lets go."""
        if self._model is not None:
            self._model.status_changed.disconnect(self._state_changed)
        self._model = model
        self._compared = []
        self._chosen, self._picked, self._progress, self._busy = "", False, "", ""
        self.tabs.setCurrentIndex(0)
        self.budget.set_macs(self.budget.bounds[1])  # A budget was set for one run.
        if model is not None:
            model.status_changed.connect(self._state_changed)
        self.measured.set_model(model)
        self.shown.emit()

    def set_work(self, busy: str, progress: str = "") -> None:
        """What goes on for this run: ``select``, ``test``, ``export`` or nothing, and how far it is."""
        if (busy, progress) != (self._busy, self._progress):
            self._busy, self._progress = busy, progress
            self._show_state()

    def _state_changed(self) -> None:
        # Many times a second while a run trains: nothing here gathers points or fills tables.
        self.plot.set_sentence(state.empty_sentence(self._model))
        self._show_state()

    def _changed(self) -> None:
        points, bounds = self.points, self.measured.bounds
        self._compared = [key for key in self._compared if points.at(key) is not None]
        if bounds is not None:
            self.budget.set_bounds(*bounds)
        self._offer_costs()
        if not self._picked or points.at(self._chosen) is None:
            self._picked = False
            self._choose_by_budget()
        self._show()

    def _offer_costs(self) -> None:
        names = ["macs", "parameters", "memory_bytes", *(LATENCY + device for device in self.points.devices())]
        if [self.costs.itemData(place) for place in range(self.costs.count())] == names:
            return
        chosen = self.costs.currentData()
        with QSignalBlocker(self.costs):
            self.costs.clear()
            for name in names:
                title = cost_title(name)
                self.costs.addItem(title[:1].upper() + title[1:], name)
            self.costs.setCurrentIndex(max(0, self.costs.findData(chosen)))

    # Choosing.

    def choose(self, point: Point) -> None:
        """Show this network."""
        self._chosen, self._picked = point.key, True
        self.tabs.setCurrentIndex(0)
        self._show()

    def compare(self, point: Point) -> None:
        """Put a network beside the others, or take it away; the first takes the chosen one along."""
        if point.key in self._compared:
            self._compared.remove(point.key)
        else:
            first = self.points.at(self._chosen)
            if not self._compared and self._picked and first is not None and first.key != point.key:
                self._compared.append(first.key)
            self._compared = [*self._compared, point.key][-_MOST_COMPARED:]
        if len(self._compared) > 1:
            self.tabs.setCurrentIndex(1)
        self._show()

    def _compare_chosen(self) -> None:
        point = self.points.at(self._chosen)
        if point is not None:
            self.compare(point)

    def _clear_comparison(self) -> None:
        self._compared = []
        self.tabs.setCurrentIndex(0)
        self._show()

    def _budget_set(self, _macs: float) -> None:
        self._picked = False
        self._choose_by_budget()
        self._show()

    def _choose_by_budget(self) -> None:
        best = self.points.best_under(self.budget.macs)
        self._chosen = best.key if best is not None else ""

    # Showing.

    def _show(self) -> None:
        cost = str(self.costs.currentData() or "macs")
        points, has_points = self.points, bool(self.points.entries)
        self.plot.set_sentence(state.empty_sentence(self._model))
        self.plot.show_points(points, cost, bounds=self.measured.bounds)
        self.plot.set_budget(self.budget.macs if has_points and self._is_limited() else None)
        self.plot.mark(self._chosen, self._compared)
        self.budget.setEnabled(has_points)
        self.budget.tell(points.best_under(self.budget.macs), any_measured=has_points)
        sentence = self.tr("No network is chosen: take a larger budget, or choose a point.") if has_points else ""
        self.chosen.show_point(points.at(self._chosen), points, self.measured.results, sentence)
        compared = [point for key in self._compared if (point := points.at(key)) is not None]
        self.comparison.show_points(compared)
        self.tabs.setTabText(
            1, self.tr("Comparison ({n})").format(n=len(compared)) if compared else self.tr("Comparison")
        )
        self._show_state()

    def _is_limited(self) -> bool:
        return self.measured.bounds is not None and self.budget.macs < self.measured.bounds[1]

    def _show_state(self) -> None:
        self._left.set_fact(state.fact(self.points, self._model, self.measured.results))
        reason, unfinished = state.why_not(self._model)
        self.bar.show_state(self._busy, self._progress, reason, unfinished=unfinished)
        self.understand.setEnabled(self._model is not None)
        self.chosen.set_work(self._busy, state.no_weights(self._model))

    # Wishes.

    def _ask(self, unfinished: bool) -> None:
        path = self.path
        if path is None:
            return
        macs = self.budget.macs if self.points.entries and self._is_limited() else None
        dialog = SelectDialog(macs=macs, unfinished=unfinished, parent=self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(lambda wish: self.select_wanted.emit(path, wish))
        dialog.open()

    def _test(self) -> None:
        point = self.points.at(self._chosen)
        if point is not None and self.path is not None:
            self.test_wanted.emit(self.path, point.architecture)

    def _export(self) -> None:
        point, path = self.points.at(self._chosen), self.path
        if point is None or path is None:
            return
        answer = ask_where(self, f"{point.architecture.space.name}-{point.key}")
        if answer is not None:
            self.export_wanted.emit(path, point.architecture, answer[1], answer[0])

    def _fine_tune(self) -> None:
        point = self.points.at(self._chosen)
        if point is not None and self.path is not None:
            self.fine_tune_wanted.emit(self.path, point.architecture.as_json())

    def open_answers(self) -> None:
        """Answer the questions that people have, with this run's numbers."""
        if self._model is not None:
            AnswersDialog(answers_of(self._model), self._model.title, self).show()

    # Look.

    def _line_up(self) -> None:
        if self.measured.bounds is None or self.plot.cost != "macs":
            self.budget.line_up(0, self.budget.width())
            return
        shift = self.budget.x() - self.plot.x()
        frame = self.plot.frame
        self.budget.line_up(frame.x_of(self.measured.bounds[0]) - shift, frame.x_of(self.measured.bounds[1]) - shift)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a tall place the network stands below the plot."""
        super().resizeEvent(event)
        stacked = self.width() < self.height() * _SIDE_BY_SIDE
        self._box.setDirection(QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight)
        self._aligning.start()
