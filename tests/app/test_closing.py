"""Closing the window while a run goes on."""

from __future__ import annotations

import psutil
import pytest
from fake_run import fake_config
from pressing import trigger
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.dialogs.close_question import CloseQuestion
from engine.runs import RunFolder, give_order


@pytest.fixture
def running(qtbot, open_window, home):
    """A window with a run at work, and the run, which is long: it must not end by itself while a loaded machine waits."""
    window = open_window(seconds_a_step=0.02)
    run = RunFolder.create(home / "runs" / "one", fake_config(epochs=100_000))
    window.queue.add(run.path)
    window.show_run(run.path)
    qtbot.waitUntil(lambda: window.state() == "running", timeout=20_000)
    return window, run


def press(qtbot, window, answer):
    window.close()
    question = window.findChild(CloseQuestion, "close_question")
    assert question is not None
    assert window.isVisible()
    qtbot.mouseClick(question.findChild(QPushButton, f"close_{answer}"), Qt.MouseButton.LeftButton)


def test_cancel_leaves_everything_as_it_is(qtbot, running):
    window, run = running

    press(qtbot, window, "cancel")

    assert window.isVisible()
    assert run.status().alive
    assert window.state() == "running"


def test_stop_and_save_stops_the_run_then_closes(qtbot, running):
    window, run = running

    press(qtbot, window, "stop")

    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    assert run.status().state == "stopped"


def test_keep_running_closes_and_the_next_window_finds_the_run(qtbot, running, open_window):
    window, run = running
    pid = run.status().pid

    press(qtbot, window, "keep")
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)

    try:
        assert run.status().alive
        step = run.status().step
        second = open_window()
        qtbot.waitUntil(lambda: second.model is not None and second.model.path == run.path, timeout=30_000)
        qtbot.waitUntil(lambda: second.state() == "running", timeout=30_000)
        assert second.sessions.engines() == []
        qtbot.waitUntil(lambda: second.model.history.step > step, timeout=30_000)
        trigger(qtbot, second, "stop")
        qtbot.waitUntil(lambda: second.state() == "stopped", timeout=20_000)
    finally:
        if psutil.pid_exists(pid):
            give_order(run.path, "stop")
            psutil.Process(pid).wait(10)


def test_a_window_without_work_closes_unasked(open_window):
    window = open_window()

    window.close()

    assert not window.isVisible()


def test_a_detached_run_of_another_window_fills_the_slot(qtbot, running, open_window, home):
    window, run = running
    press(qtbot, window, "keep")
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    try:
        second = open_window()
        qtbot.waitUntil(lambda: second.model is not None, timeout=10_000)
        waiting = RunFolder.create(home / "runs" / "two", fake_config(epochs=2))

        second.queue.add(waiting.path)

        assert second.queue.waiting() == [waiting.path]
        give_order(run.path, "stop")
        qtbot.waitUntil(lambda: waiting.status().state == "finished", timeout=20_000)
    finally:
        give_order(run.path, "stop")


@pytest.mark.parametrize(
    ("titles", "studies", "waiting", "words"),
    [
        (["one"], [], 1, ["«one» is running.", "it can be resumed", "1 run waits in the queue: it starts"]),
        (["one", "two"], [], 2, ["2 runs go on.", "each can be resumed", "they go on", "2 runs wait in the queue: they start"]),
        (["one"], ["st"], 0, ["1 run and 1 study go on.", "each can be resumed"]),
        ([], ["s", "t"], 0, ["2 studies go on."]),
        (["one", "two"], ["s", "t"], 0, ["2 runs and 2 studies go on."]),
    ],
)  # fmt: skip
def test_the_question_counts_right(qtbot, titles, studies, waiting, words):
    question = CloseQuestion(titles, waiting, studies)
    qtbot.addWidget(question)
    text = " ".join(label.text() for label in question.findChildren(QLabel))
    assert [word for word in words if word not in text] == []
