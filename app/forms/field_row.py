"""A setting in the form: its name, its editor, one sentence, its range and default, and what is wrong with it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.buttons import Button
from app.forms.editors import Editor
from app.labels import SMALL, Label
from app.theme import manager, theme
from engine.config import FieldDescription

_NO_BOUND = 2**31 - 1
"""A bound of the number format, not of the setting."""


def field_label(name: str) -> str:
    """A setting's name for people: ``batch_size`` is «Batch size»."""
    text = name.replace("_", " ").capitalize().replace("Cuda ", "CUDA ")
    return QCoreApplication.translate("settings", text)


class FieldRow(QWidget):
    """One setting."""

    changed = Signal(str)
    """The setting's name: a person changed it."""
    reset = Signal(str)
    """The setting's name: back to the default."""

    def __init__(
        self, field: FieldDescription, editor: Editor, *, extra: QWidget | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.field = field
        self.editor = editor
        self._fault = ""
        name = Label(field_label(field.name), bold=True)
        name.setBuddy(editor.widget)
        editor.widget.setAccessibleName(field_label(field.name))
        editor.widget.setAccessibleDescription(field.help)
        editor.on_change.append(self._changed)
        editor.widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        editor.widget.setMinimumHeight(round(self.fontMetrics().height() * 1.8))
        self._reset = Button(self.tr("Reset"), kind="link")
        self._reset.setFont(self._reset.font())
        self._reset.clicked.connect(self._reset_clicked)
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(policy)
        self._help = Label(QCoreApplication.translate("settings", field.help), tone="dim", scale=SMALL).wrapped()
        facts = [range_words(field), field.source or ""]
        self._help.setToolTip("\n".join(fact for fact in facts if fact))
        self._wrong = Label("", tone="danger", scale=SMALL).wrapped()
        self._wrong.hide()
        for label in (self._help, self._wrong):
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout(self)
        unit = self.fontMetrics().height()
        grid.setContentsMargins(2, 0, 2, unit // 3)
        grid.setHorizontalSpacing(unit // 2)
        grid.setVerticalSpacing(unit // 5)
        grid.addWidget(name, 0, 0)
        grid.addWidget(self._reset, 0, 1)
        grid.addWidget(editor.widget, 1, 0, 1, 2)
        if extra is not None:
            grid.addWidget(extra, 1, 2)
        grid.addWidget(self._help, 2, 0, 1, 3)
        grid.addWidget(self._wrong, 3, 0, 1, 3)
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(4, 1)
        manager().changed.connect(self.update)

    def show_state(self, value: Any, default: Any, *, is_said: bool, fault: str) -> None:
        """Show value, default and fault; ``is_said`` offers the way back to the default."""
        self.editor.show_value(value)
        self._reset.setVisible(is_said)
        self._reset.setToolTip(self.tr("The preset's default: {value}").format(value=shown(default)))
        text = QCoreApplication.translate("settings", self.field.help)
        facts = [range_words(self.field)]
        facts.append(self.tr("default {value}").format(value=shown(default)) if is_said else "")
        tail = "; ".join(fact for fact in facts if fact)
        self._help.setText(f"{text} ({tail})" if tail else text)
        self._wrong.setText(fault)
        self._wrong.setVisible(bool(fault))
        if fault != self._fault:
            self._fault = fault
            self.update()

    def set_help(self, sentence: str) -> None:
        """Replace the sentence, for example by that of the chosen method."""
        self._help.setText(QCoreApplication.translate("settings", sentence))

    def _changed(self, editor: Editor) -> None:
        self.changed.emit(self.field.name)

    def _reset_clicked(self) -> None:
        self.reset.emit(self.field.name)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame the editor of a faulty setting; the editor itself keeps its own look."""
        super().paintEvent(event)
        if self._fault:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme().danger), 1.5))
            painter.drawRoundedRect(QRectF(self.editor.widget.geometry()).adjusted(-1.5, -1.5, 1.5, 1.5), 4, 4)
            painter.end()


def range_words(field: FieldDescription) -> str:
    """The allowed numbers: «1 to 1,024», «above 0»; empty for what is no number or has no bounds that matter."""
    if field.type not in ("int", "float"):
        return ""
    low, high = field.minimum, field.maximum
    if high is not None and high >= _NO_BOUND:
        high = None
    if low is not None and high is not None and not field.minimum_excluded:
        return QCoreApplication.translate("settings", "{low} to {high}").format(low=_number(low), high=_number(high))
    parts = []
    if low is not None:
        word = (
            QCoreApplication.translate("settings", "above")
            if field.minimum_excluded
            else QCoreApplication.translate("settings", "at least")
        )
        parts.append(f"{word} {_number(low)}")
    if high is not None:
        parts.append(QCoreApplication.translate("settings", "at most {n}").format(n=_number(high)))
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"


def shown(value: Any) -> str:
    """A default in words."""
    if value is None:
        return QCoreApplication.translate("settings", "empty")
    if isinstance(value, bool):
        return QCoreApplication.translate("settings", "on") if value else QCoreApplication.translate("settings", "off")
    return f"{value:g}" if isinstance(value, float) else str(value)
