"""The small card of a curve panel's settings: what it shows, smoothing, log axis, follow."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QFrame, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from app.buttons import Button
from app.labels import Label
from app.live.measures import CHOICES, title
from app.live.smoothing import LARGEST_WEIGHT
from app.theme import manager, theme

_SLIDER_STEPS = 1000


class CurveOptions(QFrame):
    """Opens below a button and closes by a click beside it or Escape."""

    choice_picked = Signal(str)
    smoothing_picked = Signal(float)
    log_toggled = Signal(bool)
    follow_toggled = Signal(bool)
    reset_clicked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("curve_options")
        self.choice = QComboBox()
        self._offer([(key, title(key)) for key in CHOICES])
        self.choice.setAccessibleName(self.tr("Shown curves"))
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setRange(0, round(LARGEST_WEIGHT * _SLIDER_STEPS))
        self.smoothing.setPageStep(_SLIDER_STEPS // 10)
        self.smoothing.setAccessibleName(self.tr("Smoothing"))
        self.smoothing.setToolTip(self.tr("Weight of the past in the exponential average, 0 to 0.999."))
        self._weight = Label("0.6", tone="dim")
        self._weight.setMinimumWidth(self.fontMetrics().horizontalAdvance("0.9999"))
        self.log = QCheckBox(self.tr("Logarithmic scale"))
        self.follow = QCheckBox(self.tr("Follow the newest epochs"))
        reset = Button(self.tr("Show the whole run"))
        reset.setToolTip(self.tr("Undo zoom and pan. Key 0"))

        row = QHBoxLayout()
        row.addWidget(self.smoothing, 1)
        row.addWidget(self._weight)
        form = QFormLayout()
        form.addRow(self.tr("Show"), self.choice)
        form.addRow(self.tr("Smoothing"), row)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.log)
        layout.addWidget(self.follow)
        layout.addWidget(reset, 0, Qt.AlignmentFlag.AlignLeft)

        self.choice.activated.connect(self._pick_choice)
        self.smoothing.valueChanged.connect(self._pick_smoothing)
        self.log.toggled.connect(self.log_toggled)
        self.follow.toggled.connect(self.follow_toggled)
        reset.clicked.connect(self.reset_clicked)
        manager().changed.connect(self._restyle)
        self._restyle()

    def set_state(
        self, choice: str, smoothing: float, *, smooths: bool, log: bool, follow: bool, choices: Sequence[tuple[str, str]] | None = None
    ) -> None:  # fmt: skip
        """Show what the panel is set to, without a signal.

        Args:
            choices: key and title of what this run can show; None leaves those that are offered.
        """
        blockers = [QSignalBlocker(widget) for widget in (self.choice, self.smoothing, self.log, self.follow)]
        if choices is not None:
            self._offer(choices)
        self.choice.setCurrentIndex(self.choice.findData(choice))
        self.smoothing.setValue(round(smoothing * _SLIDER_STEPS))
        self.smoothing.setEnabled(smooths)
        self._weight.setText(f"{smoothing:g}")
        self.log.setChecked(log)
        self.follow.setChecked(follow)
        for blocker in blockers:
            blocker.unblock()

    def _offer(self, choices: Sequence[tuple[str, str]]) -> None:
        if [(self.choice.itemData(row), self.choice.itemText(row)) for row in range(self.choice.count())] == list(
            choices
        ):
            return
        self.choice.clear()
        for key, name in choices:
            self.choice.addItem(name, key)

    def open_below(self, button: QWidget) -> None:
        """Open with the right edge under the button's."""
        self.adjustSize()
        corner = button.mapToGlobal(QPoint(button.width(), button.height()))
        room = button.screen().availableGeometry()
        x = min(max(corner.x() - self.width(), room.left()), room.right() - self.width())
        y = corner.y() if corner.y() + self.height() <= room.bottom() else corner.y() - button.height() - self.height()
        self.move(x, max(y, room.top()))
        self.show()
        self.choice.setFocus(Qt.FocusReason.PopupFocusReason)

    def _restyle(self) -> None:
        colours = theme()
        self.setStyleSheet(f"#curve_options {{ background: {colours.panel}; border: 1px solid {colours.border}; }}")

    def _pick_choice(self, row: int) -> None:
        self.choice_picked.emit(str(self.choice.itemData(row)))

    def _pick_smoothing(self, value: int) -> None:
        weight = value / _SLIDER_STEPS
        self._weight.setText(f"{weight:g}")
        self.smoothing_picked.emit(weight)
