"""Two-stage runs in the window: chosen in the form, followed on their page, sub-networks fine-tuned, exported and tested."""

from __future__ import annotations

import sys

import pytest
from fake_run import write_fake_run
from pressing import trigger
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox, QWidget

from app.forms.run_form import RunForm
from app.live.curve_words import fact
from app.live.heatmap import AlphaHeatmap
from app.subnets.select_dialog import SelectWish
from engine.runs import RunFolder
from engine.subnets import architecture_from_json, named_subnets


def form_of(window) -> RunForm:
    form = window.findChild(RunForm, "run_form")
    assert form is not None
    return form


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def state_is(window, state):
    return lambda: window.model is not None and window.state() == state


def show(qtbot, window, run):
    window.show_run(run.path)
    qtbot.waitUntil(lambda: "epoch" in window.model.history.last and window.state() != "preparing", timeout=10_000)


@pytest.fixture
def supernet(home):
    run = write_fake_run(
        home / "runs" / "supernet", kind="two-stage", method="bignas", data="digits", epochs=6, done=6, state="finished", steps_per_epoch=4
    )  # fmt: skip
    (run.path / "checkpoint-last.pt").write_bytes(b"fake")
    return run


@pytest.fixture
def waiting_command():
    """A command that does nothing, slowly."""
    return lambda words: [sys.executable, "-c", "import time; time.sleep(60)", *words]


def test_a_supernet_is_chosen_in_the_form_trained_and_followed(qtbot, open_window, home):
    window = open_window()
    trigger(qtbot, window, "new_run")
    form = form_of(window)
    form.findChild(QSpinBox, "epochs").setValue(3)
    qtbot.waitUntil(lambda: form.draft.said == {"epochs": 3})

    form.findChild(QComboBox, "method").setCurrentText("bignas")
    qtbot.waitUntil(lambda: form.findChild(QSpinBox, "networks_per_step") is not None)
    assert form.windowTitle() == "New supernet"
    assert "Train one supernet for many networks" in texts(form)
    assert "248,832 networks" in texts(form)
    assert form.findChild(QSpinBox, "epochs").value() == 3
    line = form.findChild(QLineEdit, "command_line")
    assert line.text() == "nascope search --method bignas --data digits --set epochs=3"
    qtbot.mouseClick(form.findChild(QPushButton, "start"), Qt.MouseButton.LeftButton)
    assert window.model is not None
    assert window.model.path.name.endswith("bignas-digits")

    qtbot.waitUntil(state_is(window, "finished"), timeout=20_000)
    page = window.frame.two_stage_view
    assert window.frame.page is page
    assert not page.findChildren(AlphaHeatmap)
    assert RunFolder(window.model.path).config().kind == "two-stage"
    page.tabs.setCurrentIndex(0)
    qtbot.waitUntil(
        lambda: page.distribution.sampled is not None and page.distribution.sampled.last_epoch == 2, timeout=5_000
    )
    assert page.distribution.sampled.networks == 3 * 6 * 2
    assert window.frame.inspector_panel.isHidden()
    assert not window.commands["inspector_shown"].isEnabled()


def test_back_to_a_search_the_form_is_that_of_a_search(qtbot, open_window):
    window = open_window()
    trigger(qtbot, window, "new_run")
    form = form_of(window)
    form.set_value("channels", 12)
    form.set_value("method", "attentive-nas")
    qtbot.waitUntil(lambda: form.findChild(QComboBox, "sampling") is not None)
    assert form.findChild(QComboBox, "sampling").currentText() == "best-up"
    assert form.findChild(QSpinBox, "channels") is None
    form.set_value("space", "moon")
    qtbot.waitUntil(lambda: not form.start_button.isEnabled())

    form.set_value("method", "pc-darts")

    qtbot.waitUntil(lambda: form.windowTitle() == "New search")
    assert form.draft.is_ready
    assert form.draft.said == {"channels": 12}
    assert form.findChild(QSpinBox, "networks_per_step") is None
    assert form.findChild(QSpinBox, "channels").value() == 12


