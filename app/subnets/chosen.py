"""The chosen network: its stages, its numbers, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from app.buttons import Button, Kind
from app.fact_table import Fact, FactTable
from app.labels import SMALL, Label
from app.retrain_view import count_words
from app.scroll import ScrollColumn
from app.subnets.export import record_text
from app.subnets.points import LATENCY, Point, Points
from app.subnets.stage_picture import StagePicture
from app.subnets.words import choices, cost_words, found_by_words
from engine.errors import NascopeError
from engine.subnets import architecture_from_json

translate = QCoreApplication.translate

_LEGIBLE = 0.8
"""Share of its full size from which the text of the picture can be read."""


class ChosenNetwork(QWidget):
    """Picture, facts and buttons; a sentence where nothing is chosen."""

    test_wanted = Signal()
    export_wanted = Signal()
    fine_tune_wanted = Signal()
    compare_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.point: Point | None = None
        self._busy, self._no_weights = "", ""
        self.picture = StagePicture()
        self.facts = FactTable()
        self.choices = FactTable()
        self.counted = Label("", tone="dim", scale=SMALL).wrapped()
        self.counted.setObjectName("subnet_tests_so_far")
        self._sentence = Label("", tone="dim").wrapped()
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.test_button = self._button(self.tr("Test"), "subnet_test", self.test_wanted)
        self.export_button = self._button(self.tr("Export…"), "subnet_export", self.export_wanted)
        self.fine_tune_button = self._button(self.tr("Fine-tune…"), "subnet_fine_tune", self.fine_tune_wanted)
        self.copy_button = self._button(self.tr("Copy record"), "subnet_copy", None, kind="link")
        self.compare_button = self._button(self.tr("Compare"), "subnet_compare", self.compare_wanted, kind="link")
        self.copy_button.clicked.connect(self._copy)
        unit = self.fontMetrics().height()
        inside = ScrollColumn()
        inside.column.setSpacing(unit // 2)
        inside.column.addWidget(self.picture)
        inside.column.addWidget(self.facts)
        inside.column.addWidget(self.choices)
        inside.column.addStretch(1)
        self._inside = inside
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(unit // 3)
        for button in (self.test_button, self.export_button, self.fine_tune_button):
            row.addWidget(button)
        row.addStretch(1)
        self._foot = QWidget()
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(unit // 2)
        foot.addWidget(self.counted, 1)
        foot.addWidget(self.copy_button)
        foot.addWidget(self.compare_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(unit // 2)
        box.addWidget(self._sentence, 1)
        box.addWidget(inside, 1)
        box.addWidget(self._row)
        box.addWidget(self._foot)
        self.show_point(None, Points(), ())

    def show_point(
        self, point: Point | None, points: Points, results: Sequence[Mapping[str, Any]], sentence: str = ""
    ) -> None:
        """Show a network among others.

        Args:
            results: lines of the run's ``results.jsonl``.
            sentence: what stands there without a network.
        """
        self.point = point
        self.picture.show_architecture(None if point is None else point.architecture)
        self._sentence.setText(sentence)
        self._sentence.setVisible(point is None)
        for widget in (self._inside, self._row, self._foot):
            widget.setVisible(point is not None)
        if point is not None:
            tested = tests_of(results, point)
            self.facts.set_facts(network_facts(point, points, tested))
            self.choices.set_facts(choices(point.architecture))
            self._fit()
            touched = sum(line.get("what") == "test" for line in results)
            self.counted.setText(count_words(touched))
        self._settle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The table of the picture is told again where the picture is too small to be read."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.choices.setVisible(self.picture.scale_at(self.width()) < _LEGIBLE)

    def set_work(self, busy: str, no_weights: str) -> None:
        """What goes on.

        Args:
            busy: ``test``, ``export``, ``select``; empty for nothing.
            no_weights: why there are no weights to test yet; empty where there are some.
        """
        self._busy, self._no_weights = busy, no_weights
        self._settle()

    def _settle(self) -> None:
        """Which buttons can be pressed, and why not."""
        nothing = "" if self.point is not None else self.tr("Choose a sub-network first.")
        busy = self.tr("Something is being done with this run: wait for its end.") if self._busy else ""
        self.test_button.setText(self.tr("Testing…") if self._busy == "test" else self.tr("Test"))
        self.export_button.setText(self.tr("Exporting…") if self._busy == "export" else self.tr("Export…"))
        test = self.tr("Measure it on the test split, which is counted. Choose by the validation split, and test once.")
        export = self.tr("Save its record, its source, or its trained network.")
        train = self.tr("Train this network on, alone, from the supernet's weights or from scratch.")
        copy = self.tr("Copy the architecture as JSON, as every command reads it.")
        compare = self.tr("Put it beside others, or take it away. Ctrl-click on a point does the same.")
        for button, tip, reason in (
            (self.test_button, test, nothing or self._no_weights or busy), (self.export_button, export, nothing or busy),
            (self.fine_tune_button, train, nothing or self._no_weights), (self.copy_button, copy, nothing), (self.compare_button, compare, nothing),
        ):  # fmt: skip
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)

    def _copy(self) -> None:
        if self.point is not None:
            QApplication.clipboard().setText(record_text(self.point.architecture))

    def _button(self, text: str, name: str, signal: Any, *, kind: Kind = "normal") -> Button:
        button = Button(text, kind=kind)
        button.setObjectName(name)
        if signal is not None:
            button.clicked.connect(signal)
        return button


def tests_of(results: Sequence[Mapping[str, Any]], point: Point) -> list[Mapping[str, Any]]:
    """Lines of ``results.jsonl`` about tests of this network, oldest first."""
    return [line for line in results if line.get("what") == "test" and _key_of(line.get("subnet")) == point.key]


def _key_of(record: object) -> str:
    """Key of the network that a record describes; empty where it describes none."""
    try:
        return architecture_from_json(record).key
    except NascopeError:
        return ""


def network_facts(point: Point, points: Points, tested: Sequence[Mapping[str, Any]] = ()) -> list[Fact]:
    """Accuracy, tests, costs, and what the biggest network has more of."""
    tr = translate
    facts: list[Fact] = [(tr("subnets", "validation accuracy"), f"{point.accuracy_percent:.2f} %")]
    for number, line in enumerate(tested, start=1):
        name = (
            tr("subnets", "test accuracy")
            if len(tested) == 1
            else tr("subnets", "test accuracy, test {n}").format(n=number)
        )
        accuracy = line.get("accuracy_percent")
        facts.append((name, f"{accuracy:.2f} %" if isinstance(accuracy, int | float) else "–"))
    biggest = points.role("biggest")
    if biggest is not None and biggest.key != point.key:
        difference = point.accuracy_percent - biggest.accuracy_percent
        facts.append(
            (tr("subnets", "beside the biggest"), tr("subnets", "{points} points at {share} of its multiply-adds").format(
                points=f"{difference:+.2f}".replace("-", "−"), share=f"{100 * point.macs / biggest.macs:.0f} %"
            ))
        )  # fmt: skip
    facts += [
        (tr("subnets", "multiply-adds"), f"{cost_words('macs', point.macs)} ({point.macs:,})"),
        (tr("subnets", "parameters"), f"{cost_words('parameters', point.parameters)} ({point.parameters:,})"),
        (tr("subnets", "memory of a pass"), cost_words("memory_bytes", point.memory_bytes)),
    ]
    facts += [
        (tr("subnets", "latency on {device}").format(device=device), cost_words(LATENCY + device, value))
        for device, value in sorted(point.latency_ms.items())
    ]
    facts.append((tr("subnets", "came from"), found_by_words(point.found_by)))
    return facts
