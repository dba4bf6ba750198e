"""What was sampled: counted up to an epoch or in it alone, drawn where it belongs, told to the mouse."""

from __future__ import annotations

import csv
import random
from collections import Counter

import numpy as np
import pytest
from fake_run import fake_config, fake_events
from PySide6.QtCore import QPoint, QRectF, Qt

from app.live.fonts import chart_font
from app.run_model import RunModel
from app.selection import Selection
from app.subnets.distribution import Distribution
from app.subnets.distribution_counts import sampled_networks
from app.subnets.distribution_paint import arrange
from engine.cost.subnets import subnet_macs
from engine.runs import Event, RunHistory
from engine.subnets import space_named, space_names
from engine.subnets.sample import uniform

STEPS = 6


def drawn_by_the_fake(space, steps, seed=3, per_step=2):
    """The networks that the fake's steps sample, drawn once more."""
    chance = random.Random(seed)
    return [uniform(space, chance) for _ in range(steps * per_step)]


@pytest.fixture
def model(qapp, tmp_path):
    config = fake_config("two-stage", method="bignas", data="digits", epochs=8)
    model = RunModel(tmp_path / "run", config.model_dump())
    model.feed(list(fake_events(config, done=5, extra_steps=2, steps_per_epoch=STEPS)))
    return model


@pytest.fixture
def selection(qapp):
    return Selection()


@pytest.fixture
def view(qtbot, model, selection):
    view = Distribution(selection)
    qtbot.addWidget(view)
    view.resize(900, 360)
    view.show()
    view.set_model(model)
    return view


def counted(networks):
    """By place of a choice and value, how often: counted plainly."""
    return {
        coordinate.place: Counter(network.values()[place] for network in networks)
        for place, coordinate in enumerate(networks[0].space.coordinates())
    }


@pytest.mark.parametrize(
    ("epoch", "so_far", "first", "last"), [(None, True, 0, 4), (2, True, 0, 2), (2, False, 2, 2), (0, True, 0, 0)]
)
def test_counts_are_those_of_the_networks_that_were_drawn(model, epoch, so_far, first, last):
    networks = drawn_by_the_fake(model.space, 5 * STEPS)[first * STEPS * 2 : (last + 1) * STEPS * 2]

    found = sampled_networks(model.history, epoch, so_far=so_far)

    assert (found.networks, found.first_epoch, found.last_epoch) == (len(networks), first, last)
    for coordinate in model.space.coordinates():
        for value in coordinate.choices:
            times = counted(networks)[coordinate.place][value]
            assert found.times(coordinate, value) == times
            assert found.share(coordinate, value) == pytest.approx(times / len(networks))
    bins = np.searchsorted(found.macs_edges, [subnet_macs(network) for network in networks], side="right") - 1
    assert list(found.macs_counts) == np.bincount(bins, minlength=len(found.macs_counts)).tolist()


def test_an_epoch_that_is_told_twice_counts_once(model):
    once = sampled_networks(model.history)
    again = model.history.of_type("sampled")[-1]

    model.feed([again])

    assert sampled_networks(model.history) == once


def test_damaged_events_are_passed_over():
    history = RunHistory()
    good = {"networks": 3, "counts": {"resolution": {"20": 1, "24": 2}}, "macs_edges": [0, 1, 2], "macs_counts": [1, 2]}
    bad = [
        {},
        {"networks": "many", "counts": {}},
        {"networks": 1, "counts": {"resolution": [1]}},
        {"networks": 1, "counts": 7},
    ]
    rows = [*bad, good, {**good, "macs_edges": [2, 1, 0]}]
    history.feed(Event(0.0, place, place, "sampled", data) for place, data in enumerate(rows))

    found = sampled_networks(history)

    assert found.networks == 6
    assert found.macs_counts == ()  # Edges that do not ascend are none, and the newest decide.
    assert sampled_networks(history, 4).macs_counts == (1, 2)


