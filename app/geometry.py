"""Size and place of the window, kept from one sitting to the next."""

from __future__ import annotations

from PySide6.QtWidgets import QMainWindow

from app import settings
from app.frame import WindowFrame


def restore(window: QMainWindow, frame: WindowFrame) -> None:
    """As last time, but on a screen that is there and not larger than it."""
    unit = window.fontMetrics().height()
    window.setMinimumSize(unit * 50, unit * 32)
    window.resize(unit * 96, unit * 60)
    geometry = settings.bytes_of("geometry")
    if not geometry.isEmpty():
        window.restoreGeometry(geometry)
    screen = window.screen()
    if screen is not None:
        room = screen.availableGeometry()
        window.resize(min(window.width(), room.width()), min(window.height(), room.height()))
        if not room.intersects(window.frameGeometry()):
            window.move(room.topLeft())
    frame.restore_state(settings.bytes_of("splitter"))


def remember(window: QMainWindow, frame: WindowFrame) -> None:
    """Keep both."""
    settings.set_bytes("geometry", window.saveGeometry())
    settings.set_bytes("splitter", frame.save_state())
