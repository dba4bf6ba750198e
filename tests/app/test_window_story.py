"""The window, by its buttons, with an engine that needs no torch."""

from __future__ import annotations

import json
import sys

import pytest
from fake_run import write_fake_run
from pressing import trigger
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QSpinBox

from app.forms.run_form import RunForm
from engine.runs import RunFolder
from engine.runs.control import read_control


def form_of(window) -> RunForm:
    form = window.findChild(RunForm, "run_form")
    assert form is not None
    return form


def start_search(qtbot, window, **values):
    """New run, fill, Start; returns the run's folder."""
    trigger(qtbot, window, "new_run")
    form = form_of(window)
    for name, value in values.items():
        field = form.findChild(QSpinBox, name)
        field.setValue(value)
    qtbot.mouseClick(form.findChild(QPushButton, "start"), Qt.MouseButton.LeftButton)
    assert window.model is not None
    return RunFolder(window.model.path)


def state_is(window, state):
    return lambda: window.model is not None and window.state() == state


def test_a_search_is_started_watched_retrained_and_both_end_finished(qtbot, open_window, home):
    had_torch = "torch" in sys.modules  # by another test of this process
    window = open_window()

    run = start_search(qtbot, window, epochs=3, channels=4, layers=3)
    qtbot.waitUntil(state_is(window, "finished"), timeout=20_000)

    assert run.path.parent == home / "runs"
    assert run.config().epochs == 3
    assert run.config_document()["command"].startswith("nascope search --method darts --data digits --set epochs=3")
    assert len(window.model.history.alphas_by_epoch()) == 3
    qtbot.waitUntil(window.commands["retrain"].isEnabled, timeout=5_000)

    trigger(qtbot, window, "retrain")
    form = form_of(window)
    form.findChild(QSpinBox, "epochs").setValue(2)
    qtbot.mouseClick(form.findChild(QPushButton, "start"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: state_is(window, "finished")() and window.model.kind == "retrain", timeout=20_000)

    retrained = RunFolder(window.model.path).config_document()
    assert retrained["search_run"] == str(run.path)
    assert retrained["genotype"]["normal"] == run.genotype().as_json()["normal"]
    assert retrained["genotype"]["source"]["epoch"] == 3  # As the engine counts: from 1.
    assert ("torch" in sys.modules) == had_torch


def test_stop_says_stopping_at_once_and_resume_goes_on_to_the_end(qtbot, open_window):
    window = open_window(seconds_a_step=0.05)
    run = start_search(qtbot, window, epochs=4)
    qtbot.waitUntil(state_is(window, "running"), timeout=20_000)

    trigger(qtbot, window, "stop")

    assert window.commands["stop"].text() == "Stopping…"
    assert not window.commands["stop"].isEnabled()
    qtbot.waitUntil(state_is(window, "stopped"), timeout=20_000)
    assert run.status().state == "stopped"

    assert window.commands["resume"].text() == "Resume"
    trigger(qtbot, window, "resume")
    qtbot.waitUntil(state_is(window, "finished"), timeout=20_000)
    steps = window.model.history.series["step.loss"].steps
    assert list(steps) == sorted(set(steps))


def test_a_stop_before_the_engine_looks_is_not_lost(qtbot, open_window):
    window = open_window(seconds_a_step=0.05)
    start_search(qtbot, window, epochs=30)
    assert window.state() == "starting"

    trigger(qtbot, window, "stop")

    assert window.state() == "stopping"
    qtbot.waitUntil(state_is(window, "stopped"), timeout=20_000)


def test_pause_and_resume_by_space(qtbot, open_window):
    window = open_window(seconds_a_step=0.03)
    start_search(qtbot, window, epochs=30)
    qtbot.waitUntil(state_is(window, "running"), timeout=20_000)
    window.setFocus()

    window._keys._space()
    qtbot.waitUntil(state_is(window, "paused"), timeout=20_000)
    assert window.frame.toolbar.pill.text.startswith("Paused")

    window._keys._space()
    qtbot.waitUntil(state_is(window, "running"), timeout=20_000)
    assert read_control(window.model.path).order == "run"


def test_stop_now_ends_an_engine_that_does_not_listen(qtbot, open_window, monkeypatch):
    monkeypatch.setattr("app.run_state.STOP_NOW_AFTER_SECONDS", 0.2)
    window = open_window("deaf", seconds_a_step=0.05)
    start_search(qtbot, window, epochs=50)
    qtbot.waitUntil(state_is(window, "running"), timeout=20_000)

    trigger(qtbot, window, "stop")
    qtbot.waitUntil(lambda: window.commands["stop"].text() == "Stop now", timeout=20_000)
    trigger(qtbot, window, "stop")

    qtbot.waitUntil(state_is(window, "interrupted"), timeout=20_000)
    qtbot.waitUntil(window.commands["resume"].isEnabled, timeout=5_000)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("crash", "crashed (SIGSEGV)"),
        ("killed", "out of memory"),
        ("error", "the fake engine broke"),
        ("refuse", "no such folder"),
    ],
)
def test_an_engine_that_dies_fails_its_run_with_the_reason_and_the_window_lives_on(qtbot, open_window, mode, words):
    window = open_window(mode)
    run = start_search(qtbot, window, epochs=3)

    qtbot.waitUntil(state_is(window, "failed"), timeout=20_000)

    status = json.loads((run.path / "status.json").read_text())
    assert status["state"] == "failed"
    assert words in status["error"]["what"]
    assert words in window.frame.notice.text
    copy = next(button for button in window.frame.notice.findChildren(QPushButton) if button.text() == "Copy report")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    from PySide6.QtGui import QGuiApplication

    assert str(run.path) in QGuiApplication.clipboard().text()
    qtbot.waitUntil(window.commands["new_run"].isEnabled, timeout=5_000)


