"""One editor a type of setting: shows a value, tells when a person changed it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from app.theme import manager, theme
from engine.config import FieldDescription

_INT_LIMIT = 2**31 - 1


class Editor:
    """What the form needs of an editor, whatever the widget."""

    widget: QWidget

    def __init__(self) -> None:
        self.on_change: list[Any] = []

    def value(self) -> Any:
        """The value shown: typed where it can be, else the text."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Show a value without telling anybody."""
        raise NotImplementedError

    def _changed(self, *_: object) -> None:
        for listener in self.on_change:
            listener(self)


class _NoWheel:
    """A wheel over a form scrolls the form; it never changes a number by accident."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class SpinBox(_NoWheel, QSpinBox):
    """Whole numbers; where the minimum has a text of its own, an emptied box means that."""

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """An emptied box is a value only where «empty» is one."""
        if self.specialValueText() and not text.strip():
            return (QValidator.State.Acceptable, text, position)
        return super().validate(text, position)

    def valueFromText(self, text: str) -> int:
        """The number, the minimum for an emptied box."""
        return self.minimum() if self.specialValueText() and not text.strip() else super().valueFromText(text)


class ChoiceBox(_NoWheel, QComboBox):
    """Choices with a title for people and a name for programs: both set the current one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Below a widget with a style sheet a box keeps the palette of the theme that it was made in.
        manager().changed.connect(self._recolour)

    def _recolour(self) -> None:
        self.setPalette(QApplication.palette())

    def setCurrentText(self, text: str) -> None:
        """Choose by name or by title; an editable box takes any text."""
        place = self.findData(text)
        if place < 0:
            place = self.findText(text)
        if place >= 0:
            self.setCurrentIndex(place)
        elif self.isEditable():
            self.setEditText(text)

    def name(self) -> str:
        """The name of the current choice, or the text that was typed."""
        text = self.currentText()
        place = self.findText(text)
        if place < 0:
            return text.strip()
        data = self.itemData(place)
        return str(data) if data is not None else text


class IntEditor(Editor):
    """A spin box; an optional number reads «empty» below its minimum, as the sentences of the settings say."""

    def __init__(self, field: FieldDescription) -> None:
        super().__init__()
        self._empty: int | None = None
        box = SpinBox()
        low = int(field.minimum if field.minimum is not None else -_INT_LIMIT) + (1 if field.minimum_excluded else 0)
        high = int(field.maximum) if field.maximum is not None else _INT_LIMIT
        if field.optional:
            self._empty = low - 1
            box.setSpecialValueText(box.tr("empty"))
            low = self._empty
        box.setRange(low, high)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.valueChanged.connect(self._changed)
        self.widget = box
        self._box = box

    def value(self) -> int | None:
        """The number; None for «empty»."""
        found = self._box.value()
        return None if found == self._empty else found

    def show_value(self, value: Any) -> None:
        """Show a number."""
        with QSignalBlocker(self._box):
            self._box.setValue(self._empty if value is None and self._empty is not None else int(value))


class FloatEditor(Editor):
    """A line that takes 0.0003 and 3e-4 alike."""

    def __init__(self, field: FieldDescription) -> None:
        super().__init__()
        self._line = QLineEdit()
        self._line.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._line.textChanged.connect(self._changed)
        self._optional = field.optional
        if field.optional:
            self._line.setPlaceholderText(self._line.tr("empty"))
        self.widget = self._line

    def value(self) -> float | str | None:
        """The number, or the text where it is none: the check names the fault; None where an optional one is empty."""
        text = self._line.text().strip()
        if not text and self._optional:
            return None
        try:
            return float(text)
        except ValueError:
            return text

    def show_value(self, value: Any) -> None:
        """Show a number in its shortest exact form."""
        text = "" if value is None else repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
        if self.value() != value:
            with QSignalBlocker(self._line):
                self._line.setText(text)