def test_the_page_shows_curves_of_the_biggest_smallest_and_sampled_networks(qtbot, open_window, home):
    run = write_fake_run(
        home / "runs" / "live", kind="two-stage", method="bignas", data="digits", epochs=9, done=4, extra_steps=1, steps_per_epoch=6
    )  # fmt: skip
    window = open_window()
    show(qtbot, window, run)
    page = window.frame.two_stage_view

    assert window.frame.toolbar.pill.text == "Training the supernet · epoch 5 / 9"
    qtbot.waitUntil(lambda: len(page.accuracy.figure.curves) == 4 and len(page.loss.figure.curves) == 4, timeout=5_000)
    assert [curve.label for curve in page.loss.figure.curves] == [
        "biggest", "smallest, soft labels", "sampled, soft labels", "biggest, validation",
    ]  # fmt: skip
    last = window.model.history.last["epoch"].data
    assert f"smallest {last['smallest_validation_accuracy_percent']:.1f} %" in texts(page)
    assert "entropy" not in [action.data() for action in page.loss.make_menu().actions()[0].menu().actions()]
    for name in ("loss_plot", "accuracy_plot", "distribution", "pareto_plot", "select"):
        assert window.findChild(QWidget, name).window() is window
    assert page.findChild(QWidget, "loss_plot") is page.loss


def test_a_trained_supernet_shows_its_networks_first_until_a_tab_is_picked(qtbot, open_window, supernet):
    window = open_window()
    show(qtbot, window, supernet)
    page = window.frame.two_stage_view

    assert not page.panel.isHidden()
    assert page.tabs.currentIndex() == 2
    qtbot.mouseClick(page.tabs, Qt.MouseButton.LeftButton, pos=page.tabs.tabRect(0).center())
    page._pick_tab()
    assert page.tabs.currentIndex() == 0
    assert page.distribution.isVisible()

    window.resize(2560, 1440)
    qtbot.waitUntil(lambda: page.is_wide)
    assert all(view.isVisible() for view in (page.loss, page.distribution, page.panel))
    assert page.tabs.isHidden()
    window.resize(900, 640)
    qtbot.waitUntil(lambda: not page.distribution.isVisible())
    assert page.loss.isVisible()


def test_the_actions_of_a_supernet_are_about_the_chosen_network(qtbot, open_window, supernet):
    window = open_window()
    assert not window.commands["select"].isVisible()
    show(qtbot, window, supernet)
    qtbot.waitUntil(window.commands["select"].isEnabled, timeout=5_000)
    assert window.commands["retrain"].text() == "Fine-tune…"
    pressed = []
    page = window.frame.two_stage_view
    page.panel.test_wanted.disconnect()
    page.panel.test_wanted.connect(lambda path, architecture: pressed.append((path, architecture)))
    page.tabs.setCurrentIndex(0)

    trigger(qtbot, window, "test")

    assert pressed[0][0] == supernet.path
    assert pressed[0][1].space.name == "laptop"
    assert page.tabs.currentIndex() == 2


