"""The plot of networks and the budget slider, on real widgets."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from subnet_runs import drawn, row_of, rows_of

from app.subnets.budget import BudgetSlider
from app.subnets.pareto import ParetoPlot, readout_text
from app.subnets.points import Points, point_of_row, points_of_rows
from app.subnets.scale import cost_scale

BOUNDS = (198_160, 3_178_752)


@pytest.fixture
def plot(qtbot):
    found = ParetoPlot()
    qtbot.addWidget(found)
    found.resize(700, 460)
    found.show_points(
        points_of_rows([(row.setting, point_of_row(row)) for row in rows_of(40, 3)]), "macs", bounds=BOUNDS
    )
    found.show()
    return found


def click(plot, place, modifiers=Qt.KeyboardModifier.NoModifier):
    event = QMouseEvent(QEvent.Type.MouseButtonPress, place, plot.mapToGlobal(place), Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton, modifiers)  # fmt: skip
    plot.mousePressEvent(event)


def test_points_lie_logarithmically_in_cost_and_evenly_in_accuracy(plot):
    frame = plot.frame
    smallest, biggest = plot.points.role("smallest"), plot.points.role("biggest")
    left, right = plot.place_of(smallest), plot.place_of(biggest)

    for point in plot.points.entries:
        there = plot.place_of(point)
        share = math.log(point.macs / smallest.macs) / math.log(biggest.macs / smallest.macs)
        assert there.x() == pytest.approx(left.x() + share * (right.x() - left.x()), abs=1e-6)
        slope = (there.y() - left.y()) / (right.y() - left.y())
        expected = (point.accuracy_percent - smallest.accuracy_percent) / (
            biggest.accuracy_percent - smallest.accuracy_percent
        )
        assert slope == pytest.approx(expected, abs=1e-6)
        assert frame.area.contains(there)


def test_a_click_chooses_the_point_and_ctrl_compares_it(plot):
    chosen, compared = [], []
    plot.chosen.connect(chosen.append)
    plot.compared.connect(compared.append)
    target = plot.points.role("biggest")

    click(plot, plot.place_of(target) + QPointF(2, 1))
    click(plot, plot.place_of(target), Qt.KeyboardModifier.ControlModifier)
    click(plot, QPointF(plot.frame.area.left() + 1, plot.frame.area.top() + 1))

    assert (chosen, compared) == ([target], [target])


def test_of_two_points_at_one_place_the_front_wins(plot):
    draw = [row_of(drawn(place), 90.0) for place in range(2)]
    beaten, better = (replace(row, macs=500_000, accuracy_percent=90.0) for row in draw)
    better = replace(better, accuracy_percent=90.0 + 1e-6)
    far = row_of(drawn(2), 70.0)
    points = points_of_rows([(row.setting, point_of_row(row)) for row in (better, beaten, far)])

    for order in (points.entries, (points.entries[1], points.entries[0], points.entries[2])):
        plot.show_points(Points(tuple(order)), "macs", bounds=BOUNDS)
        assert plot.point_at(plot.place_of(order[0])).key == drawn(1).key


def test_arrow_keys_go_along_the_front_and_stop_at_its_ends(plot):
    front = plot.points.front()
    plot.chosen.connect(lambda point: plot.mark(point.key, ()))
    seen = []
    plot.chosen.connect(lambda point: seen.append(point.key))

    def press(key):
        plot.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))

    for _ in range(len(front) + 2):
        press(Qt.Key.Key_Right)
    assert seen == [point.key for point in front] + [front[-1].key] * 2
    press(Qt.Key.Key_Home)
    press(Qt.Key.Key_Left)
    press(Qt.Key.Key_End)
    press(Qt.Key.Key_Left)
    assert seen[-4:] == [front[0].key, front[0].key, front[-1].key, front[-2].key]


def test_from_below_the_front_a_key_goes_to_its_neighbour_on_it(plot):
    front = plot.points.front()
    below = next(
        point for point in plot.points.entries if point not in front and front[0].macs < point.macs < front[-1].macs
    )
    plot.mark(below.key, ())
    seen = []
    plot.chosen.connect(seen.append)

    for key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
        plot.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))

    assert seen[0] == max((point for point in front if point.macs <= below.macs), key=lambda point: point.macs)
    assert seen[1] == min((point for point in front if point.macs > below.macs), key=lambda point: point.macs)


def test_the_plot_keeps_its_arrow_keys_from_the_windows_shortcuts(plot):
    event = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier)
    event.ignore()
    plot.event(event)
    assert event.isAccepted()


def test_what_is_over_the_budget_is_shaded_in_the_picture(plot):
    plot.set_budget(700_000)
    shaded = plot.grab().toImage()
    plot.set_budget(None)
    plain = plot.grab().toImage()

    area = plot.frame.area
    inside, outside = plot.frame.x_of(1_500_000), plot.frame.x_of(400_000)
    y = round(area.bottom()) - 4
    assert shaded.pixelColor(round(inside), y) != plain.pixelColor(round(inside), y)
    assert shaded.pixelColor(round(outside), y) == plain.pixelColor(round(outside), y)


def test_the_card_tells_accuracy_costs_and_choices(plot):
    text = readout_text(plot.points.role("biggest"))

    assert "3.18 M" in text
    assert "0.139 M" in text
    assert "mb3" in text
    assert "40 channels · 3 deep · 5×5 · expansion 4" in text
    assert "the biggest of the space" in text


def test_an_axis_has_round_ticks_inside_of_it():
    scale = cost_scale(198_160, 3_178_752, "macs", 6)

    assert [label for _, label in scale.ticks] == ["0.2 M", "0.5 M", "1 M", "2 M"]
    assert scale.share(scale.low) == 0
    assert scale.share(scale.high) == pytest.approx(1)
    assert len(cost_scale(1.0e6, 1.01e6, "macs", 5).ticks) >= 2


@pytest.fixture
def budget(qtbot):
    found = BudgetSlider()
    qtbot.addWidget(found)
    found.set_bounds(*BOUNDS)
    return found


def test_the_slider_is_logarithmic_between_both_ends(budget):
    assert budget.macs == BOUNDS[1]
    assert budget.macs_at(0) == pytest.approx(BOUNDS[0])
    assert budget.macs_at(1000) == BOUNDS[1]
    assert budget.macs_at(500) == pytest.approx(math.sqrt(BOUNDS[0] * BOUNDS[1]))
    told = []
    budget.changed.connect(told.append)

    budget.slider.setValue(250)

    assert told == [pytest.approx(BOUNDS[0] * (BOUNDS[1] / BOUNDS[0]) ** 0.25)]
    assert budget.entry.text() == "0.397 M"


@pytest.mark.parametrize(
    ("text", "macs"), [("0.8M", 800_000), ("800k", 800_000), ("1_000_000", 1_000_000), ("9G", BOUNDS[1])]
)
def test_a_typed_budget_moves_the_slider(budget, text, macs):
    told = []
    budget.changed.connect(told.append)
    budget.entry.setText(text)
    budget.entry.editingFinished.emit()

    assert told == [macs]
    assert budget.macs_at(budget.slider.value()) == pytest.approx(macs, rel=0.002)


@pytest.mark.parametrize(("text", "says"), [("much", "no amount"), ("1k", "198,160"), ("-3", "no amount")])
def test_a_typed_budget_that_is_none_is_refused_in_words(budget, text, says):
    told = []
    budget.changed.connect(told.append)
    budget.entry.setText(text)
    budget.entry.editingFinished.emit()

    assert not told
    assert says in budget.sentence.text()


def test_leaving_the_text_alone_changes_nothing(budget):
    budget.slider.setValue(333)
    told = []
    budget.changed.connect(told.append)

    budget.entry.editingFinished.emit()

    assert not told


def test_keys_of_the_slider_stay_with_it(budget):
    draw = random.Random(0)
    for key in draw.sample([Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End], 4):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        budget.slider.event(event)
        assert event.isAccepted()


def test_thousands_of_points_are_stamped_where_the_few_are_painted(qtbot, plot):
    few = plot.points.entries
    target = plot.points.role("biggest")
    there = plot.place_of(target).toPoint()
    painted = plot.grab().toImage().pixelColor(there)
    many = tuple(replace(point, key=f"{point.key}{copy}") for copy in range(20) for point in few)

    plot.show_points(Points(many), "macs", bounds=BOUNDS)

    assert plot.place_of(target).toPoint() == there
    assert plot.grab().toImage().pixelColor(there) == painted


def test_the_mouse_does_not_paint_the_points_again(plot, monkeypatch):
    plot.grab()
    painted = []
    monkeypatch.setattr("app.subnets.pareto.paint_points", lambda *_: painted.append(1))

    plot.mark(plot.points.role("biggest").key, ())
    plot.grab()
    assert not painted

    plot.set_budget(1e6)
    plot.grab()
    assert painted


def test_a_front_is_asked_for_often_and_found_once(plot, monkeypatch):
    asked = []
    monkeypatch.setattr("app.subnets.points.front", lambda rows, *_: asked.append(1) or list(rows))
    points = Points(plot.points.entries)

    points.front().clear()

    assert points.front()
    assert points.best_under(1e9) is not None
    assert len(asked) == 1
