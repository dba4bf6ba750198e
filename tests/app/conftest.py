"""Fixtures of the window's tests: an isolated home, settings in a file, and no thread, timer, child or widget left behind."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")
# fake_run and fake_engine stand beside this file; importlib mode puts nothing on the path by itself.
sys.path.insert(0, str(Path(__file__).parent))

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QThread, QTimer
from PySide6.QtWidgets import QApplication

from app.sessions import Sessions

if TYPE_CHECKING:
    from app.window import MainWindow


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh NASCOPE_HOME and fresh settings for every test."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("NASCOPE_HOME", str(folder))
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    return folder


def fake_engine(mode: str = "run", seconds_a_step: float = 0.002) -> Callable[[Path], list[str]]:
    """A command for ``Sessions`` that launches ``fake_engine.py``."""
    return lambda run: [
        sys.executable,
        str(Path(__file__).parent / "fake_engine.py"),
        str(run),
        mode,
        str(seconds_a_step),
    ]


@pytest.fixture
def make_engine() -> Callable[..., Callable[[Path], list[str]]]:
    """``fake_engine``, for tests."""
    return fake_engine


@pytest.fixture
def open_window(qtbot: Any) -> Iterator[Callable[..., MainWindow]]:
    """Makes main windows whose engines are fakes, and closes them at the end.

    Engines that still compute are killed: a test that means another end closes the window itself.
    """
    made: list[MainWindow] = []

    def make(mode: str = "run", seconds_a_step: float = 0.002, **more: Any) -> MainWindow:
        from app.theme import manager
        from app.window import MainWindow

        QApplication.setStyle("Fusion")
        manager().set_choice("light")
        window = MainWindow(Sessions(command=fake_engine(mode, seconds_a_step)), **more)
        made.append(window)
        window.resize(1440, 900)
        window.show()
        return window

    yield make

    for window in made:
        window.shut_down()
        window.close()
        window.deleteLater()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a running QThread, an active timer on the application, a child process or a window."""
    children_before = {child.pid for child in psutil.Process().children(recursive=True)}
    threads_before = psutil.Process().num_threads()
    windows_before = set(map(id, QApplication.topLevelWidgets())) if QApplication.instance() else set()

    yield

    application = QApplication.instance()
    if application is None:
        return
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        application.processEvents()
    gc.collect()
    left = []
    running = [
        thread
        for thread in gc.get_objects()
        if isinstance(thread, QThread) and _runs(thread) and thread is not application.thread()
    ]
    left += [f"thread {thread!r} still runs" for thread in running]
    timers = [timer for timer in application.findChildren(QTimer) if timer.isActive()]
    left += [f"timer {timer!r} still ticks" for timer in timers]
    children = [child for child in psutil.Process().children(recursive=True) if child.pid not in children_before]
    left += [
        f"child {child.pid} {child.name()} lives on" for child in children if child.status() != psutil.STATUS_ZOMBIE
    ]
    windows = [
        window for window in QApplication.topLevelWidgets() if id(window) not in windows_before and window.isVisible()
    ]
    left += [f"window {window!r} is open" for window in windows]
    if not running and psutil.Process().num_threads() > threads_before + 4:
        left.append(f"{psutil.Process().num_threads() - threads_before} more threads than before")
    assert not left, "; ".join(left)


def _runs(thread: QThread) -> bool:
    try:
        return thread.isRunning()
    except RuntimeError:  # The C++ side is gone already.
        return False