def test_a_chosen_network_is_fine_tuned_from_the_supernets_weights(qtbot, open_window, supernet):
    window = open_window()
    show(qtbot, window, supernet)

    trigger(qtbot, window, "retrain")
    form = form_of(window)
    draft = form.draft
    key = draft.architecture.key
    assert form.windowTitle() == "Fine-tune"
    assert f"nascope retrain {supernet.path} --subnet {key} --data digits" == draft.command_line()
    assert draft.value("epochs") == draft.default("epochs") == 10  # Gentle, as the command line is.
    form.findChild(QSpinBox, "epochs").setValue(2)
    qtbot.mouseClick(form.findChild(QPushButton, "start"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: state_is(window, "finished")() and window.model.kind == "subnet", timeout=20_000)

    document = RunFolder(window.model.path).config_document()
    assert document["supernet_run"] == str(supernet.path)
    assert architecture_from_json(document["architecture"]).key == key
    assert window.model.title == f"Fine-tuned {key} · digits"
    page = window.frame.retrain_view
    assert window.frame.page is page
    assert page.stages.isVisible()
    assert not page.cells[0].isVisible()
    assert window.frame.inspector_panel.isHidden()
    assert window.commands["retrain"].text() == "Retrain…"
    assert window.commands["test"].isVisible()


def test_a_sub_network_is_trained_again_from_scratch(qtbot, open_window, home):
    run = write_fake_run(
        home / "runs" / "a0", kind="subnet", data="cifar10", epochs=6, done=6, state="finished", steps_per_epoch=4
    )
    window = open_window()
    show(qtbot, window, run)
    assert window.model.title == "AttentiveNAS-A0 · CIFAR-10"
    assert window.model.architecture.space.classes == 10
    trigger(qtbot, window, "retrain")

    form = form_of(window)

    assert form.windowTitle() == "Train a sub-network"
    assert form.draft.command_line() == "nascope retrain AttentiveNAS-A0 --data cifar10"
    built, published = form.draft.config.the_architecture(), named_subnets()["AttentiveNAS-A0"].architecture
    assert (built.values(), built.space.classes) == (published.values(), 10)
    form.reject()


def test_going_from_a_supernet_to_a_search_and_back_leaves_nothing_behind(qtbot, open_window, home, supernet):
    search = write_fake_run(home / "runs" / "search", done=3, epochs=3, state="finished", steps_per_epoch=4)
    window = open_window()
    for run in (supernet, search, supernet, search):
        show(qtbot, window, run)

    assert window.frame.page is window.frame.run_view
    assert not window.frame.inspector_panel.isHidden()
    assert not window.commands["select"].isVisible()
    assert window.findChild(QWidget, "loss_plot") is window.frame.run_view.loss
    assert window.frame.two_stage_view.distribution.sampled is None


def test_closing_ends_a_selection_that_goes_on(qtbot, open_window, supernet, waiting_command):
    window = open_window(command=waiting_command)
    show(qtbot, window, supernet)
    window.subnets.select(supernet.path, SelectWish())
    qtbot.waitUntil(lambda: window.subnets.is_busy(supernet.path))

    assert window.close()

    assert not window.subnets.is_busy(supernet.path)


def test_while_a_selection_goes_on_select_does_not_cancel_it(qtbot, open_window, supernet, waiting_command):
    window = open_window(command=waiting_command)
    show(qtbot, window, supernet)
    window.subnets.select(supernet.path, SelectWish())

    page = window.frame.two_stage_view
    assert page.offers()["select"] == (False, "A selection goes on: it can be cancelled below its plot.")
    qtbot.waitUntil(lambda: not window.commands["select"].isEnabled(), timeout=5_000)
    page.press("select")

    assert window.subnets.is_busy(supernet.path)
    assert "Ending" not in page.panel.bar.progress.text()


@pytest.mark.parametrize("width", [880, 1000, 1280])
def test_in_a_narrow_window_title_and_state_stand_whole(qtbot, open_window, home, width):
    run = write_fake_run(
        home / "runs" / "live", kind="two-stage", method="bignas", data="digits", epochs=9, done=4, extra_steps=1, steps_per_epoch=6
    )  # fmt: skip
    window = open_window()
    window.resize(width, 700)
    show(qtbot, window, run)
    bar = window.frame.toolbar
    bar.show_run("BigNAS · digits", "Training the supernet · epoch 3 / 30", "running", 0.1, "24 s left")
    for name in ("pause", "stop", "select", "test", "export", "retrain"):
        window.commands[name].setVisible(True)
    qtbot.wait(50)

    assert bar.pill.width() >= bar.pill.sizeHint().width()
    assert bar._title.width() >= bar._title.sizeHint().width()


def test_before_the_first_epoch_no_other_accuracy_stands_for_validation(qtbot, open_window, home):
    run = write_fake_run(
        home / "runs" / "young", kind="two-stage", method="bignas", data="digits", epochs=9, done=0, extra_steps=4, steps_per_epoch=6
    )  # fmt: skip
    window = open_window()
    window.show_run(run.path)
    page = window.frame.two_stage_view
    qtbot.waitUntil(lambda: "step" in window.model.history.last, timeout=10_000)
    page.tabs.setCurrentIndex(0)
    page.accuracy._refresher.now()

    assert fact(page.accuracy._curves, None) == ""
