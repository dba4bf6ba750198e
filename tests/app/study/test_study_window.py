"""A study in the window: table, curves, library, opening, start and stop."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton

from app.dialogs.close_question import CloseQuestion
from app.opening import recognize
from app.study.plot import StudyPlot
from app.study.tree import StudyTree
from engine.config.study import check_study
from engine.runs import Event, EventWriter, RunFolder, give_order
from engine.runs.control import read_control
from engine.runs.folder import EVENTS
from engine.study.folder import StudyFolder
from engine.study.make import make_run
from engine.study.plan import members

TINY = {"epochs": 2, "channels": 4, "layers": 3}
WORDS = {"data": "digits", "methods": ["darts"], "seeds": 2, "search": TINY, "retrain": TINY, "test": False}


def log_epochs(run, values):
    log = EventWriter(run.path / EVENTS)
    log.write(Event(time.time(), 0, 0, "started", {"steps_per_epoch": 1, "parameters": 1234}))
    for epoch, value in enumerate(values):
        log.write(Event(time.time(), epoch, epoch, "epoch", {"validation_accuracy_percent": value}))
    log.close()


def finish(run, values):
    log_epochs(run, values)
    status = replace(
        run.status(), state="finished", epoch=2, epochs=2, step=2, seconds=90.0, heartbeat=time.time(),
        metrics={"validation_accuracy_percent": values[-1], "validation_split": "validation"},
    )  # fmt: skip
    run.write_status(status)


@pytest.fixture
def study(home):
    """A study in the library of which the searches are done, the cells of both random draws, and one retraining."""
    from engine.genotype.named import named

    config = check_study(WORDS)
    folder = StudyFolder.create(home / "runs" / "my-study", config)
    for member in members(config):
        if member.kind == "search":
            run = make_run(config, folder.path, member)
            run.write_genotype(named("DARTS_V2"))
            finish(run, [30.0, 50.0 + member.own_seed])
    first = next(member for member in members(config) if member.id == "darts/seed-0/retrain-0")
    finish(make_run(config, folder.path, first), [60.0, 88.0])
    folder.write_status(replace(folder.status(), state="stopped"))
    return folder


def shown(qtbot, window, folder):
    window.show_study(folder.path)
    view = window.frame.study_view
    qtbot.waitUntil(lambda: view.results is not None, timeout=10_000)
    return view


def test_the_table_has_methods_members_and_numbers(qtbot, open_window, study):
    view = shown(qtbot, open_window(), study)

    rows = {row[0]: row for row in view.tree.texts()[:5]}

    assert rows["darts"][1] == "3 of 4"
    assert rows["darts"][2] == "88.00 (n=1)"
    assert rows["darts"][3] == "50.50 ± 0.71 (n=2)"
    assert rows["search, seed 1"][1:4] == ["finished", "–", "51.00"]
    assert rows["retraining, seed 0"][1:5] == ["finished", "88.00", "–", "1,234"]
    assert rows["retraining, seed 1"][1] == "ready"
    assert next(iter(rows)) == "darts"


def test_curves_are_coloured_by_method_and_grow_live(qtbot, open_window, study):
    window = open_window()
    view = shown(qtbot, window, study)
    assert [name for name, points in view.searches.drawn() if points == 2] == [
        "darts/seed-0/search", "random/seed-0/search", "darts/seed-1/search", "random/seed-1/search",
    ]  # fmt: skip
    assert view.retrainings.drawn() == [("darts/seed-0/retrain-0", 2)]
    assert {curve.place for curve in view.searches.curves} == {0, 1}

    member = next(entry for entry in members(study.config()) if entry.id == "darts/seed-1/retrain-1")
    run = make_run(study.config(), study.path, member)
    log_epochs(run, [41.0])
    view.look_now()
    qtbot.waitUntil(lambda: ("darts/seed-1/retrain-1", 1) in view.retrainings.drawn(), timeout=10_000)


def test_title_pill_and_library_tell_of_it(qtbot, open_window, study):
    window = open_window()
    shown(qtbot, window, study)

    assert window.windowTitle() == "Study my-study — nascope"
    entry = None

    def listed():
        nonlocal entry
        entry = window.frame.library.current()
        return entry is not None

    qtbot.waitUntil(listed, timeout=10_000)
    assert (entry.kind, entry.title, entry.line) == ("study", "my-study", "stopped · 5 of 8")
    kinds = [(row.kind, row.title) for row in window.frame.library.model.entries()]
    assert ("header", "Studies") in kinds
    assert not any(kind == "run" for kind, _ in kinds)  # Members stand in their study.


def test_a_double_click_on_a_member_opens_its_run(qtbot, open_window, study):
    window = open_window()
    view = shown(qtbot, window, study)
    tree = window.findChild(StudyTree, "study_table")
    item = tree.topLevelItem(0).child(1)
    assert item.text(0) == "retraining, seed 0"

    spot = tree.visualItemRect(item).center()
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=spot)

    assert window.model is not None
    assert window.model.path == study.path / "darts/seed-0/retrain-0"
    assert view.path is None  # The page let go of its thread.


def test_a_failed_member_says_why(qtbot, open_window, study):
    note = {"darts/seed-1/retrain-1": {"failed": True, "error": "out of memory", "attempts": 2}}
    study.write_status(replace(study.status(), state="failed", members=note))
    view = shown(qtbot, open_window(), study)
    item = next(
        item
        for number in range(view.tree.topLevelItem(0).childCount())
        if (item := view.tree.topLevelItem(0).child(number)).text(0) == "retraining, seed 1"
    )
    assert (item.text(1), item.toolTip(1)) == ("failed", "out of memory")
    assert "darts/seed-1/retrain-1 failed: out of memory" in view._remarks.text()
    assert view.start_button.text() == "Try again"


def fake_study(words):
    """A command that does what ``nascope study`` does at its start and end, and obeys a stop."""
    script = (
        "import sys, time; from dataclasses import replace; from pathlib import Path;"
        "from engine.study.folder import StudyFolder; from engine.runs.control import read_control;"
        "folder = StudyFolder(Path(sys.argv[2])); folder.write_status(folder.status().mine());"
        "end = time.time() + 20\n"
        "while time.time() < end and read_control(folder.path) is None: time.sleep(0.05)\n"
        "folder.write_status(replace(folder.status(), state='stopped')); sys.exit(3)"
    )
    return [sys.executable, "-c", script, *words]


def test_going_on_and_stopping(qtbot, open_window, study):
    window = open_window(command=fake_study)
    view = shown(qtbot, window, study)
    start = window.findChild(QPushButton, "study_start")
    stop = window.findChild(QPushButton, "study_stop")
    assert not start.isHidden()
    assert stop.isHidden()

    qtbot.mouseClick(start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not stop.isHidden(), timeout=20_000)
    assert start.isHidden()
    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)

    assert stop.text() == "Stopping…"
    assert read_control(study.path).order == "stop"
    qtbot.waitUntil(lambda: not window.studies._children, timeout=20_000)
    qtbot.waitUntil(lambda: view.results.state == "stopped", timeout=20_000)
    assert not start.isHidden()


def test_a_studys_file_is_started_after_a_question(qtbot, open_window, home, tmp_path, monkeypatch):
    started = []
    window = open_window(command=fake_study)
    monkeypatch.setattr(window.studies, "go_on", started.append)
    file = tmp_path / "three seeds.json"
    file.write_text(json.dumps(WORDS), encoding="utf-8")
    asked = []

    def answer(box):
        asked.append(box.text())
        buttons = {button.text(): button for button in box.buttons()}
        buttons["Start" if len(asked) > 1 else "Cancel"].click()

    monkeypatch.setattr(QMessageBox, "exec", answer)
    window.work.open_text(str(file))
    assert (started, asked) == ([], ["Start the study «three seeds»?"])

    window.work.open_text(str(file))
    view = window.frame.study_view
    assert started == [view.path]
    assert view.path.parent == home / "runs"
    assert StudyFolder(view.path).config().seeds == (0, 1)


def test_a_file_that_is_refused_says_why(qtbot, open_window, tmp_path):
    window = open_window()
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({**WORDS, "search": {"epoch": 3}}), encoding="utf-8")

    window.work.open_text(str(file))

    assert window.frame.study_view is None
    assert "Did you mean epochs?" in window.frame.notice.text


def test_what_is_a_study(study, tmp_path):
    file = tmp_path / "study.json"
    file.write_text(json.dumps(WORDS), encoding="utf-8")
    assert recognize(str(study.path)).kind == "study"
    assert recognize(str(study.path / "study.json")).path == study.path
    assert recognize(str(file)).kind == "study file"


def test_a_damaged_study_is_told(qtbot, open_window, study):
    (study.path / "study.json").write_text('{"methods": 3, "created": 1}', encoding="utf-8")
    window = open_window()
    window.show_study(study.path)
    view = window.frame.study_view
    qtbot.waitUntil(lambda: "study.json" in view._fault.text(), timeout=10_000)
    assert not view.page_button.isEnabled()


def test_both_themes_and_an_empty_plot(qtbot, open_window, study):
    from app.theme import manager

    view = shown(qtbot, open_window(), study)
    plot = view.findChild(StudyPlot, "study_searches")
    manager().set_choice("dark")
    before = plot.grab().toImage()
    manager().set_choice("light")
    assert plot.grab().toImage() != before
    plot.show_curves(())
    assert plot.drawn() == []


def test_run_folders_of_a_study_are_ordinary_runs(study):
    assert RunFolder.open(study.path / Path("darts/seed-0/search")).config().kind == "search"


def test_choosing_a_row_makes_its_curves_bold(qtbot, open_window, study):
    view = shown(qtbot, open_window(), study)
    qtbot.waitUntil(lambda: len(view.searches.curves) == 4, timeout=10_000)  # Those of the random row too.
    assert view.searches.bold() == []

    view.tree.setCurrentItem(view.tree.topLevelItem(0))
    assert view.searches.bold() == ["darts/seed-0/search", "darts/seed-1/search"]
    assert view.retrainings.bold() == ["darts/seed-0/retrain-0"]

    view.tree.setCurrentItem(view.tree.topLevelItem(0).child(0))
    assert view.tree.currentItem().text(0) == "search, seed 0"
    assert view.searches.bold() == ["darts/seed-0/search"]


def test_squares_have_the_colour_of_the_curves_in_both_themes(qtbot, open_window, study):
    from app.study.plot import curve_colour
    from app.theme import manager

    view = shown(qtbot, open_window(), study)
    for choice in ("dark", "light"):
        manager().set_choice(choice)
        icon = view.tree.topLevelItem(0).icon(0).pixmap(20, 20).toImage()
        assert icon.pixelColor(10, 10).name() == curve_colour(0).name()


def test_an_empty_plot_promises_and_has_no_numbers(qtbot, open_window, study):
    view = shown(qtbot, open_window(), study)
    view.retrainings.show_curves(())
    assert not view.retrainings._promise.isHidden()
    assert not view.retrainings._plot.getAxis("left").style["showValues"]
    assert view.height() > 600
    # What lies on the plot takes no room from the table.
    assert view.tree.height() > view.height() / 4


def test_the_study_on_screen_comes_back(qtbot, open_window, study):
    window = open_window()
    shown(qtbot, window, study)
    window.close()

    second = open_window()

    qtbot.waitUntil(lambda: second.study_path() == study.path, timeout=10_000)


def test_the_member_on_screen_comes_back(qtbot, open_window, study):
    window = open_window()
    member = study.path / "darts/seed-0/retrain-0"
    window.show_run(member)
    window.close()

    second = open_window()

    qtbot.waitUntil(lambda: second.model is not None and second.model.path == member, timeout=10_000)


@pytest.mark.parametrize("answer", ["stop", "keep"])
def test_closing_asks_about_a_study_that_goes_on(qtbot, open_window, study, answer):
    window = open_window(command=fake_study)
    view = shown(qtbot, window, study)
    qtbot.mouseClick(window.findChild(QPushButton, "study_start"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.results.state == "running", timeout=20_000)
    child = window.studies._children[study.path]

    window.close()
    assert window.isVisible()
    question = window.findChild(CloseQuestion, "close_question")
    assert any("The study «my-study» is running." in label.text() for label in question.findChildren(QLabel))
    qtbot.mouseClick(question.findChild(QPushButton, f"close_{answer}"), Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    if answer == "stop":
        assert child.poll() is not None
        assert study.status().state == "stopped"
    else:
        assert child.poll() is None
        give_order(study.path, "stop")
        child.wait(20)