class BoolEditor(Editor):
    """A check box."""

    def __init__(self, field: FieldDescription) -> None:
        super().__init__()
        self._box = CheckBox()
        self._box.toggled.connect(self._changed)
        self.widget = self._box

    def value(self) -> bool:
        """Checked or not."""
        return self._box.isChecked()

    def show_value(self, value: Any) -> None:
        """Show yes or no."""
        with QSignalBlocker(self._box):
            self._box.setChecked(bool(value))


class ChoiceEditor(Editor):
    """A box of choices; ``free`` also takes any other text."""

    def __init__(self, choices: list[tuple[str, Any]], *, free: bool = False) -> None:
        super().__init__()
        self._values = {str(value): value for _, value in choices}
        self._box = ChoiceBox()
        self._box.setEditable(free)
        if free:
            self._box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        for title, value in choices:
            self._box.addItem(title, str(value))
        (self._box.editTextChanged if free else self._box.currentIndexChanged).connect(self._changed)
        self.widget = self._box

    def value(self) -> Any:
        """The chosen value, or the typed text."""
        name = self._box.name()
        return self._values.get(name, name)

    def show_value(self, value: Any) -> None:
        """Show a choice."""
        if self.value() != value:
            with QSignalBlocker(self._box):
                self._box.setCurrentText(str(value))


class TextEditor(Editor):
    """A line of text."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__()
        self._line = QLineEdit()
        self._line.textChanged.connect(self._changed)
        self._optional = optional
        if optional:
            self._line.setPlaceholderText(self._line.tr("empty"))
        self.widget = self._line

    def value(self) -> str | None:
        """The text; None where an optional one is empty."""
        text = self._line.text().strip()
        return None if self._optional and not text else text

    def show_value(self, value: Any) -> None:
        """Show a text."""
        if self.value() != value:
            with QSignalBlocker(self._line):
                self._line.setText("" if value is None else str(value))


class CheckBox(QCheckBox):
    """A check box with an outline in the theme's colour: Fusion's own cannot be seen on a dark panel."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, the tick, the ring of the focus, and the words beside it."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        colours = theme()
        box = QRectF(self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)).adjusted(
            1, 1, -1, -1
        )
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = colours.accent if self.hasFocus() or self.isChecked() else colours.dim
        painter.setPen(QPen(QColor(line), 2 if self.hasFocus() else 1.2))
        painter.setBrush(QColor(colours.accent if self.isChecked() else colours.panel))
        painter.drawRoundedRect(box, 3, 3)
        if self.isChecked():
            tick = [
                box.topLeft() + QPointF(box.width() * x, box.height() * y)
                for x, y in ((0.22, 0.52), (0.42, 0.72), (0.78, 0.28))
            ]
            painter.setPen(QPen(QColor(colours.panel), 1.8))
            painter.drawPolyline(tick)
        room = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, self)
        painter.setPen(QColor(colours.text if self.isEnabled() else colours.faint))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic, self.text())
        painter.end()


class Beside(QWidget):
    """A widget with another right beside it, for example a line and its «Browse…»."""

    pressed = Signal()

    def __init__(self, main: QWidget, extra: QWidget) -> None:
        super().__init__()
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(self.fontMetrics().height() // 3)
        box.addWidget(main, 1)
        box.addWidget(extra)


def make_editor(field: FieldDescription, choices: list[tuple[str, Any]] | None = None, *, free: bool = False) -> Editor:
    """The editor that suits a setting, named by its configuration key.

    Args:
        choices: title and value of known values, for texts that have some; ``free`` takes others too.
    """
    editor: Editor
    if choices is not None or field.type == "choice":
        editor = ChoiceEditor(
            choices if choices is not None else [(str(value), value) for value in field.choices], free=free
        )
    elif field.type == "int":
        editor = IntEditor(field)
    elif field.type == "float":
        editor = FloatEditor(field)
    elif field.type == "bool":
        editor = BoolEditor(field)
    else:
        editor = TextEditor(optional=field.optional)
    editor.widget.setObjectName(field.name)
    return editor
