"""The page of one network in training: curves, the cells or stages it is made of, what came out, how often it was tested."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QLocale, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.buttons import ActionButton
from app.cells.cell_view import CellView
from app.fact_table import Fact, FactTable
from app.labels import SMALL, Label, scaled_font
from app.live.curves import CurvePanel, link_x
from app.panel import Panel
from app.panel_rows import PanelRows, curve_panel, gap_of
from app.progress import in_words, percent
from app.run_model import RunModel
from app.scroll import ScrollColumn
from app.selection import Selection
from app.subnets.stage_picture import StagePicture
from engine.config import parse_data
from engine.errors import NascopeError
from engine.runs import RunFolder
from engine.subnets.named import name_of

_HIDDEN = frozenset(
    {
        "kind",
        "genotype",
        "architecture",
        "search_run",
        "supernet_run",
        "split_fingerprint",
        "schema",
        "versions",
        "command",
        "created",
        "world_size",
        "decided",
        "preset",
    }
)

_CURVES, _CELLS, _STAGES = range(3)

translate = QCoreApplication.translate


class RetrainView(QWidget):
    """Curves and cells (of a sub-network its stages) on the left; result, tests and settings on the right.

    Attributes:
        named: the views by their object name.
    """

    def __init__(self, selection: Selection, test: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: RunModel | None = None
        self._results: list[Mapping[str, Any]] = []
        self.loss = CurvePanel(selection, "loss")
        self.accuracy = CurvePanel(selection, "accuracy")
        self.cells = [CellView("normal", selection), CellView("reduction", selection)]
        self.stages = StagePicture()
        self.named: dict[str, QWidget] = {
            "loss_plot": self.loss, "accuracy_plot": self.accuracy, "cell_normal": self.cells[0], "cell_reduction": self.cells[1],
            "stage_picture": self.stages,
        }  # fmt: skip
        link_x((self.loss, self.accuracy))
        gap = gap_of(self)
        self.rows = PanelRows(
            [
                (self.tr("Curves"), 1, curve_panel(self.loss), curve_panel(self.accuracy)),
                (self.tr("Cells"), 1, Panel(self.tr("Normal cell"), self.cells[0]), Panel(self.tr("Reduction cell"), self.cells[1])),
                (self.tr("Stages"), 1, Panel(self.tr("Sub-network"), self.stages), None),
            ],
            name="retrain_tabs",
        )  # fmt: skip

        self._number = Label("", scale=1.9, bold=True)
        self._sentence = Label("", tone="dim").wrapped()
        self._facts = FactTable()
        self._test_button = ActionButton(test)
        self._tests = FactTable()
        self._tests.setObjectName("tests")
        self._tests.setAccessibleName(self.tr("Tests of this network"))
        self._counted = Label("", tone="dim", scale=SMALL).wrapped()
        self._counted.setObjectName("tests_so_far")

        result = Panel(self.tr("Result"))
        unit = self.fontMetrics().height()
        for widget in (self._number, self._sentence, self._facts):
            result.body.addWidget(widget)
            result.body.addSpacing(unit // 3)
        result.body.addWidget(self._test_button, 0, Qt.AlignmentFlag.AlignLeft)
        result.body.addWidget(self._counted)
        result.body.addWidget(self._tests)
        self._settings = FactTable()
        settings = Panel(self.tr("Settings"), self._settings)
        column = ScrollColumn()
        column.column.setSpacing(gap)
        column.column.addWidget(result)
        column.column.addWidget(settings)
        column.column.addStretch(1)
        column.setFixedWidth(unit * 21)
        column.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(gap)
        box.addWidget(self.rows, 1)
        box.addWidget(column)

    @property
    def has_cells(self) -> bool:
        """Whether what is shown is made of cells."""
        return self._model is None or self._model.has_cells

    def set_model(self, model: RunModel | None) -> None:
        """Show another run of one network."""
        if self._model is not None:
            self._model.events_arrived.disconnect(self._events)
            self._model.status_changed.disconnect(self._refresh)
        self._model = model
        self._results = []
        self.loss.set_model(model)
        self.accuracy.set_model(model)
        is_subnet = model is not None and model.kind == "subnet"
        self.rows.show_rows({_CURVES, _STAGES} if is_subnet else {_CURVES, _CELLS})
        for cell in self.cells:
            cell.set_model(None if is_subnet else model)
        self.stages.show_architecture(model.architecture if model is not None else None)
        if model is not None:
            model.events_arrived.connect(self._events)
            model.status_changed.connect(self._refresh)
            self.read_results()

    def read_results(self) -> None:
        """Read the tests again: one was done."""
        if self._model is not None:
            self._results = [row for row in RunFolder(self._model.path).results() if row.get("what") == "test"]
            self._refresh()

    def _events(self, types: set[str]) -> None:
        if "started" in types and self._model is not None:
            self.stages.show_architecture(self._model.architecture)
        if types & {"started", "epoch", "finished", "stopped", "resumed"}:
            self._refresh()

    def _refresh(self) -> None:
        model = self._model
        if model is None:
            return
        tested = self._results[-1] if self._results else None
        self._number.setText(percent(tested.get("accuracy_percent")) if tested else self.tr("Not tested yet"))
        self._number.setFont(scaled_font(1.9 if tested else 1.17, bold=True))
        self._sentence.setText(
            self.tr("test accuracy, the last of {n}").format(n=len(self._results)) if tested and len(self._results) > 1
            else self.tr("test accuracy") if tested
            else self.tr("Only Test touches the test split. Decide everything else on the validation split first.")
        )  # fmt: skip
        if looks_at_test(model) and tested is None:
            self._number.setText(percent(model.history.last["epoch"].data.get("validation_accuracy_percent")) or "–")
            self._sentence.setText(self.tr("test accuracy after the last epoch in the log"))
        self._facts.set_facts(result_facts(model))
        self._show_tests()
        self._settings.set_facts(setting_facts(model))

    def _show_tests(self) -> None:
        self._tests.setVisible(bool(self._results))
        self._tests.set_facts([test_fact(row) for row in self._results])
        looks = looks_at_test(self._model) if self._model is not None else 0
        self._counted.setText(count_words(len(self._results) + looks))


def test_fact(row: Mapping[str, Any]) -> Fact:
    """A test as a row: when, and what came out."""
    loss = row.get("loss")
    parts = [percent(row.get("accuracy_percent"))]
    if isinstance(loss, int | float):
        parts.append(translate("RetrainView", "loss {n}").format(n=f"{loss:.4f}"))
    return f"{datetime.fromtimestamp(float(row.get('t') or 0)):%Y-%m-%d %H:%M}", " · ".join(
        part for part in parts if part
    )


def looks_at_test(model: RunModel) -> int:
    """How often an imported retraining looked at the test split: the original calls it validation, after every epoch."""
    last, series = model.history.last.get("epoch"), model.history.series.get("epoch.validation_accuracy_percent")
    if last is None or series is None or last.data.get("validation_split") != "test":
        return 0
    return len(series)


def count_words(count: int) -> str:
    """How often the test split was touched, and what that means."""
    if count == 0:
        return translate("RetrainView", "The test split was not touched so far.")
    if count == 1:
        return translate("RetrainView", "The test split was touched once.")
    return translate(
        "RetrainView", "The test split was touched {n} times: choosing by it makes its accuracy too good."
    ).format(n=count)


def result_facts(model: RunModel) -> list[Fact]:
    """The final numbers of a retraining."""
    history = model.history
    facts: list[Fact] = []
    last = history.last.get("epoch")
    if last is not None:
        facts.append(
            (translate("RetrainView", "train accuracy"), percent(last.data.get("train_accuracy_percent")) or "–")
        )
        validation = percent(last.data.get("validation_accuracy_percent"))
        names = (
            translate("RetrainView", "validation accuracy"),
            translate("RetrainView", "best validation"),
            translate("RetrainView", "validation loss"),
        )
        if looks_at_test(model):
            names = (
                translate("RetrainView", "test accuracy"),
                translate("RetrainView", "best on the test split"),
                translate("RetrainView", "test loss"),
            )
        facts.append((names[0], validation or translate("RetrainView", "no validation split")))
        series = history.series.get("epoch.validation_accuracy_percent")
        if validation and series is not None and len(series):
            best = int(series.values.argmax())
            facts.append(
                (
                    names[1],
                    translate("RetrainView", "{accuracy}, epoch {n}").format(
                        accuracy=percent(float(series.values[best])), n=best + 1
                    ),
                )
            )
        loss = last.data.get("validation_loss")
        if isinstance(loss, int | float):
            facts.append((names[2], f"{loss:.4f}"))
    facts.append(
        (
            translate("RetrainView", "epochs"),
            f"{(last.epoch + 1) if last is not None else 0} / {model.config.get('epochs', '')}",
        )
    )
    parameters = history.started.get("parameters")
    if isinstance(parameters, int):
        facts.append((translate("RetrainView", "parameters"), QLocale().toString(parameters)))
    if model.status.seconds:
        facts.append((translate("RetrainView", "computing time"), in_words(model.status.seconds)))
    return facts


def setting_facts(model: RunModel) -> list[Fact]:
    """Every setting of the run, and what it was trained on."""
    facts: list[Fact] = []
    genotype = model.config.get("genotype")
    if isinstance(genotype, dict) and genotype.get("name"):
        facts.append((translate("RetrainView", "cells"), str(genotype["name"])))
    architecture = model.architecture
    if architecture is not None:
        facts.append((translate("RetrainView", "sub-network"), name_of(architecture)))
        facts.append((translate("RetrainView", "space"), architecture.space.title))
    if model.is_fine_tuned:
        facts.append((translate("RetrainView", "weights from"), Path(str(model.config["supernet_run"])).name))
    data = str(model.config.get("data", ""))
    try:
        facts.append((translate("RetrainView", "data"), parse_data(data).title))
    except NascopeError:
        facts.append((translate("RetrainView", "data"), data))
    for split, images in dict(model.history.started.get("splits") or {}).items():
        facts.append(
            (
                translate("RetrainView", "{split} images").format(split=split),
                f"{images:,}" if isinstance(images, int) else str(images),
            )
        )
    for name, value in model.config.items():
        if name in _HIDDEN or name == "data" or value is None:
            continue
        facts.append(
            (
                name.replace("_", " "),
                ("on" if value else "off")
                if isinstance(value, bool)
                else f"{value:g}"
                if isinstance(value, float)
                else str(value),
            )
        )
    for name, version in dict(model.history.started.get("versions") or {}).items():
        facts.append((str(name), str(version)))
    return facts
