"""The panel of networks: what it shows, what a budget chooses, and what can be pressed when."""

from __future__ import annotations

import json
import random

import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog
from subnet_runs import SPACE, append, drawn, epoch_events, row_of, rows_of

from app.subnets.answers import AnswersDialog
from app.subnets.chosen import network_facts
from app.subnets.comparison import compared_rows
from app.subnets.panel import SubnetPanel
from app.subnets.points import point_of_row, points_of_rows
from app.subnets.select_dialog import SelectDialog
from app.subnets.stage_picture import StagePicture
from app.theme import DARK, LIGHT, manager
from engine.runs import RunFolder, Status
from engine.subnets.architecture import biggest, smallest


@pytest.fixture
def panel(qtbot):
    found = SubnetPanel()
    qtbot.addWidget(found)
    found.resize(1000, 680)
    found.show()
    yield found
    found.set_model(None)


def shown(qtbot, panel, model, count):
    panel.set_model(model)
    qtbot.waitUntil(lambda: len(panel.points.entries) == count, timeout=5_000)


def test_the_views_have_the_names_that_others_look_for(panel):
    assert {name: widget.objectName() for name, widget in panel.named.items()} == {name: name for name in panel.named}
    assert set(panel.named) == {
        "select", "pareto_plot", "budget_slider", "stage_picture", "subnet_test", "subnet_export", "subnet_fine_tune", "subnet_comparison",
    }  # fmt: skip


def test_before_the_first_epoch_it_teaches_and_nothing_can_be_pressed(panel, make_run):
    panel.set_model(make_run(epochs=0, state="running"))

    assert "After the first epoch" in panel.plot.sentence
    assert not panel.bar.button.isEnabled()
    assert "no epoch has ended" in panel.bar.button.toolTip()
    assert not panel.bar.menu_button.isVisible()
    assert not panel.chosen.test_button.isEnabled()
    assert not panel.budget.isEnabled()


def test_while_training_the_last_epochs_networks_stand_there_and_grow(qtbot, panel, make_run):
    model = make_run(epochs=1, state="running")
    shown(qtbot, panel, model, 3)
    assert panel.named["select"].isEnabled() is False
    assert "when the training has ended" in panel.bar.button.toolTip()
    assert panel.bar.menu_button.isVisible()

    model.feed(epoch_events(1, accuracy=95.0))

    assert panel.points.epoch == 1
    assert panel.points.role("biggest").accuracy_percent == 96.0
    model.set_status(Status("finished"))
    assert panel.bar.button.isEnabled()
    assert not panel.bar.menu_button.isVisible()


def test_measured_rows_take_the_place_of_the_trainings_and_arrive_live(qtbot, panel, make_run):
    model = make_run(rows=rows_of(10))
    shown(qtbot, panel, model, 10)

    append(model.path, [row_of(drawn(77), 99.0, "evolution")])
    qtbot.waitUntil(lambda: len(panel.points.entries) == 11, timeout=5_000)

    assert panel.points.at(drawn(77).key).found_by == "evolution"
    assert panel.chosen.point.key == drawn(77).key or panel.points.front()[-1].accuracy_percent > 99.0


@pytest.mark.parametrize("seed", range(4))
def test_the_slider_chooses_the_best_network_under_it(qtbot, panel, make_run, seed):
    rows = rows_of(60, seed)
    shown(qtbot, panel, make_run(rows=rows), 60)
    draw = random.Random(seed)

    for _ in range(15):
        panel.budget.slider.setValue(draw.randrange(1001))
        fitting = [row for row in rows if row.macs <= panel.budget.macs + 1e-6]
        best = max((row.accuracy_percent for row in fitting), default=None)
        assert (panel.chosen.point.accuracy_percent if panel.chosen.point else None) == best
        if best is not None:
            assert f"{best:.1f} %" in panel.budget.sentence.text()


@pytest.mark.parametrize("size", [(1000, 680), (1500, 900), (700, 1000)])
def test_the_slider_stands_under_its_place_in_the_plot(qtbot, panel, make_run, size):
    shown(qtbot, panel, make_run(rows=rows_of(20)), 20)
    panel.resize(*size)

    def is_lined_up():
        slider, frame = panel.budget.slider, panel.plot.frame
        half = slider.style().pixelMetric(slider.style().PixelMetric.PM_SliderLength, None, slider) / 2
        left = slider.mapTo(panel, slider.rect().topLeft()).x()
        plot = panel.plot.mapTo(panel, panel.plot.rect().topLeft()).x()
        assert left + half == pytest.approx(plot + frame.x_of(198_160), abs=1.5)
        assert left + slider.width() - half == pytest.approx(plot + frame.x_of(3_178_752), abs=1.5)

    qtbot.waitUntil(is_lined_up, timeout=3_000)