@pytest.mark.parametrize("name", space_names())
@pytest.mark.parametrize("size", [(1200, 420), (860, 300), (460, 520)])
def test_every_choice_has_its_place_and_none_covers_another(qapp, name, size):
    space = space_named(name)
    networks = [uniform(space, random.Random(seed)) for seed in range(20)]
    history = RunHistory()
    values = {coordinate.place: {str(value): 1 for value in coordinate.choices} for coordinate in space.coordinates()}
    history.feed(
        [
            Event(
                0.0,
                0,
                0,
                "sampled",
                {"networks": len(networks), "counts": values, "macs_edges": [1e5, 2e5, 4e5], "macs_counts": [15, 5]},
            )
        ]
    )
    area = QRectF(0, 0, *size)

    placed = arrange(area, space, sampled_networks(history), chart_font())

    assert [(box.coordinate, box.value) for box in placed.boxes] == [
        (coordinate, value)
        for coordinate in sorted(
            space.coordinates(), key=lambda one: [box.coordinate for box in placed.boxes].index(one)
        )
        for value in coordinate.choices
    ]
    assert {box.coordinate for box in placed.boxes} == set(space.coordinates())
    rects = [entry.rect for entry in (*placed.boxes, *placed.bins)]
    assert all(area.contains(rect) for rect in rects)
    assert not any(
        one.adjusted(0.01, 0.01, -0.01, -0.01).intersects(other) for place, one in enumerate(rects) for other in rects[:place]
    )  # fmt: skip
    assert placed.bins[1].rect.width() == pytest.approx(2 * placed.bins[0].rect.width())


def test_it_says_when_it_comes_and_why_it_never_does(qtbot, selection, tmp_path):
    view = Distribution(selection)
    qtbot.addWidget(view)
    config = fake_config("two-stage", method="bignas", data="digits", epochs=8)
    model = RunModel(tmp_path, config.model_dump())
    view.set_model(model)
    assert "after the first epoch" in view.sentence
    assert view.so_far.isHidden()

    alone = fake_config("two-stage", method="bignas", data="digits", epochs=8, networks_per_step=2)
    view.set_model(RunModel(tmp_path, alone.model_dump()))
    assert "none is sampled" in view.sentence

    view.set_model(None)


def test_the_epoch_that_is_shown_everywhere_decides(qtbot, view, selection):
    facts = []
    view.fact_changed.connect(facts.append)
    assert view.sampled.networks == 5 * STEPS * 2

    selection.show_epoch(1)
    qtbot.waitUntil(lambda: view.sampled.networks == 2 * STEPS * 2)
    qtbot.mouseClick(view.this_epoch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.sampled.networks == STEPS * 2)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: view.sampled.last_epoch == 2)

    assert facts == ["24 networks · epochs 1 to 2", "12 networks · epoch 2", "12 networks · epoch 3"]


def test_the_mouse_learns_the_exact_numbers(qtbot, view):
    box = next(
        box
        for box in view.arrangement(QRectF(view.plot.rect())).boxes
        if box.coordinate.place == "width[3] (mb3)" and box.value == 32
    )
    times = view.sampled.times(box.coordinate, 32)

    qtbot.mouseMove(view.plot, QPoint(*map(round, box.rect.center().toTuple())))
    words = view.words_of(view.plot.at(box.rect.center()))

    assert "width 32 in mb3" in words
    assert f"{times} of 60 networks, {100 * times / 60:.1f} %" in words
    assert "33.3 %" in words  # Of three widths each would be drawn so often evenly.


def test_numbers_and_pictures_can_be_saved(view, tmp_path):
    view.save(tmp_path / "sampled.csv")
    view.save(tmp_path / "sampled.svg")

    with (tmp_path / "sampled.csv").open() as file:
        rows = list(csv.DictReader(file))
    kernels = [int(row["times"]) for row in rows if (row["choice"], row["part"]) == ("kernel_size", "mb2")]
    assert sum(kernels) == 60
    assert sum(int(row["times"]) for row in rows if row["choice"] == "macs") == 60
    assert "expansion" in (tmp_path / "sampled.svg").read_text()


def test_both_ways_of_counting_are_reached_by_tab(qtbot, view):
    assert view.so_far.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert view.this_epoch.focusPolicy() & Qt.FocusPolicy.TabFocus

    qtbot.keyClick(view.this_epoch, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: view.sampled.networks == 12)

    assert view.this_epoch.isChecked()
    assert not view.so_far.isChecked()
    qtbot.keyClick(view.this_epoch, Qt.Key.Key_Space)
    assert view.this_epoch.isChecked()  # One of both always is.


def test_stem_and_head_have_the_names_of_the_picture(view):
    words = [text for _, text in view.arrangement(QRectF(0, 0, 900, 360)).labels]

    assert words.index("stem") < words.index("mb1") < words.index("head")
    assert not {"first", "last"} & set(words)


def test_the_words_beside_a_place_do_not_matter(model):
    events = [
        Event(0.0, 5, epoch, "sampled", {"networks": 4, "counts": {f"width[0]{words}": {"8": 3, "16": 1}}})
        for epoch, words in enumerate((" (first)", " (stem)", ""))
    ]
    history = RunHistory()
    history.feed(events)

    sampled = sampled_networks(history)

    stem = next(coordinate for coordinate in space_named("laptop").coordinates() if coordinate.field == "width")
    assert sampled.times(stem, 8) == 9
    assert sampled.share(stem, 16) == 0.25
