"""How long until the window is there and the first point is live, and how smooth it stays while a search runs?

    .venv/bin/python benchmarks/window_smoothness.py [SECONDS]

Starts the real window with a home of its own, presses the real buttons, and measures how late a precise timer of 5 ms
fires: first with the window idle, then with a search running beside it. The ratio of the two is what the search costs
the window. Appends a line to benchmarks/results.jsonl.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BEGIN = time.perf_counter()
os.environ["NASCOPE_HOME"] = tempfile.mkdtemp(prefix="nascope-benchmark-")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402
from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer  # noqa: E402
from PySide6.QtGui import QAction  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

TIMER_MS = 5


class Lateness(QObject):
    """Collects by how many milliseconds a precise timer fires late."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._last = time.perf_counter()
        self._timer.start(TIMER_MS)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - TIMER_MS))
        self._last = now

    def take(self) -> dict[str, float]:
        """Percentiles since the last call."""
        found, self.late_ms = np.array(self.late_ms), []
        return {
            "p50": float(np.percentile(found, 50)),
            "p99": float(np.percentile(found, 99)),
            "max": float(found.max()),
        }


def wait(application: QCoreApplication, condition: Callable[[], bool], seconds: float) -> None:
    """Turn the event loop until the condition holds."""
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            raise SystemExit(f"not within {seconds} s")
        application.processEvents()
        time.sleep(0.0005)


def press(name: str) -> None:
    """Press a button or trigger an action by its object name."""
    for top in QApplication.topLevelWidgets():
        found = top if top.objectName() == name else top.findChild(QObject, name)
        if found is not None:
            QTimer.singleShot(0, found.trigger if isinstance(found, QAction) else found.click)
            return
    raise SystemExit(f"no {name} in the window")


def has_live_point() -> bool:
    """Whether a step of the run was logged; the view draws it within a tenth of a second."""
    logs = Path(os.environ["NASCOPE_HOME"]).rglob("events.jsonl")
    return any('"type":"step"' in log.read_text() for log in logs)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    application = QApplication(sys.argv[:1])
    from app.main import make_window

    window = make_window()
    window.show()
    wait(application, window.isVisible, 20)
    application.processEvents()
    window_seconds = time.perf_counter() - BEGIN

    late = Lateness()
    begin = time.perf_counter()
    wait(application, lambda: time.perf_counter() - begin > 5, 10)
    idle = late.take()

    begin = time.perf_counter()
    press("start_demo")
    wait(application, has_live_point, 120)
    first_point_seconds = time.perf_counter() - begin
    late.take()
    begin = time.perf_counter()
    wait(application, lambda: time.perf_counter() - begin > seconds, seconds + 60)
    searching = late.take()
    press("stop")
    wait(application, lambda: window.state() == "stopped", 60)
    window.close()
    wait(application, lambda: not window.isVisible(), 20)
    result = {
        "question": "window_smoothness", "date": time.strftime("%Y-%m-%d"), "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(), "platform": application.platformName(), "window_seconds": window_seconds,
        "first_live_point_seconds": first_point_seconds, "timer_late_ms_idle": idle, "timer_late_ms_searching": searching,
        "ratio_p99": searching["p99"] / max(idle["p99"], 1e-3),
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    with Path(__file__).with_name("results.jsonl").open("a") as file:
        file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
