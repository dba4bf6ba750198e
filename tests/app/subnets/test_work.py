"""Children that select, test and export: what is launched, how it is followed, how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QWidget
from subnet_runs import SPACE, rows_of

from app.subnets.panel import SubnetPanel
from app.subnets.select_dialog import SelectWish
from app.subnets.work import SubnetWork
from engine.runs import RunFolder
from engine.subnets.architecture import smallest

ENGINE = """
import json, pathlib, sys, time
mode, lines, log, *words = sys.argv[1:]
pathlib.Path(log).write_text(json.dumps(words))
if mode == "refuse":
    print(json.dumps({"error": {"what": "nothing is so small.", "where": "macs", "mend": "Take more."}}))
    sys.exit(2)
if mode == "crash":
    print("Traceback ...", file=sys.stderr)
    print("RuntimeError: broken", file=sys.stderr)
    sys.exit(1)
run = pathlib.Path(words[1])
if words[0] == "select":
    for line in pathlib.Path(lines).read_text().splitlines():
        with (run / "subnets.jsonl").open("a") as file:
            file.write(line + "\\n")
        time.sleep(0.01)
    if mode == "forever":
        time.sleep(600)
    print(json.dumps({"evaluated": 8, "subnets": [{"accuracy_percent": 97.25, "macs": 790000}], "random": {"accuracy_percent": 96.5}}))
elif words[0] == "test":
    pathlib.Path(log + ".record").write_text(pathlib.Path(words[3]).read_text())
    with (run / "results.jsonl").open("a") as file:
        file.write(json.dumps({"what": "test", "t": 1.0, "accuracy_percent": 95.0, "subnet": json.loads(pathlib.Path(words[3]).read_text())}) + "\\n")
    print(json.dumps({"accuracy_percent": 95.0, "tests_so_far": 2}))
else:
    pathlib.Path(words[words.index("--out") + 1]).write_text("network")