def test_a_persons_choice_stays_when_rows_arrive_and_a_budget_takes_it_back(qtbot, panel, make_run):
    model = make_run(rows=rows_of(20))
    shown(qtbot, panel, model, 20)
    panel.choose(panel.points.role("smallest"))
    append(model.path, [row_of(drawn(78), 99.9, "evolution")])
    qtbot.waitUntil(lambda: len(panel.points.entries) == 21, timeout=5_000)
    assert panel.chosen.point.found_by == "smallest"

    panel.budget.slider.setValue(999)

    assert panel.chosen.point.key == drawn(78).key


def test_costs_offer_latency_where_it_was_measured(qtbot, panel, make_run):
    rows = [row_of(drawn(1), 90.0), row_of(drawn(2), 91.0, latency={"cpu": 1.5})]
    shown(qtbot, panel, make_run(rows=rows), 2)
    place = panel.costs.findData("latency:cpu")
    assert place >= 0

    panel.costs.setCurrentIndex(place)

    assert panel.plot.place_of(panel.points.at(drawn(1).key)) is None
    assert panel.plot.place_of(panel.points.at(drawn(2).key)) is not None


def test_networks_side_by_side_mark_exactly_the_choices_that_differ(qtbot, panel, make_run):
    shown(qtbot, panel, make_run(rows=rows_of(20)), 20)
    first, second = panel.points.role("smallest"), panel.points.entries[4]
    panel.choose(first)

    panel.compare(second)

    assert [point.key for point in panel.comparison.table.points] == [first.key, second.key]
    assert panel.tabs.currentIndex() == 1
    values = zip(SPACE.coordinates(), first.architecture.values(), second.architecture.values(), strict=True)
    differing = sum(left != right for _, left, right in values)
    assert len(panel.comparison.table.differing()) == differing > 0
    panel.compare(second)
    assert [point.key for point in panel.comparison.table.points] == [first.key]


def test_coordinates_without_a_choice_are_left_out_of_the_comparison():
    points = points_of_rows([("one", point_of_row(row_of(biggest(SPACE), 99.0)))])

    names = [row.name for row in compared_rows(points.entries)]

    assert "mb1 · expansion" not in names  # Of one choice, 1.
    assert "mb2 · expansion" in names
    assert "head · width" in names


def test_facts_tell_costs_and_the_distance_to_the_biggest():
    rows = [row_of(biggest(SPACE), 98.0, "biggest"), row_of(smallest(SPACE), 95.5, "smallest")]
    points = points_of_rows([(row.setting, point_of_row(row)) for row in rows])
    tests = [{"what": "test", "subnet": smallest(SPACE).as_json(), "accuracy_percent": 94.25}]

    facts = dict(fact[:2] for fact in network_facts(points.entries[1], points, tests))

    assert facts["validation accuracy"] == "95.50 %"
    assert facts["test accuracy"] == "94.25 %"
    assert facts["beside the biggest"] == "−2.50 points at 6 % of its multiply-adds"  # 198,160 of 3,178,752.
    assert facts["multiply-adds"] == "0.198 M (198,160)"
    assert facts["parameters"] == "22.4 K (22,370)"


def test_tests_are_counted_and_belong_to_their_network(qtbot, panel, make_run):
    model = make_run(rows=rows_of(5))
    RunFolder(model.path).add_result("test", subnet=smallest(SPACE).as_json(), accuracy_percent=94.0)
    shown(qtbot, panel, model, 5)
    panel.choose(panel.points.role("biggest"))
    assert "test accuracy" not in panel.chosen.facts.text()
    panel.choose(panel.points.role("smallest"))

    assert "test accuracy: 94.00 %" in panel.chosen.facts.text()
    assert panel.chosen.counted.text() == "The test split was touched once."


def test_buttons_tell_whom_they_are_about(qtbot, panel, make_run, monkeypatch, tmp_path):
    model = make_run(rows=rows_of(5))
    shown(qtbot, panel, model, 5)
    panel.choose(panel.points.role("smallest"))
    told = []
    panel.test_wanted.connect(lambda *what: told.append(what))
    panel.export_wanted.connect(lambda *what: told.append(what))
    panel.fine_tune_wanted.connect(lambda *what: told.append(what))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "net.onnx"), ""))

    for button in (panel.chosen.test_button, panel.chosen.export_button, panel.chosen.fine_tune_button):
        button.click()
    panel.chosen.copy_button.click()

    network = panel.chosen.point.architecture
    assert told == [
        (model.path, network), (model.path, network, "onnx", tmp_path / "net.onnx"), (model.path, network.as_json()),
    ]  # fmt: skip
    assert json.loads(QApplication.clipboard().text()) == network.as_json()


