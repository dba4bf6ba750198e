"""Take README's pictures from a real session: the real window, real buttons, a real search and retraining.

    make screenshots
    python tools/screenshots.py two-stage

Runs under Xvfb where there is no display. Takes about twelve minutes on two cores; writes docs/images/*.png. The name of a
chapter (``cells``, ``two-stage``) takes its pictures alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZE = (1440, 900)


def main() -> None:
    """The story of README, one picture at each stop; of one chapter where it is named."""
    chapters = {"cells": cells, "two-stage": two_stage}
    unknown = [name for name in sys.argv[1:] if name not in chapters]
    if unknown:
        raise SystemExit(f"«{unknown[0]}» is no chapter. Use {' or '.join(chapters)}.")
    _get_a_display()
    os.environ["NASCOPE_HOME"] = tempfile.mkdtemp(prefix="nascope-")
    sys.path.insert(0, str(ROOT))
    from PySide6.QtWidgets import QApplication

    application = QApplication(sys.argv[:1])
    from app.main import make_window

    IMAGES.mkdir(parents=True, exist_ok=True)
    window = make_window()
    window.resize(*SIZE)
    window.show()
    session = Session(application, window)
    session.turn(2)
    for name in sys.argv[1:] or chapters:
        chapters[name](session)
    window.close()
    session.turn(1)
    shutil.rmtree(os.environ["NASCOPE_HOME"], ignore_errors=True)
    os._exit(0)  # The pictures are taken; a late timer shall not turn that into a failure.


def cells(session: Session) -> None:
    """A first start, a search, its retraining, a named cell, a study."""
    session.picture("first-start", "light")

    session.press("start_demo")
    session.until(lambda: session.epoch("search") >= 9, 600)
    session.select_first_choice()
    session.picture("search", "light")
    session.picture("search", "dark")
    session.until(lambda: session.state("search") == "finished", 900)
    session.turn(2)

    session.press("new_run")
    session.until(lambda: session.find("run_form") is not None, 20)
    session.turn(1)
    session.picture("new-run", "light")
    session.press("forecast")
    session.until(lambda: "About" in session.find("forecast_text").text(), 240)
    session.picture("forecast", "light")
    session.close_dialogs()

    session.press("retrain")
    session.until(lambda: session.find("run_form") is not None, 20)
    session.press("start")
    session.until(lambda: session.state("retrain") == "finished", 900)
    session.turn(2)
    session.press("test")
    session.until(lambda: any(Path(os.environ["NASCOPE_HOME"]).rglob("results.jsonl")), 120)
    session.turn(3)
    session.picture("retrained", "dark")

    from engine.genotype.named import named

    session.window.show_genotype(named("PC_DARTS_cifar"), "PC_DARTS_cifar")
    session.turn(2)
    session.picture("named-cell", "light")

    study = session.start_study()
    session.until(lambda: session.study_state(study) == "finished", 900)
    session.turn(3)
    session.choose_first_row()
    session.picture("study", "light")


def two_stage(session: Session) -> None:
    """A supernet is trained, networks are selected from it, and a budget chooses one."""
    session.press("new_run")
    session.until(lambda: session.find("run_form") is not None, 20)
    session.find("method").setCurrentText("bignas")
    session.find("epochs").setValue(12)
    session.turn(1)
    session.press("start")
    session.until(lambda: session.state("two-stage") == "finished", 900)
    session.turn(2)
    session.press("select")
    session.until(lambda: session.find("select_dialog") is not None, 20)
    session.press("select_start")
    session.until(lambda: not session.window.subnets.running(), 600)
    session.window.frame.notice.hide()
    budget = session.find("budget_slider")
    budget.setValue(round(budget.minimum() + 0.45 * (budget.maximum() - budget.minimum())))
    session.turn(1)
    session.picture("two-stage", "light")
    session.picture("two-stage", "dark")


class Session:
    """Drives the window by object names, as a person would."""

    def __init__(self, application, window) -> None:  # type: ignore[no-untyped-def]
        self.application = application
        self.window = window

    def turn(self, seconds: float) -> None:
        """Let the event loop turn for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.application.processEvents()
            time.sleep(0.01)

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Let it turn until the condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise SystemExit(f"not within {seconds} s; runs: {self.runs()}")
            self.turn(0.1)

    def find(self, name: str):  # type: ignore[no-untyped-def]
        """A visible window's object of this name."""
        from PySide6.QtCore import QObject

        for top in self.application.topLevelWidgets():
            if top.isVisible():
                found = top if top.objectName() == name else top.findChild(QObject, name)
                if found is not None:
                    return found
        return None

    def press(self, name: str) -> None:
        """Press a button or trigger an action, once it can be pressed."""
        from PySide6.QtCore import QTimer
        from PySide6.QtGui import QAction

        self.until(lambda: self.find(name) is not None and self.find(name).isEnabled(), 30)
        found = self.find(name)
        QTimer.singleShot(0, found.trigger if isinstance(found, QAction) else found.click)
        self.turn(0.5)

    def close_dialogs(self) -> None:
        """Close what stands before the window."""
        for top in self.application.topLevelWidgets():
            if top is not self.window and top.isVisible():
                top.close()
        self.turn(0.5)

    def runs(self) -> list[dict[str, object]]:
        """What the run folders say."""
        found = []
        for status in sorted(Path(os.environ["NASCOPE_HOME"]).rglob("status.json")):
            kind = json.loads((status.parent / "config.json").read_text())["kind"]
            found.append({"kind": kind, **json.loads(status.read_text())})
        return found

    def state(self, kind: str) -> object:
        """State of the newest run of a kind."""
        return next((run["state"] for run in reversed(self.runs()) if run["kind"] == kind), None)

    def epoch(self, kind: str) -> int:
        """Whole epochs of the newest run of a kind."""
        return next((int(str(run["epoch"])) for run in reversed(self.runs()) if run["kind"] == kind), 0)

    def select_first_choice(self) -> None:
        """Select an operation of the normal cell, as a click would."""
        from app.selection import Operation

        genotype = self.window.model.genotype(None)
        node, _, edge = list(genotype.normal.edges())[-1]
        self.window.selection.select(Operation("normal", edge.source, node, edge.primitive))
        self.turn(1)

    def start_study(self) -> Path:
        """Start a small study, as the File menu does once a file is chosen; its folder."""
        words = {
            "data": "digits", "methods": ["darts", "pc-darts"], "seeds": 2, "random_cells": 1,
            "search": {"epochs": 6, "channels": 4, "layers": 3}, "retrain": {"epochs": 6, "channels": 8, "layers": 3},
            "parallel": 2,
        }  # fmt: skip
        file = Path(os.environ["NASCOPE_HOME"]) / "two-methods.json"
        file.write_text(json.dumps(words), encoding="utf-8")
        folder = self.window.studies.start_file(file)
        if folder is None:
            raise SystemExit(f"the study was refused: {self.window.frame.notice.text}")
        return Path(folder)

    def study_state(self, folder: Path) -> object:
        """State that a study's folder says."""
        from engine.study.folder import StudyFolder

        return StudyFolder(folder).status().state

    def choose_first_row(self) -> None:
        """Select the first method of the study, as a click would: its curves become bold."""
        table = self.find("study_table")
        for place in range(table.topLevelItemCount()):
            table.topLevelItem(place).setExpanded(place == 0)
        table.setCurrentItem(table.topLevelItem(0))
        self.turn(1)

    def picture(self, name: str, theme: str) -> None:
        """Grab the window (and a dialog before it) in a theme."""
        from app.theme import manager

        manager().set_choice(theme)
        self.turn(1)
        image = self.window.grab()
        image.save(str(IMAGES / f"{name}-{theme}.png"))
        for top in self.application.topLevelWidgets():
            if top is not self.window and top.isVisible() and top.isWindow() and top.width() > 200:
                top.grab().save(str(IMAGES / f"{name}-{theme}.png"))


def _get_a_display() -> None:
    """Start again under Xvfb where there is no display."""
    if os.environ.get("DISPLAY") or sys.platform == "darwin":
        return
    xvfb = shutil.which("xvfb-run")
    if xvfb is None:
        raise SystemExit("There is no display and no xvfb-run. Install xvfb (apt-get install xvfb).")
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    screen = f"-screen 0 {SIZE[0] + 200}x{SIZE[1] + 200}x24"
    os.execv(xvfb, [xvfb, "-a", "-s", screen, sys.executable, *sys.argv])


if __name__ == "__main__":
    main()
