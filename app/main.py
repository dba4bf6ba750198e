"""Start-up of the window."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFont, QIcon
from PySide6.QtWidgets import QApplication

import engine
import resources
from app import i18n, settings
from app.crash import FaultCatcher
from app.theme import manager
from app.window import MainWindow


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window, with a run or a genotype where one is named; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    application = QApplication(sys.argv[:1])
    FaultCatcher(application)
    window = make_window()
    application.aboutToQuit.connect(window.shut_down)
    window.show()
    _leave_on_signals()
    for word in words[:1]:
        window.work.open_text(word)
    return application.exec()


def make_window() -> MainWindow:
    """The main window, not shown yet, with theme and language put on the application."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(sys.argv[:1])
    QCoreApplication.setOrganizationName("nascope")
    QCoreApplication.setApplicationName("nascope")
    QCoreApplication.setApplicationVersion(engine.__version__)
    application.setDesktopFileName("nascope")
    application.setWindowIcon(QIcon(str(Path(resources.__file__).parent / "icons" / "nascope.svg")))
    application.setStyle("Fusion")
    if application.property("translated") is None:
        i18n.install(application, settings.language())
        application.setProperty("translated", True)
    # Hinting on only one axis keeps small labels sharp on software-drawn screens.
    font = application.font()
    font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    application.setFont(font)
    themes = manager()
    themes.set_choice(settings.theme_choice())
    application.styleHints().colorSchemeChanged.connect(themes.refresh)
    return MainWindow()


def _leave_on_signals() -> None:
    """Ctrl-C and SIGTERM close cleanly: the engines see the window go, save and stop by themselves."""

    def leave(number: int, frame: FrameType | None) -> None:
        QApplication.quit()

    # Python looks at signals only when it runs; the window's timers see to that.
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)


if __name__ == "__main__":
    sys.exit(main())