def test_runs_wait_in_the_queue_and_start_one_after_the_other(qtbot, open_window):
    window = open_window(seconds_a_step=0.02)
    first = start_search(qtbot, window, epochs=3)
    second = start_search(qtbot, window, epochs=2)

    assert window.state() == "queued"
    assert window.queue.waiting() == [second.path]
    qtbot.waitUntil(state_is(window, "finished"), timeout=20_000)
    assert first.status().state == "finished"
    first_end = [event.t for event in window.sessions.show(first.path).history.of_type("finished")]
    assert first_end or first.status().state == "finished"


def test_a_finished_run_of_the_library_is_shown_when_it_is_chosen(qtbot, open_window, home):
    run = write_fake_run(
        home / "runs" / "old", method="pc-darts", done=5, epochs=5, state="finished", steps_per_epoch=4
    )
    window = open_window()
    library = window.frame.library
    qtbot.waitUntil(lambda: library.model.index_of(str(run.path)).isValid(), timeout=10_000)

    library.choose(str(run.path))

    qtbot.waitUntil(
        lambda: window.model is not None and len(window.model.history.alphas_by_epoch()) == 5, timeout=10_000
    )
    assert window.state() == "finished"
    assert window.frame.page is window.frame.run_view
    for name in [
        "loss_plot",
        "accuracy_plot",
        "heatmap_normal",
        "heatmap_reduction",
        "cell_normal",
        "cell_reduction",
        "epoch_slider",
        "inspector",
        "library",
    ]:
        assert window.findChild(object, name) is not None


def test_a_named_cell_is_shown_and_can_be_retrained(qtbot, open_window):
    window = open_window()
    window.frame.library.choose("PC_DARTS_cifar")

    trigger(qtbot, window, "retrain")
    form = form_of(window)
    form.findChild(QSpinBox, "epochs").setValue(2)
    qtbot.mouseClick(form.findChild(QPushButton, "start"), Qt.MouseButton.LeftButton)

    document = RunFolder(window.model.path).config_document()
    assert document["genotype"]["name"] == "PC_DARTS_cifar"
    assert "nascope retrain PC_DARTS_cifar" in document["command"]
    qtbot.waitUntil(state_is(window, "finished"), timeout=20_000)
    assert window.frame.page is window.frame.retrain_view


def test_the_demo_button_starts_the_digits_search(qtbot, open_window):
    window = open_window()

    qtbot.mouseClick(window.findChild(QPushButton, "start_demo"), Qt.MouseButton.LeftButton)

    config = RunFolder(window.model.path).config()
    assert (config.kind, config.data, config.method) == ("search", "digits", "darts")


def test_buttons_that_make_no_sense_say_why(open_window):
    window = open_window()

    for name in ("export", "retrain"):
        assert not window.commands[name].isEnabled()
        assert window.commands[name].toolTip() == "Choose a run or a cell first."
    assert not window.commands["pause"].isVisible()


def test_a_form_with_a_fault_cannot_start_and_names_it(qtbot, open_window):
    window = open_window()
    trigger(qtbot, window, "new_run")
    form = form_of(window)

    form.findChild(QComboBox, "method").setCurrentText("pc-darts")
    form.findChild(QSpinBox, "channels").setValue(6)
    start = form.findChild(QPushButton, "start")
    qtbot.waitUntil(lambda: not start.isEnabled(), timeout=5_000)

    assert "multiple of partial_channels" in start.toolTip()
    form.findChild(QSpinBox, "channels").setValue(8)
    qtbot.waitUntil(start.isEnabled, timeout=5_000)
    form.findChild(QLineEdit, "learning_rate").setText("3e-4")
    qtbot.waitUntil(lambda: form.draft.value("learning_rate") == 3e-4, timeout=5_000)
    form.reject()
