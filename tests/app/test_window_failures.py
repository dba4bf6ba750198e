"""What the window says when something goes wrong with a run, and for how long."""

from __future__ import annotations

import json
import shutil

import pytest
from fake_run import fake_config, write_fake_run
from pressing import trigger
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton

from engine.runs import RunFolder, give_order


def notice(window) -> str:
    return "" if window.frame.notice.isHidden() else window.frame.notice._text.text()


@pytest.fixture
def searched(home):
    return write_fake_run(home / "runs" / "searched", method="darts", epochs=4, done=4, state="finished")


@pytest.fixture
def failed(home):
    error = {"what": "Out of memory.", "where": "epoch 3 of 4", "mend": "Lower batch_size."}
    return write_fake_run(home / "runs" / "failed", method="darts", epochs=4, done=2, state="failed", error=error)


def test_a_failed_run_says_why_whenever_it_is_shown(qtbot, open_window, searched, failed):
    window = open_window()
    window.show_run(failed.path)
    qtbot.waitUntil(lambda: "Out of memory. Lower batch_size." in notice(window), timeout=10_000)

    window.findChild(QPushButton, "notice_copy_report").click()
    assert "Out of memory." in QApplication.clipboard().text()

    window.show_run(searched.path)
    assert notice(window) == ""
    window.show_run(failed.path)
    qtbot.waitUntil(lambda: "Out of memory." in notice(window), timeout=10_000)


def test_a_dismissed_reason_stays_away_while_the_run_is_on_screen(qtbot, open_window, failed):
    window = open_window()
    window.show_run(failed.path)
    qtbot.waitUntil(lambda: "Out of memory." in notice(window), timeout=10_000)

    window.frame.notice.hide()
    window._state_changed(failed.path)

    assert notice(window) == ""


@pytest.mark.parametrize("text", ['{"kind": "sea', '{"kind": "search", "nodes": "many", "method": 3}'])
def test_a_run_with_a_broken_configuration_is_refused_in_words(qtbot, open_window, searched, failed, text):
    (failed.path / "config.json").write_text(text)
    window = open_window()
    window.show_run(searched.path)

    window.show_run(failed.path)

    assert window.model.path == searched.path
    assert "config.json" in notice(window)
    window.show_nothing()
    assert notice(window) == ""


def test_a_run_whose_folder_was_deleted_leaves_the_screen(qtbot, open_window, searched):
    window = open_window()
    window.show_run(searched.path)
    qtbot.waitUntil(lambda: window.frame.library.run(searched.path) is not None, timeout=10_000)

    shutil.rmtree(searched.path)

    qtbot.waitUntil(lambda: window.model is None, timeout=10_000)
    assert "is gone" in notice(window)
    assert str(searched.path) in notice(window)
    assert window.frame.page is window.frame.welcome


def test_an_engine_that_loses_its_folder_ends_and_the_window_says_so(qtbot, open_window, home):
    window = open_window(seconds_a_step=0.02)
    run = RunFolder.create(home / "runs" / "lost", fake_config(epochs=500))
    window.queue.add(run.path)
    window.show_run(run.path)
    qtbot.waitUntil(lambda: window.state() == "running", timeout=20_000)

    shutil.rmtree(run.path)

    qtbot.waitUntil(lambda: window.sessions.engines() == [] and window.model is None, timeout=20_000)
    assert "gone" in notice(window)


def test_pause_answers_at_once_also_where_a_step_takes_long(qtbot, open_window, home):
    window = open_window(seconds_a_step=0.5)
    run = RunFolder.create(home / "runs" / "slow", fake_config(epochs=50))
    window.queue.add(run.path)
    window.show_run(run.path)
    qtbot.waitUntil(lambda: window.state() == "running", timeout=20_000)

    trigger(qtbot, window, "pause")

    assert window.state() == "pausing"
    assert not window.commands["pause"].isEnabled()
    assert window.commands["pause"].text() == "Pausing…"
    qtbot.waitUntil(lambda: window.state() == "paused", timeout=20_000)
    trigger(qtbot, window, "resume")
    qtbot.waitUntil(lambda: window.state() == "running", timeout=20_000)


def test_a_stop_from_a_shell_is_seen_before_it_is_obeyed(qtbot, open_window, home):
    window = open_window(seconds_a_step=0.6)
    run = RunFolder.create(home / "runs" / "slow", fake_config(epochs=50))
    window.queue.add(run.path)
    window.show_run(run.path)
    qtbot.waitUntil(lambda: window.state() == "running", timeout=20_000)
    seen = []
    window.model.status_changed.connect(lambda: seen.append(window.state()))

    give_order(run.path, "stop")

    qtbot.waitUntil(lambda: window.state() == "stopped", timeout=20_000)
    assert "stopping" in seen


def test_the_trash_is_asked_for_by_name_and_can_be_refused(qtbot, open_window, searched, monkeypatch):
    window = open_window()
    window.show_run(searched.path)
    qtbot.waitUntil(lambda: window.frame.library.run(searched.path) is not None, timeout=10_000)
    asked = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box.text()))

    trigger(qtbot, window, "trash")

    assert asked == [f"Put «{window.model.title}» in the trash?"]
    assert searched.path.exists()


def test_a_retraining_of_a_retraining_still_knows_its_search(qtbot, open_window, home, searched):
    window = open_window()
    window.show_run(searched.path)
    qtbot.waitUntil(lambda: window.shown_genotype() is not None, timeout=10_000)
    first = window.control.start(window.work.retrain_draft())
    qtbot.waitUntil(lambda: RunFolder(first).status().state == "finished", timeout=20_000)
    window.show_run(first)

    draft = window.work.retrain_draft()

    assert json.loads((first / "config.json").read_text())["search_run"] == str(searched.path)
    assert draft.config.search_run == str(searched.path)


def test_what_could_not_be_opened_is_told_though_something_else_was(qtbot, open_window, searched, tmp_path):
    window = open_window()

    window.work.open_all([str(tmp_path / "nowhere.json"), str(searched.path)])

    assert window.model.path == searched.path
    assert "nowhere.json" in notice(window)
