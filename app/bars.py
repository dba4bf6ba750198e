"""What toolbar, status bar, title and actions say about what is on screen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.actions import Actions
from app.frame import WindowFrame
from app.progress import epoch_of, epochs_of, fraction_done, in_words, seconds_left
from app.run_model import RunModel
from app.run_state import ACTIVE, Shown, availability, colour_state, pill_words
from app.status_bar import folder_words, machine_words
from engine.genotype import Genotype
from engine.runs import home

_OF_A_RUN = ("report", "show_folder", "rename", "tag", "trash")


def show_run(window: QWidget, frame: WindowFrame, model: RunModel, state: str) -> None:
    """A run: its state, how far it is, where and how fast it computes."""
    active = state in ACTIVE
    left = seconds_left(model) if state == "running" else None
    words = QCoreApplication.translate("bars", "{time} left").format(time=in_words(left)) if left is not None else ""
    share = fraction_done(model) if active else None
    frame.toolbar.show_run(model.title, pill_words(model, state), colour_state(state), share, words)
    frame.status.show_texts(machine_words(model), folder_words(model, home().absolute()))
    done = f"{epoch_of(model)}/{epochs_of(model)} · " if active and epochs_of(model) else ""
    window.setWindowTitle(f"{done}{model.title} — nascope")


def show_genotype(window: QWidget, frame: WindowFrame, genotype: Genotype, key: str) -> None:
    """A genotype: its name, and its file where it has one."""
    title = genotype.name or QCoreApplication.translate("bars", "Genotype")
    frame.toolbar.show_nothing(title)
    frame.status.show_texts("", key if Path(key).is_absolute() else "")
    window.setWindowTitle(f"{title} — nascope")


def show_study(window: QWidget, frame: WindowFrame, title: str, words: str, state: str, path: Path) -> None:
    """A study: its state and how far it is."""
    frame.toolbar.show_run(title, words, state, None, "")
    frame.status.show_texts("", str(path))
    window.setWindowTitle(f"{title} — nascope")


def show_nothing(window: QWidget, frame: WindowFrame) -> None:
    """The welcome page."""
    frame.toolbar.show_nothing()
    frame.status.show_texts("", str(home().absolute()))
    window.setWindowTitle("nascope")


def show_actions(commands: Actions, shown: Shown) -> None:
    """Offer what makes sense; what does not says why, or is not there."""
    for name, how in availability(shown).items():
        action = commands[name]
        action.setText(how.text or action.text())
        action.setToolTip(how.tip)
        action.setEnabled(how.enabled and how.visible)
        action.setVisible(how.visible)
    for name in _OF_A_RUN:
        commands[name].setEnabled(bool(shown.state))