"""


class Window(QWidget):
    """What the work needs of the main window."""

    def __init__(self):
        super().__init__()
        self.said = []
        self.notices = self

    def tell(self, text, tone="warn", ways_out=(), *, about=None, passes=False):
        self.said.append((text, tone, about))


@pytest.fixture
def bench(qtbot, make_run, tmp_path):
    """Window, panel, work and a way to say what the next child does."""
    model = make_run(rows=rows_of(4))
    lines = tmp_path / "lines"
    lines.write_text("".join(json.dumps(row.as_json()) + "\n" for row in rows_of(8, 9)))

    class Bench:
        mode = "run"
        log = tmp_path / "words"

        def words(self):
            return json.loads(self.log.read_text())

    bench = Bench()
    bench.window, bench.panel, bench.model = Window(), SubnetPanel(), model
    qtbot.addWidget(bench.window)
    qtbot.addWidget(bench.panel)
    bench.work = SubnetWork(
        bench.window, lambda words: [sys.executable, "-c", ENGINE, bench.mode, str(lines), str(bench.log), *words]
    )
    bench.work.connect_panel(bench.panel)
    bench.panel.set_model(model)
    qtbot.waitUntil(lambda: len(bench.panel.points.entries) == 4, timeout=5_000)
    yield bench
    bench.panel.set_model(None)
    bench.work.close()


def ended(qtbot, bench):
    qtbot.waitUntil(lambda: not bench.work.is_busy(bench.model.path), timeout=20_000)


def test_a_search_is_followed_to_its_end(qtbot, bench):
    bench.panel.select_wanted.emit(bench.model.path, SelectWish(evaluations=8, macs="0.8M"))
    assert bench.panel.bar.button.text() == "Cancel"
    assert bench.work.is_busy(bench.model.path)
    assert bench.work.running() == [bench.model.path]
    assert not bench.panel.chosen.test_button.isEnabled()

    ended(qtbot, bench)

    assert bench.words() == ["select", str(bench.model.path), "--evaluations", "8", "--macs", "0.8M", "--json"]  # fmt: skip
    text, tone, about = bench.window.said[-1]
    assert text == (
        "The selection ended: 8 networks measured, 1 on the front. Best: 97.2 % at 0.790 M multiply-adds; the best of as many random ones: 96.5 %."
    )
    assert (tone, about) == ("ok", bench.model.path)
    assert len(bench.panel.points.entries) == 10  # Both ends were known.
    assert bench.panel.bar.button.text().startswith("Select")
    assert bench.panel.chosen.test_button.isEnabled()


def test_cancel_ends_the_child_and_keeps_what_was_measured(qtbot, bench):
    bench.mode = "forever"
    others = set(psutil.Process().children())
    bench.work.select(bench.model.path, SelectWish())
    qtbot.waitUntil(lambda: "8 measured, of 128 at most" in bench.panel.bar.progress.text(), timeout=20_000)
    children = set(psutil.Process().children()) - others
    assert children

    bench.panel.bar.button.click()
    ended(qtbot, bench)

    assert bench.window.said[-1][:2] == ("The selection was cancelled; 8 networks were measured and are kept.", "text")
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert len(bench.panel.points.entries) == 10


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("refuse", "The selection failed: nothing is so small. Take more."),
        ("crash", "The selection failed: RuntimeError: broken"),
    ],
)
def test_a_failure_is_told_in_words(qtbot, bench, mode, says):
    bench.mode = mode
    bench.work.select(bench.model.path, SelectWish())
    ended(qtbot, bench)

    assert bench.window.said[-1][:2] == (says, "danger")


def test_a_command_that_cannot_start_is_told_too(qtbot, bench):
    bench.work._command = lambda words: ["/no/such/program"]
    bench.work.select(bench.model.path, SelectWish())
    ended(qtbot, bench)

    assert bench.window.said[-1][1] == "danger"


def test_a_test_hands_over_the_record_and_its_result_is_shown(qtbot, bench):
    bench.panel.choose(bench.panel.points.role("smallest"))
    told = []
    bench.work.tested.connect(told.append)

    bench.panel.chosen.test_button.click()
    assert bench.panel.chosen.test_button.text() == "Testing…"
    ended(qtbot, bench)

    words = bench.words()
    assert words[:3] == ["test", str(bench.model.path), "--subnet"]
    assert words[4:] == ["--json"]
    assert json.loads(Path(f"{bench.log}.record").read_text()) == smallest(SPACE).as_json()
    assert not Path(words[3]).exists()
    assert "touched 2 times" in bench.window.said[-1][0]
    assert told == [bench.model.path]
    assert "test accuracy: 95.00 %" in bench.panel.chosen.facts.text()


def test_exports_are_written_by_a_child_and_the_record_at_once(qtbot, bench, tmp_path):
    network = smallest(SPACE)
    bench.work.export(bench.model.path, network, "onnx", tmp_path / "net.onnx")
    ended(qtbot, bench)
    assert bench.words()[4:] == ["--format", "onnx", "--out", str(tmp_path / "net.onnx")]
    assert bench.window.said[-1][:2] == ("Written: net.onnx", "ok")

    bench.work.export(bench.model.path, network, "json", tmp_path / "net.json")
    assert json.loads((tmp_path / "net.json").read_text()) == network.as_json()
    assert not bench.work.is_busy(bench.model.path)

    bench.work.export(bench.model.path, network, "json", tmp_path / "none" / "net.json")
    assert bench.window.said[-1][1] == "danger"


def test_one_thing_at_a_time_for_a_run(qtbot, bench):
    bench.mode = "forever"
    bench.work.select(bench.model.path, SelectWish())
    bench.work.test(bench.model.path, smallest(SPACE))

    assert "already" in bench.window.said[-1][0]


def test_closing_ends_children_at_once(qtbot, bench):
    bench.mode = "forever"
    others = set(psutil.Process().children())
    bench.work.select(bench.model.path, SelectWish())
    qtbot.waitUntil(lambda: bool(set(psutil.Process().children()) - others), timeout=10_000)

    bench.work.close()

    left = set(psutil.Process().children()) - others
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]
    assert not bench.work.running()


def test_a_panel_that_comes_back_to_the_run_sees_the_work(qtbot, bench, make_run):
    bench.mode = "forever"
    other = make_run(name="other")
    bench.work.select(bench.model.path, SelectWish())
    bench.panel.set_model(other)
    assert bench.panel.bar.button.text() != "Cancel"

    bench.panel.set_model(bench.model)

    assert bench.panel.bar.button.text() == "Cancel"
    assert RunFolder(bench.model.path).path == bench.panel.path
