"""Buttons in the look of the window, plain or bound to an action."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QWidget

from app.theme import Theme, manager, mix, theme

Kind = Literal["normal", "primary", "danger", "link", "quiet"]


class Button(QPushButton):
    """A push button: ``normal`` outlined, ``primary`` filled, ``danger`` in red, ``link`` as text, ``quiet`` without outline."""

    def __init__(self, text: str = "", *, kind: Kind = "normal", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._kind: Kind = kind
        self.setAutoDefault(False)
        if kind == "link":
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._restyle()
        manager().changed.connect(self._restyle)

    def set_kind(self, kind: Kind) -> None:
        """Change the look."""
        if kind != self._kind:
            self._kind = kind
            self._restyle()

    def _restyle(self) -> None:
        self.setStyleSheet(button_sheet(theme(), self._kind))


class ActionButton(Button):
    """A button that shows and triggers an action."""

    def __init__(self, action: QAction, *, kind: Kind = "normal", parent: QWidget | None = None) -> None:
        super().__init__(kind=kind, parent=parent)
        self._action = action
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setText(self._action.text())
        self.setEnabled(self._action.isEnabled())
        self.setVisible(self._action.isVisible())
        self.setToolTip(self._action.toolTip())
        self.setAccessibleName(self._action.text().replace("&", ""))


def button_sheet(colours: Theme, kind: Kind) -> str:
    """The style sheet of one button; lengths in em follow the font."""
    on_accent = "#FFFFFF" if colours.name == "light" else colours.window
    back, text, line, hover, weight = {
        "normal": (colours.panel, colours.text, colours.border, mix(colours.panel, colours.text, 0.05), "normal"),
        "primary": (colours.accent, on_accent, colours.accent, mix(colours.accent, colours.text, 0.15), "600"),
        "danger": (colours.panel, colours.danger, colours.border, mix(colours.panel, colours.danger, 0.08), "normal"),
        "link": ("transparent", colours.accent, "transparent", "transparent", "600"),
        "quiet": ("transparent", colours.dim, "transparent", mix(colours.window, colours.text, 0.07), "normal"),
    }[kind]
    padding = "0.1em 0.2em" if kind == "link" else "0.35em 0.55em" if kind == "quiet" else "0.42em 1.1em"
    disabled = "transparent" if kind in ("link", "quiet") else colours.sunken
    disabled_line = "transparent" if kind in ("link", "quiet") else colours.border
    return (
        f"QPushButton {{ background: {back}; color: {text}; border: 1px solid {line}; border-radius: 6px;"
        f" padding: {padding}; font-weight: {weight}; }}"
        f"QPushButton:hover {{ background: {hover}; }}"
        f"QPushButton:pressed, QPushButton:checked {{ background: {colours.select}; color: {colours.text}; }}"
        f"QPushButton:focus {{ border-color: {colours.text if kind == 'primary' else colours.accent}; }}"
        f"QPushButton:disabled {{ background: {disabled}; color: {colours.faint}; border-color: {disabled_line}; }}"
        "QPushButton::menu-indicator { width: 0; }"
    )
