"""What a selection shall look for: strategy, how many networks to measure, and a budget if there is one."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.buttons import Button
from app.forms.editors import CheckBox, ChoiceBox, SpinBox
from app.labels import SMALL, Label
from app.subnets.words import amount
from engine.cost.quantities import parse_amount, parse_bytes, parse_milliseconds
from engine.errors import NascopeError

_EVALUATIONS = (4, 64, 1_000_000)
"""Least, usual and most networks that the strategy may measure, as ``nascope select`` has them."""
_BUDGETS = ("macs", "parameters", "memory", "latency")


@dataclass(frozen=True)
class SelectWish:
    """Options of ``nascope select``; empty texts leave one out.

    Attributes:
        strategy: empty for the method's own.
        evaluations: networks that the strategy measures; as many random ones are measured beside it.
        macs, parameters, memory, latency: budgets as a person writes them.
        unfinished: also where the training has not ended.
    """

    strategy: str = ""
    evaluations: int = _EVALUATIONS[1]
    macs: str = ""
    parameters: str = ""
    memory: str = ""
    latency: str = ""
    predictor: bool = False
    unfinished: bool = False

    def words(self) -> list[str]:
        """The options on the command line."""
        found = ["--strategy", self.strategy] if self.strategy else []
        found += ["--evaluations", str(self.evaluations)]
        for name in _BUDGETS:
            if value := getattr(self, name):
                found += [f"--{name}", value]
        return found + ["--predictor"] * self.predictor + ["--unfinished"] * self.unfinished


class SelectDialog(QDialog):
    """Asks; ``wanted`` tells the answer once."""

    wanted = Signal(object)
    """SelectWish."""

    def __init__(self, *, macs: float | None = None, unfinished: bool = False, parent: QWidget | None = None) -> None:
        """Args:
        macs: a budget to begin with; None begins without one.
        unfinished: whether the training has not ended.
        """
        super().__init__(parent)
        self.setObjectName("select_dialog")
        self.setWindowTitle(self.tr("Select networks"))
        self._unfinished = unfinished
        unit = self.fontMetrics().height()
        self.strategy = ChoiceBox()
        for name, title in (
            ("", self.tr("The method's own")),
            ("evolution", self.tr("Evolution: mutations and crossings of the best")),
            ("coarse-to-fine", self.tr("Coarse to fine: a grid over the whole network, then stage by stage")),
            ("random", self.tr("Random: draw and keep the best")),
        ):
            self.strategy.addItem(title, name)
        self.strategy.setObjectName("select_strategy")
        self.evaluations = SpinBox()
        self.evaluations.setObjectName("select_evaluations")
        self.evaluations.setRange(_EVALUATIONS[0], _EVALUATIONS[2])
        self.evaluations.setValue(_EVALUATIONS[1])
        self.budgets = {name: QLineEdit() for name in _BUDGETS}
        examples = {"macs": "0.8M", "parameters": "1M", "memory": "8MiB", "latency": "5ms"}
        for name, entry in self.budgets.items():
            entry.setObjectName(f"select_{name}")
            entry.setPlaceholderText(self.tr("none, or for example {example}").format(example=examples[name]))
        if macs is not None:
            self.budgets["macs"].setText(amount(macs).replace(" ", ""))
        self.predictor = CheckBox(self.tr("Predict accuracy, and measure what looks best"))
        self.fault = Label("", tone="danger", scale=SMALL).wrapped()
        self.fault.hide()
        form = QFormLayout()
        form.setVerticalSpacing(unit // 2)
        form.addRow(self.tr("Strategy"), self.strategy)
        form.addRow(self.tr("Networks to measure"), self.evaluations)
        for name, title in (
            ("macs", self.tr("At most multiply-adds")), ("parameters", self.tr("At most parameters")), ("memory", self.tr("At most memory")),
            ("latency", self.tr("At most latency, measured here")),
        ):  # fmt: skip
            form.addRow(title, self.budgets[name])
        form.addRow("", self.predictor)
        note = Label(
            self.tr("The training has not ended: the networks are as good as the weights saved so far.") if unfinished
            else self.tr("Weights stay as they are. Networks are measured on the validation split; as many random ones beside them, for a fair comparison."),
            tone="warn" if unfinished else "dim", scale=SMALL,
        ).wrapped()  # fmt: skip
        cancel, self.start_button = Button(self.tr("Cancel")), Button(self.tr("Select"), kind="primary")
        self.start_button.setObjectName("select_start")
        cancel.clicked.connect(self.reject)
        self.start_button.clicked.connect(self._start)
        self.start_button.setDefault(True)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.start_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(unit, unit, unit, unit)
        box.setSpacing(unit // 2)
        box.addLayout(form)
        box.addWidget(note)
        box.addWidget(self.fault)
        box.addLayout(row)
        self.setMinimumWidth(unit * 40)

    def wish(self) -> SelectWish:
        """What stands in the form.

        Raises:
            NascopeError: a budget that is no amount.
        """
        texts = {name: entry.text().strip() for name, entry in self.budgets.items()}
        if texts["macs"]:
            parse_amount(texts["macs"], self.tr("multiply-adds"))
        if texts["parameters"]:
            parse_amount(texts["parameters"], self.tr("parameters"), of="parameters")
        if texts["memory"]:
            parse_bytes(texts["memory"], self.tr("memory"))
        if texts["latency"]:
            parse_milliseconds(texts["latency"], self.tr("latency"))
        return SelectWish(
            strategy=str(self.strategy.currentData()), evaluations=self.evaluations.value(),
            predictor=self.predictor.isChecked(), unfinished=self._unfinished, **texts,
        )  # fmt: skip

    def _start(self) -> None:
        try:
            wish = self.wish()
        except NascopeError as error:
            self.fault.setText(str(error))
            self.fault.show()
            return
        self.wanted.emit(wish)
        self.accept()
