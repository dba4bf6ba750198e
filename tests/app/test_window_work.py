"""The window's other work: tests, names, trash, opening, layout, keys, themes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fake_run import fake_config, write_fake_run
from pressing import trigger
from PySide6.QtCore import QEvent, QFile, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QFocusEvent, QPalette
from PySide6.QtWidgets import QComboBox, QPushButton, QSpinBox

from app import settings
from app.dialogs.about import AboutDialog
from app.dialogs.report import ReportDialog
from app.dialogs.shortcuts import ShortcutSheet
from app.forms.run_form import RunForm
from app.labels import Label
from app.selection import Operation
from app.theme import manager
from engine.genotype.named import named
from engine.runs import RunFolder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def retrained(home):
    run = write_fake_run(home / "runs" / "retrained", kind="retrain", data="digits", epochs=3, done=3, state="finished")
    (run.path / "checkpoint-last.pt").write_bytes(b"fake")
    return run


@pytest.fixture
def searched(home):
    return write_fake_run(
        home / "runs" / "searched", method="pc-darts", epochs=8, done=8, state="finished", steps_per_epoch=4
    )


def show(qtbot, window, run):
    window.show_run(run.path)
    qtbot.waitUntil(
        lambda: window.state() == run.status().state and "finished" in window.model.history.last, timeout=10_000
    )


def test_a_test_is_done_by_a_child_and_counted_on_the_page(qtbot, open_window, retrained):
    script = "import sys; from pathlib import Path; from engine.runs import RunFolder; RunFolder(Path(sys.argv[2])).add_result('test', split='test', images=360, accuracy_percent=97.5, loss=0.1)"
    window = open_window(command=lambda words: [sys.executable, "-c", script, *words])
    show(qtbot, window, retrained)
    page = window.frame.retrain_view
    assert page._counted.text() == "The test split was not touched so far."

    trigger(qtbot, window, "test")
    assert window.commands["test"].text() == "Testing…"
    assert not window.commands["test"].isEnabled()

    qtbot.waitUntil(lambda: window.commands["test"].isEnabled(), timeout=20_000)
    assert page._number.text() == "97.5 %"
    assert page._counted.text() == "The test split was touched once."


def test_a_test_that_fails_says_why(qtbot, open_window, retrained):
    answer = json.dumps(
        {"error": {"what": "the network has 10 classes, the data 3.", "where": "data", "mend": "Use its own."}}
    )
    window = open_window(command=lambda words: [sys.executable, "-c", f"import sys; print({answer!r}); sys.exit(2)"])
    show(qtbot, window, retrained)

    trigger(qtbot, window, "test")

    qtbot.waitUntil(lambda: "10 classes" in window.frame.notice.text, timeout=20_000)


def test_a_retraining_in_training_cannot_be_tested(open_window, home):
    run = write_fake_run(home / "runs" / "r", kind="retrain", data="digits", epochs=3, done=1, state="running")
    window = open_window()
    window.show_run(run.path)

    assert window.commands["test"].isVisible()
    assert not window.commands["test"].isEnabled()


def test_a_renamed_and_tagged_run_shows_it(qtbot, open_window, searched):
    window = open_window()
    show(qtbot, window, searched)

    window.control.rename(searched.path, "my favourite")
    window.control.tag(searched.path, ["paper", " paper ", "x"])

    assert window.frame.toolbar._title.text() == "my favourite"
    assert searched.meta()["tags"] == ["paper", "x"]
    qtbot.waitUntil(
        lambda: "paper" in (window.frame.library.current().line if window.frame.library.current() else ""),
        timeout=10_000,
    )


def test_a_run_goes_to_the_trash_and_leaves_the_screen(qtbot, open_window, searched, monkeypatch, tmp_path):
    monkeypatch.setattr(
        QFile, "moveToTrash", staticmethod(lambda path: (bool(Path(path).rename(tmp_path / "trashed")), ""))
    )
    window = open_window()
    show(qtbot, window, searched)

    assert window.control.trash(searched.path)

    assert window.model is None
    assert (tmp_path / "trashed" / "config.json").exists()


def test_where_there_is_no_trash_the_run_stays_and_the_notice_says_so(qtbot, open_window, searched, monkeypatch):
    monkeypatch.setattr(QFile, "moveToTrash", staticmethod(lambda path: (False, "")))
    window = open_window()
    show(qtbot, window, searched)

    assert not window.control.trash(searched.path)

    assert searched.path.exists()
    assert "could not be put in the trash" in window.frame.notice.text


def test_a_run_at_work_is_not_trashed(open_window, home):
    run = write_fake_run(home / "runs" / "live", state="running", done=1, epochs=3)
    window = open_window()

    assert not window.control.trash(run.path)
    assert "Stop it first" in window.frame.notice.text


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dropEvent(
        QDropEvent(
            QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )


def test_a_dropped_genotype_is_shown_and_listed(qtbot, open_window, tmp_path):
    file = tmp_path / "cell.json"
    file.write_text(json.dumps(named("DARTS_V1").named("mine").as_json()))
    window = open_window()

    drop(window, file)

    assert window.shown_genotype().same_cells(named("DARTS_V1"))
    assert window.frame.library.current().title == "mine"
    qtbot.waitUntil(window.commands["retrain"].isEnabled, timeout=5_000)


def test_an_opened_file_is_listed_again_until_it_is_put_away(qtbot, open_window, tmp_path):
    file = tmp_path / "cell.json"
    file.write_text(json.dumps(named("DARTS_V1").named("mine").as_json()))
    first = open_window()
    drop(first, file)
    first.close()

    second = open_window()
    qtbot.waitUntil(lambda: second.frame.library.model.index_of(str(file)).isValid(), timeout=10_000)
    second.work.trash_entry(second.frame.library.model.entry(second.frame.library.model.index_of(str(file))))

    assert not second.frame.library.model.index_of(str(file)).isValid()
    assert file.exists()
    assert settings.recent() == []


def test_a_dropped_run_folder_is_followed_wherever_it_lies(qtbot, open_window, tmp_path):
    run = write_fake_run(tmp_path / "elsewhere" / "run", state="finished", done=2, epochs=2)
    window = open_window()

    drop(window, run.path)

    assert window.model.path == run.path
    assert settings.recent() == [run.path]
    qtbot.waitUntil(lambda: window.frame.library.model.index_of(str(run.path)).isValid(), timeout=10_000)


def test_a_dropped_configuration_fills_the_form(open_window, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"kind": "search", "method": "pc-darts", "data": "digits", "epochs": 11}))
    window = open_window()

    drop(window, file)

    form = window.findChild(RunForm, "run_form")
    assert form.findChild(QSpinBox, "epochs").value() == 11
    assert form.findChild(QComboBox, "method").currentText() == "PC-DARTS"
    form.reject()


def test_dropped_images_become_the_data_of_a_new_search(open_window, tmp_path):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    window = open_window()

    drop(window, tmp_path / "photos")

    form = window.findChild(RunForm, "run_form")
    assert form.draft.data == f"image-folder:{tmp_path / 'photos'}"
    assert form.findChild(QComboBox, "data").currentText() == form.draft.data
    form.reject()


def test_what_cannot_be_opened_is_named(open_window, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("nothing of the kind")
    window = open_window()

    drop(window, file)

    assert str(file) in window.frame.notice.text


def test_the_inspector_folds_in_little_room_and_opens_on_a_click(qtbot, open_window, searched):
    window = open_window()
    show(qtbot, window, searched)
    assert window.frame.inspector_panel.isVisible()

    window.resize(1200, 800)
    assert not window.frame.inspector_panel.isVisible()
    edge = window.model.genotype(None).normal.nodes[0][0]
    window.selection.select(Operation("normal", edge.source, 0, edge.primitive))
    assert window.frame.inspector_panel.isVisible()

    window.selection.select(None)
    assert not window.frame.inspector_panel.isVisible()


def test_rows_become_tabs_in_a_small_window(qtbot, open_window, searched):
    window = open_window()
    show(qtbot, window, searched)
    view = window.frame.run_view
    assert view.heatmaps[0].isVisible()

    window.resize(1000, 620)

    assert view.rows.is_compact
    assert view.loss.isVisible()
    assert not view.heatmaps[0].isVisible()
    view.rows.tabs.setCurrentIndex(2)
    assert view.heatmaps[0].isVisible()


def test_left_and_right_step_through_the_epochs(qtbot, open_window, searched):
    window = open_window()
    show(qtbot, window, searched)

    window._keys._epoch_back()
    window._keys._epoch_back()
    assert window.selection.epoch == 5
    window._keys._epoch_on()
    assert window.selection.epoch == 6
    window._keys._epoch_newest()
    assert window.selection.epoch is None


def test_the_cells_of_an_earlier_epoch_can_be_retrained(qtbot, open_window, searched):
    window = open_window()
    show(qtbot, window, searched)
    window.selection.show_epoch(4)

    draft = window.work.retrain_draft()

    assert draft.genotype.same_cells(window.model.genotype(4))
    assert draft.genotype.source["epoch"] == 5  # Epochs inside count from 0, those in a genotype from 1.


def test_a_theme_reaches_every_label(open_window):
    window = open_window()
    labels = window.findChildren(Label)

    manager().set_choice("dark")
    try:
        dark = {label.palette().color(QPalette.ColorRole.WindowText).name().upper() for label in labels}
    finally:
        manager().set_choice("light")

    assert len(labels) > 10
    assert dark <= {"#E7EAED", "#A0A9B3", "#6D7680", "#6C9EFF", "#5CC48D", "#F0A94B", "#FF7B84"}


def test_dialogs_open_and_copy(qtbot, open_window, qapp):
    window = open_window()
    for dialog in (ShortcutSheet(window), AboutDialog(window), ReportDialog("title", "sentence", "the text", window)):
        dialog.open()
        if not isinstance(dialog, ShortcutSheet):
            dialog.copy()
        dialog.accept()

    assert qapp.clipboard().text() == "the text"


def test_the_window_opens_again_with_what_was_shown(qtbot, open_window, searched):
    first = open_window()
    show(qtbot, first, searched)
    first.close()

    second = open_window()

    qtbot.waitUntil(lambda: second.model is not None and second.model.path == searched.path, timeout=10_000)


def test_focus_alone_chooses_nothing(qapp, open_window):
    window = open_window()

    qapp.sendEvent(window.frame.library.list, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))

    assert window.shown_genotype() is None
    assert window.frame.page is window.frame.welcome


def test_the_menu_of_a_waiting_run_moves_it(qtbot, open_window, home):
    window = open_window()
    write_fake_run(home / "runs" / "live", state="running", done=1, epochs=3)
    qtbot.waitUntil(lambda: [run.state for run in window.frame.library.runs] == ["running"], timeout=10_000)
    paths = [RunFolder.create(home / "runs" / name, fake_config(epochs=2)).path for name in "ab"]
    for path in paths:
        window.queue.add(path)
    qtbot.waitUntil(lambda: window.frame.library.model.index_of(str(paths[1])).isValid(), timeout=10_000)
    entry = window.frame.library.model.entry(window.frame.library.model.index_of(str(paths[1])))

    menu = window.work.make_entry_menu(entry)
    next(action for action in menu.actions() if action.text() == "Earlier in the queue").trigger()

    assert window.queue.waiting() == [paths[1], paths[0]]
    menu.deleteLater()


def test_pressing_space_on_a_focused_button_presses_it(qtbot, open_window):
    window = open_window()
    pressed = []
    button = window.findChild(QPushButton, "start_demo")
    button.clicked.disconnect()
    button.clicked.connect(lambda: pressed.append(True))
    button.setFocus()
    qtbot.waitUntil(lambda: window.focusWidget() is button, timeout=5_000)

    if button.hasFocus():  # offscreen gives no window the focus now and then
        window._keys._space()
        assert pressed


def started_window(home, *words):
    environment = {**os.environ, "NASCOPE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    script = "import sys; from app.main import main; from PySide6.QtCore import QTimer; QTimer.singleShot(0, lambda: print('ready', flush=True)); sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", script, *words],
        env=environment,
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_in_the_shell_ends_the_window_cleanly(home):
    process = started_window(home, "DARTS_V2")
    assert process.stdout.readline() == "ready\n"

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "QThread" not in errors


def test_the_window_loads_neither_torch_nor_matplotlib():
    script = (
        "import sys, app.window, app.main; print({'torch', 'torchvision', 'matplotlib', 'sklearn'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "set()"


def test_a_random_search_shows_its_cells_alone(qtbot, open_window, home, searched):
    run = RunFolder.create(home / "runs" / "random", fake_config(method="random"))
    window = open_window()

    window.show_run(run.path)
    view = window.frame.run_view
    assert view.cells[0].isVisible()
    assert not view.loss.isVisible()
    assert not view.heatmaps[0].isVisible()
    assert not view.slider.isVisible()

    window.show_run(searched.path)
    assert view.loss.isVisible()
    assert view.slider.isVisible()


def test_the_page_of_a_retraining_folds_into_tabs_where_there_is_little_room(qtbot, open_window, retrained):
    window = open_window()
    window.show_run(retrained.path)
    page = window.frame.retrain_view
    assert page.cells[0].isVisible()

    window.resize(1024, 640)
    qtbot.waitUntil(lambda: page.rows.is_compact)
    assert page.loss.isVisible()
    assert not page.cells[0].isVisible()

    page.rows.tabs.setCurrentIndex(1)
    assert page.cells[0].isVisible()


def test_texts_inside_views_take_the_theme_as_well(qtbot, open_window, home):
    run = RunFolder.create(home / "runs" / "new", fake_config())
    window = open_window()
    window.show_run(run.path)
    label = window.frame.run_view.cells[0]._empty

    manager().set_choice("dark")

    try:
        assert label.palette().color(label.foregroundRole()).name().upper() == manager().current.dim
    finally:
        manager().set_choice("light")


def test_a_focus_by_keyboard_shows_on_the_panel(qtbot, open_window, searched):
    window = open_window()
    window.show_run(searched.path)
    view = window.frame.run_view.cells[0]
    panel = view.parentWidget()

    for reason, shows in ((Qt.FocusReason.TabFocusReason, True), (Qt.FocusReason.MouseFocusReason, False)):
        panel.eventFilter(view, QFocusEvent(QEvent.Type.FocusIn, reason))
        pixel = panel.grab().toImage().pixelColor(panel.width() // 2, 0)
        assert (pixel.name().upper() == manager().current.accent) is shows