def test_a_search_is_asked_for_with_the_budget_that_is_set(qtbot, panel, make_run):
    model = make_run(rows=rows_of(5))
    shown(qtbot, panel, model, 5)
    panel.budget.entry.setText("0.8M")
    panel.budget.entry.editingFinished.emit()
    told = []
    panel.select_wanted.connect(lambda *what: told.append(what))

    panel.bar.button.click()
    dialog = panel.findChild(SelectDialog)
    dialog.evaluations.setValue(60)
    dialog.strategy.setCurrentText("coarse-to-fine")
    dialog.budgets["memory"].setText("a lot")
    dialog.start_button.click()
    assert not told
    assert "memory" in dialog.fault.text()
    dialog.budgets["memory"].setText("1MiB")
    dialog.start_button.click()

    (path, wish), = told  # fmt: skip
    assert path == model.path
    assert wish.words() == [
        "--strategy",
        "coarse-to-fine",
        "--evaluations",
        "60",
        "--macs",
        "0.800M",
        "--memory",
        "1MiB",
    ]
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_the_menu_searches_in_the_unfinished_supernet(qtbot, panel, make_run):
    shown(qtbot, panel, make_run(state="stopped"), 3)
    told = []
    panel.select_wanted.connect(lambda path, wish: told.append(wish))

    panel.bar.unfinished_action.trigger()
    panel.findChild(SelectDialog).start_button.click()

    assert told[0].words() == ["--evaluations", "64", "--unfinished"]


def test_the_picture_tells_each_parts_cost(qtbot):
    picture = StagePicture()
    qtbot.addWidget(picture)
    picture.show_architecture(biggest(SPACE))
    picture.resize(picture.sizeHint())

    seen = {picture.sentence_at(x, 40) for x in range(0, picture.width(), 4)} - {""}

    assert len(seen) == 7  # Image, stem, three stages, head, classifier.
    assert any("multiply-adds" in text and "parameters" in text and "feature map 4×4×40" in text for text in seen)
    assert picture.heightForWidth(picture.width() // 2) == pytest.approx(picture.height() / 2, abs=1)
    blank = picture.grab().toImage()
    picture.show_architecture(None)
    assert picture.grab().toImage() != blank
    assert picture.sentence_at(100, 40) == ""


def test_the_answers_speak_of_this_run(qtbot, panel, make_run):
    model = make_run(rows=rows_of(12))
    shown(qtbot, panel, model, 12)

    panel.understand.click()
    dialog = panel.findChild(AnswersDialog)

    from PySide6.QtWidgets import QLabel

    text = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "248,832 networks" in text
    assert "0 architecture parameters" in text
    assert "12 networks were measured" in text
    dialog.close()


def test_a_long_file_is_shown_once_and_not_bite_by_bite(qtbot, panel, make_run):
    model = make_run(rows=rows_of(900))
    told = []
    panel.measured.changed.connect(lambda: told.append(len(panel.points.entries)))

    panel.set_model(model)
    qtbot.waitUntil(lambda: len(panel.points.entries) > 850, timeout=5_000)

    assert len([count for count in told if count > 3]) == 1


def test_a_budget_is_one_run_s(qtbot, panel, make_run):
    shown(qtbot, panel, make_run(rows=rows_of(30)), 30)
    panel.budget.slider.setValue(panel.budget.slider.maximum() // 2)

    shown(qtbot, panel, make_run(name="other", rows=rows_of(20)), 20)

    assert panel.budget.slider.value() == panel.budget.slider.maximum()


def test_a_box_follows_the_theme(qtbot, panel):
    manager().set_choice("dark")
    assert panel.costs.palette().color(QPalette.ColorRole.ButtonText).name().upper() == DARK.text
    manager().set_choice("light")
    assert panel.costs.palette().color(QPalette.ColorRole.ButtonText).name().upper() == LIGHT.text


def test_the_words_beside_a_check_box_are_painted(qtbot):
    dialog = SelectDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    box = dialog.predictor
    words = box.grab().toImage()

    box.setText("")

    assert box.grab().toImage() != words
    assert box.text() == ""
