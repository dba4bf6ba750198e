"""Does a curve panel stay as quick with a million points as with ten thousand?

Runs offscreen; takes in 100 new steps and draws, for both lengths in turn, and prints the ratio of the medians.

    python benchmarks/live_plot.py [POINTS]
"""

# ruff: noqa: E402  # The platform and the path must be set before Qt and the package are imported.
from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np
import pyqtgraph
import PySide6
from PySide6.QtWidgets import QApplication

from app.live.curves import CurvePanel
from app.run_model import RunModel
from app.selection import Selection
from engine.runs import Event

SHORT = 10_000
EPOCHS = 50
FRESH = 100
ROUNDS = 40
FRAME_MS = 16.0


def panel_with(points: int) -> tuple[CurvePanel, RunModel]:
    """A panel of 900x400 over a run of this many steps, in the middle of its schedule."""
    model = RunModel(Path("run"), {"kind": "retrain", "epochs": EPOCHS})
    steps_per_epoch = max(1, 2 * points // EPOCHS)
    model.feed([Event(0.0, 0, 0, "started", {"steps_per_epoch": steps_per_epoch})])
    draw = np.random.default_rng(0)
    losses = 0.3 + 2 * np.exp(-np.arange(points) / points) + 0.1 * draw.standard_normal(points)
    model.feed(
        Event(step * 0.1, step, step // steps_per_epoch, "step", {"loss": loss})
        for step, loss in enumerate(losses.tolist())
    )
    panel = CurvePanel(Selection())
    panel.resize(900, 400)
    panel.set_model(model)
    panel.show()
    QApplication.processEvents()
    return panel, model


def update(panel: CurvePanel, model: RunModel) -> float:
    """Milliseconds from new steps to painted pixels, without the parsing of the log."""
    step = model.history.step + 1
    model.feed(
        [Event(0.1 * (step + more), step + more, 0, "step", {"loss": 1.0 + 0.001 * more}) for more in range(FRESH)]
    )
    began = time.perf_counter()
    panel._refresher.now()
    panel.plot.viewport().repaint()
    return (time.perf_counter() - began) * 1000


def slide(panel: CurvePanel, weight: float) -> float:
    """Milliseconds of a move of the smoothing slider."""
    began = time.perf_counter()
    panel.set_smoothing(weight)
    panel._refresher.now()
    panel.plot.viewport().repaint()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure both lengths in turn, print, and append a line to results.jsonl."""
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    application = QApplication.instance() or QApplication([])
    runs = {length: panel_with(length) for length in (SHORT, points)}
    times: dict[tuple[str, int], list[float]] = {}
    for number in range(ROUNDS):
        for length, (panel, model) in runs.items():
            times.setdefault(("update", length), []).append(update(panel, model))
            times.setdefault(("slider", length), []).append(slide(panel, 0.9 + 0.001 * (number % 2)))
    found = {}
    for (what, length), taken in times.items():
        tenths = statistics.quantiles(taken, n=10)
        found[f"{what}_{length}_ms"] = {"median": round(statistics.median(taken), 2), "p90": round(tenths[-1], 2)}
        print(f"{what:7} {length:>9,} points: median {statistics.median(taken):6.2f} ms, p90 {tenths[-1]:6.2f} ms")
    ratio = statistics.median(times["update", points]) / statistics.median(times["update", SHORT])
    verdict = "within" if statistics.median(times["update", points]) <= FRAME_MS else "beyond"
    print(f"update ratio {points:,} : {SHORT:,} = {ratio:.2f}; {verdict} one frame of {FRAME_MS:.0f} ms")
    result = {
        "benchmark": "live_plot", "unix_seconds": round(time.time()), "machine": platform.machine(), "processors": os.cpu_count(),
        "versions": {"python": platform.python_version(), "pyside6": PySide6.__version__, "pyqtgraph": pyqtgraph.__version__, "numpy": np.__version__},
        "update_ratio": round(ratio, 2), **found,
    }  # fmt: skip
    with (ROOT / "benchmarks" / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    for panel, _ in runs.values():
        panel.close()
    assert application is not None


if __name__ == "__main__":
    main()
