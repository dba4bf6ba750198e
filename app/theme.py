"""Colours of the window: every colour that is used anywhere stands here, in a light and a dark set of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from engine.draw.colours import primitive_hue

ThemeChoice = Literal["system", "light", "dark"]


@dataclass(frozen=True)
class Theme:
    """One set of tokens, as hex colours."""

    name: Literal["light", "dark"]
    window: str
    panel: str
    sunken: str
    border: str
    grid: str
    text: str
    dim: str
    faint: str
    accent: str
    select: str
    ok: str
    warn: str
    warn_surface: str
    danger: str
    train: str
    validation: str
    alphas: str
    """Lines about the alphas (their batch's loss, their gradients), beside train and validation."""
    pill_mix: float
    """Share of the primitive's hue in a pill's fill; the rest is the panel."""

    def primitive(self, name: str) -> str:
        """The hue of a primitive: one a family, lighter for the family's second member. Unknown ones get steady further hues."""
        return primitive_hue(name)

    def pill_fill(self, name: str) -> str:
        """Fill of a primitive's pill: the panel with a little of its hue."""
        return mix(self.panel, self.primitive(name), self.pill_mix)

    def state(self, state: str) -> str:
        """Colour of a run's state dot."""
        return {
            "running": self.accent,
            "finished": self.ok,
            "failed": self.danger,
            "interrupted": self.warn,
            "paused": self.warn,
            "warned": self.warn,
        }.get(state, self.dim)


LIGHT = Theme(
    "light", window="#F4F5F7", panel="#FFFFFF", sunken="#F9FAFB", border="#DDE1E6", grid="#ECEFF2", text="#1B1F24", dim="#5F6873",
    faint="#98A1AB", accent="#2F6FDE", select="#E4EDFC", ok="#1F7A4D", warn="#A85A00", warn_surface="#FFF4E0", danger="#C2303C",
    train="#2F6FDE", validation="#C77700", alphas="#A8327F", pill_mix=0.14,
)  # fmt: skip
DARK = Theme(
    "dark", window="#14171A", panel="#1C2024", sunken="#181B1F", border="#2F353B", grid="#262B31", text="#E7EAED", dim="#A0A9B3",
    faint="#6D7680", accent="#6C9EFF", select="#223354", ok="#5CC48D", warn="#F0A94B", warn_surface="#33281A", danger="#FF7B84",
    train="#6C9EFF", validation="#F0A94B", alphas="#E27BBE", pill_mix=0.24,
)  # fmt: skip


def mix(base: str, over: str, share: float) -> str:
    """``base`` with this share of ``over``, as hex."""
    pairs = zip(_rgb(base), _rgb(over), strict=True)
    return "#" + "".join(f"{round(low * (1 - share) + high * share):02X}" for low, high in pairs)


def _rgb(colour: str) -> tuple[int, int, int]:
    found = QColor(colour)
    return found.red(), found.green(), found.blue()


class ThemeManager(QObject):
    """Knows which theme is on; views repaint themselves on ``changed``."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._choice: ThemeChoice = "light"
        self.current = LIGHT

    @property
    def choice(self) -> ThemeChoice:
        """What the person chose; ``system`` follows the desktop."""
        return self._choice

    def set_choice(self, choice: ThemeChoice) -> None:
        """Choose a theme and repaint everything."""
        self._choice = choice
        self.refresh()

    def refresh(self) -> None:
        """Look at the desktop again (for ``system``) and put the palette on the application."""
        dark = self._choice == "dark" or (
            self._choice == "system" and QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        )
        self.current = DARK if dark else LIGHT
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setPalette(palette(self.current))
        self.changed.emit()


def palette(theme: Theme) -> QPalette:
    """Qt's palette for the Fusion style."""
    roles = {
        QPalette.ColorRole.Window: theme.window, QPalette.ColorRole.WindowText: theme.text, QPalette.ColorRole.Base: theme.panel,
        QPalette.ColorRole.AlternateBase: theme.sunken, QPalette.ColorRole.Text: theme.text, QPalette.ColorRole.Button: theme.panel,
        QPalette.ColorRole.ButtonText: theme.text, QPalette.ColorRole.ToolTipBase: theme.panel, QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.faint, QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: "#FFFFFF" if theme.name == "light" else theme.window, QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Mid: theme.border, QPalette.ColorRole.Midlight: theme.grid, QPalette.ColorRole.Light: theme.panel,
        QPalette.ColorRole.Dark: theme.border, QPalette.ColorRole.Shadow: theme.border, QPalette.ColorRole.BrightText: theme.danger,
        QPalette.ColorRole.Accent: theme.accent,
    }  # fmt: skip
    found = QPalette()
    for role, colour in roles.items():
        found.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        found.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    return found


_manager: ThemeManager | None = None


def manager() -> ThemeManager:
    """The application's one theme manager; views connect to its ``changed``."""
    global _manager
    if _manager is None:
        _manager = ThemeManager()
    return _manager


def theme() -> Theme:
    """The tokens of the moment. Ask at each paint; never keep a colour."""
    return manager().current
