"""How many multiply-adds a network may have: a logarithmic slider, the same as text, and what that buys."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSlider, QStyle, QVBoxLayout, QWidget

from app.labels import Label
from app.lines import line_sheet
from app.subnets.points import Point
from app.subnets.words import amount
from app.theme import manager, theme
from engine.cost.quantities import parse_amount
from engine.errors import NascopeError

_STEPS = 1000
_KEYS = frozenset(
    {
        Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)  # fmt: skip


class _Slider(QSlider):
    """Keeps its keys, also where the window has shortcuts on them."""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)


class BudgetSlider(QWidget):
    """Between the smallest and the biggest network of a space.

    Attributes:
        slider: ``budget_slider``.
        entry: the same as text; ``budget_text``.
        macs: the budget.
    """

    changed = Signal(float)
    """A person set another budget, in multiply-adds."""
    resized = Signal()
    """It has another place or size, so that it lines up no more."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bounds = (1, 2)
        self.macs = 2.0
        self.slider = _Slider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("budget_slider")
        self.slider.setAccessibleName(self.tr("Budget of multiply-adds"))
        self.slider.setRange(0, _STEPS)
        self.slider.setPageStep(_STEPS // 20)
        self.slider.setSingleStep(_STEPS // 100)
        self.slider.setValue(_STEPS)
        self.slider.valueChanged.connect(self._slid)
        self.entry = QLineEdit()
        self.entry.setObjectName("budget_text")
        self.entry.setAccessibleName(self.tr("Budget of multiply-adds, as text"))
        self.entry.setPlaceholderText("0.8M")
        self.entry.editingFinished.connect(self._typed)
        self._entry_title = Label(self.tr("Budget"), tone="dim")
        self.sentence = Label("").wrapped()
        self.sentence.setObjectName("budget_sentence")
        unit = self.fontMetrics().height()
        self.entry.setFixedWidth(unit * 6)
        self._groove = QHBoxLayout()
        self._groove.addWidget(self.slider)
        row = QHBoxLayout()
        row.setSpacing(unit // 2)
        row.addWidget(self._entry_title)
        row.addWidget(self.entry)
        row.addWidget(self.sentence, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(unit // 3)
        box.addLayout(self._groove)
        box.addLayout(row)
        self._restyle()
        manager().changed.connect(self._restyle)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell of it."""
        super().resizeEvent(event)
        self.resized.emit()

    def set_bounds(self, smallest: int, biggest: int) -> None:
        """Multiply-adds of both ends; the budget goes to the upper one."""
        if (smallest, biggest) != self.bounds:
            self.bounds = (smallest, max(biggest, smallest + 1))
            self._show(float(self.bounds[1]))

    def set_macs(self, macs: float) -> None:
        """Show another budget without telling."""
        self._show(min(max(macs, float(self.bounds[0])), float(self.bounds[1])))

    def line_up(self, left: float, right: float) -> None:
        """Let the handle's middle stand at these places of this widget at the slider's ends."""
        half = self.slider.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, None, self.slider) / 2
        self._groove.setContentsMargins(max(0, round(left - half)), 0, max(0, round(self.width() - right - half)), 0)

    def tell(self, best: Point | None, *, any_measured: bool) -> None:
        """Say what the budget buys."""
        macs = amount(self.macs)
        if best is not None:
            text = self.tr("Best network under {macs} multiply-adds: {accuracy}").format(
                macs=macs, accuracy=f"{best.accuracy_percent:.1f} %"
            )
        elif any_measured:
            text = self.tr("No measured network has {macs} multiply-adds or fewer.").format(macs=macs)
        else:
            text = ""
        self.sentence.set_tone("text")
        self.sentence.setText(text)

    def macs_at(self, place: int) -> float:
        """The budget at a place of the slider."""
        low, high = self.bounds
        if place >= _STEPS:
            return float(high)
        return float(low * math.exp(math.log(high / low) * place / _STEPS))

    def _slid(self, place: int) -> None:
        self._set(self.macs_at(place))

    def _typed(self) -> None:
        text = self.entry.text().strip()
        if text == amount(self.macs) or not text:
            self.entry.setText(amount(self.macs))
            return
        try:
            macs = float(parse_amount(text, self.tr("budget")))
        except NascopeError as error:
            self._refuse(f"{error.what} {error.mend}")
            return
        low, high = self.bounds
        if macs < low:
            self._refuse(
                self.tr("The smallest network of the space has {macs} multiply-adds ({exact}).").format(
                    macs=amount(low), exact=f"{low:,}"
                )
            )
            return
        self._set(min(macs, float(high)))

    def _refuse(self, text: str) -> None:
        self.sentence.set_tone("danger")
        self.sentence.setText(text)

    def _set(self, macs: float) -> None:
        self._show(macs)
        self.changed.emit(macs)

    def _show(self, macs: float) -> None:
        self.macs = macs
        low, high = self.bounds
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(_STEPS * math.log(macs / low) / math.log(high / low)))
        self.entry.setText(amount(macs))
        self.slider.setToolTip(self.tr("{macs} multiply-adds").format(macs=f"{macs:,.0f}"))

    def _restyle(self) -> None:
        colours = theme()
        self.entry.setStyleSheet(line_sheet(colours))
        self.slider.setStyleSheet(
            f"QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {colours.grid}; }}"
            f"QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {colours.accent}; }}"
            f"QSlider::handle:horizontal {{ width: 14px; margin: -5px 0; border-radius: 7px; background: {colours.accent}; }}"
            f"QSlider::handle:horizontal:focus {{ background: {colours.text}; }}"
            f"QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{ background: {colours.border}; }}"
        )
