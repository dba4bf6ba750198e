from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_run import fake_config, fake_events
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

import app.live.epoch_slider
from app.live.cell_changes import CellChanges
from app.live.epoch_slider import EpochSlider
from app.run_model import RunModel
from app.selection import Selection
from app.theme import DARK, LIGHT, manager
from engine.genotype import DARTS_PRIMITIVES
from engine.genotype.discretize import discretize
from engine.runs import AlphaRecord, Event, Status


def make_model(*, done: int = 30, extra_steps: int = 0, method: str = "pc-darts", kind: str = "search") -> RunModel:
    config = fake_config(kind, method=method, epochs=50)
    model = RunModel(Path("run"), config.model_dump())
    model.feed(list(fake_events(config, done=done, extra_steps=extra_steps)))
    model.set_status(Status("running"))
    return model


def show(qtbot: QtBot, slider: EpochSlider, model: RunModel | None, width: int = 800) -> EpochSlider:
    qtbot.addWidget(slider)
    slider.resize(width, 56)
    slider.set_model(model)
    with qtbot.waitExposed(slider):
        slider.show()
    slider._refresher.now()
    return slider


@pytest.fixture(autouse=True)
def light() -> None:
    manager().set_choice("light")


def middle(slider: EpochSlider, epochs: float) -> QPoint:
    return QPoint(round(slider.track.x_of(epochs)), slider.track.height() // 2)


def test_live_says_so_and_stands_at_the_progress(qtbot: QtBot) -> None:
    slider = show(qtbot, EpochSlider(Selection()), make_model(done=30, extra_steps=12))

    assert slider._label.text() == "Epoch 31"
    assert slider._state.text() == "live"
    assert slider.track.handle_x() == pytest.approx(slider.track.x_of(30.6))
    assert "Epoch 31 of 50" in slider.track.accessibleDescription()


def test_a_finished_run_is_newest_not_live(qtbot: QtBot) -> None:
    model = make_model(done=50)
    model.set_status(Status("finished"))
    slider = show(qtbot, EpochSlider(Selection()), model)

    assert slider._state.text() == "newest"


def test_marks_are_the_epochs_in_which_the_cell_changed(qtbot: QtBot) -> None:
    model = make_model(done=40)
    slider = show(qtbot, EpochSlider(Selection()), model)
    qtbot.waitUntil(lambda: slider._changes.update(model.history.alphas_by_epoch(), model.primitives))
    slider._refresher.now()

    # The engine says the same in its genotype events.
    said = [event.epoch for event in model.history.of_type("genotype") if event.data["changed"]]
    assert said
    assert [mark.epoch for mark in slider.marks if mark.kind == "change"] == said


def test_warnings_and_checkpoints_are_marked(qtbot: QtBot) -> None:
    model = make_model(done=20)
    model.feed([
        Event(1, 210, 10, "diagnosis", {"code": "a", "severity": "warning", "message": "Skip share is rising."}),
        Event(1, 310, 15, "diagnosis", {"code": "b", "severity": "severe", "message": "Collapse."}),
        Event(1, 311, 15, "diagnosis", {"code": "c", "severity": "info", "message": "Fine."}),
    ])  # fmt: skip
    slider = show(qtbot, EpochSlider(Selection()), model)

    found = {(mark.kind, mark.epoch) for mark in slider.marks if mark.kind != "change"}
    assert found == {("warning", 10), ("severe", 15), ("last_checkpoint", 19), ("best_checkpoint", 18)}
    assert "Skip share is rising." in slider.track.told(11)
    assert slider.track.frozen_epochs == 15
    assert "alphas frozen" in slider.track.told(15)
    assert "alphas frozen" not in slider.track.told(16)


def test_drag_shows_epochs_and_release_at_the_newest_goes_live(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model())
    track = slider.track

    qtbot.mousePress(track, Qt.MouseButton.LeftButton, pos=middle(slider, 12))
    assert selection.epoch == 11
    qtbot.mouseMove(track, middle(slider, 20))
    assert selection.epoch == 19
    qtbot.mouseMove(track, middle(slider, 44))
    assert selection.epoch == 29
    qtbot.mouseRelease(track, Qt.MouseButton.LeftButton, pos=middle(slider, 44))
    assert selection.epoch is None


def test_release_elsewhere_stays(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model())

    qtbot.mouseClick(slider.track, Qt.MouseButton.LeftButton, pos=middle(slider, 25.2))
    slider._refresher.now()

    assert selection.epoch == 24
    assert slider._label.text() == "Epoch 25"
    assert not slider._state.isVisible()
    qtbot.mouseClick(slider._go_live, Qt.MouseButton.LeftButton)
    assert selection.epoch is None


def test_a_click_on_the_live_handle_moves_nothing(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model(done=30, extra_steps=4))

    qtbot.mouseClick(slider.track, Qt.MouseButton.LeftButton, pos=middle(slider, 30.2))

    assert selection.epoch is None


def test_keys_step(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model())

    for key, expected in (
        (Qt.Key.Key_Left, 28), (Qt.Key.Key_Left, 27), (Qt.Key.Key_Right, 28), (Qt.Key.Key_PageDown, 18), (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_End, None), (Qt.Key.Key_Left, 28), (Qt.Key.Key_Escape, None),
    ):  # fmt: skip
        qtbot.keyClick(slider.track, key)
        slider._refresher.now()
        assert selection.epoch == expected


def test_step_is_for_the_windows_shortcuts(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model())

    slider.step(-1)
    assert selection.epoch == 28
    slider.step(5)
    assert selection.epoch is None


def test_an_epoch_set_elsewhere_moves_the_handle_and_emits_nothing_back(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model())
    emitted: list[object] = []
    selection.epoch_changed.connect(emitted.append)

    selection.show_epoch(7)
    slider._refresher.now()

    assert slider.track.value() == 8
    assert emitted == [7]


def test_replay_plays_every_epoch_then_goes_live(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.live.epoch_slider, "_REPLAY_MS", 1)
    monkeypatch.setattr(app.live.epoch_slider, "_CALM_REPLAY_MS", 1)
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model(done=6))
    shown: list[int | None] = []
    selection.epoch_changed.connect(shown.append)

    qtbot.mouseClick(slider.replay_button, Qt.MouseButton.LeftButton)
    assert slider.is_replaying
    qtbot.waitUntil(lambda: not slider.is_replaying, timeout=3000)

    assert shown == [0, 1, 2, 3, 4, None]


def test_whoever_moves_stops_the_replay(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model())
    selection.show_epoch(20)
    slider.replay()
    assert selection.epoch == 20

    selection.show_epoch(3)
    assert not slider.is_replaying
    slider.replay()
    slider.hide()
    assert not slider.is_replaying


def test_without_a_run_nothing_can_be_moved(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), None)

    qtbot.mouseClick(slider.track, Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    slider.step(1)
    slider.replay()

    assert selection.epoch is None
    assert not slider.replay_button.isEnabled()
    assert slider._label.text() == "Epoch –"


def test_a_retraining_has_epochs_without_alphas(qtbot: QtBot) -> None:
    selection = Selection()
    slider = show(qtbot, EpochSlider(selection), make_model(kind="retrain", done=9))

    slider.step(-1)
    assert selection.epoch == 7


def test_theme_recolours(qtbot: QtBot) -> None:
    slider = show(qtbot, EpochSlider(Selection()), make_model())

    for choice, colours in (("dark", DARK), ("light", LIGHT)):
        manager().set_choice(choice)  # type: ignore[arg-type]
        found = slider.track.grab().toImage().pixelColor(middle(slider, 3)).name().upper()
        assert found == colours.accent


def records(count: int, seed: int = 0) -> list[AlphaRecord]:
    draw = np.random.default_rng(seed)
    return [
        AlphaRecord(epoch, epoch, draw.standard_normal((14, 8)), draw.standard_normal((14, 8)))
        for epoch in range(count)
    ]


def test_changes_name_the_nodes_that_differ() -> None:
    first, second = records(2)
    second.normal[:], second.reduction[:] = first.normal, first.reduction
    # The edge k−2 → 0 of the reduction cell now prefers another pool by far.
    kept = discretize(first, DARTS_PRIMITIVES).reduction.nodes[0]
    before = next(edge.primitive for edge in kept if edge.source == 0)
    second.reduction[0] = 0
    second.reduction[0, 1 if before != "max_pool_3x3" else 2] = 9
    found = CellChanges()

    assert found.update([first, second], DARTS_PRIMITIVES)

    assert [(change.epoch, change.nodes) for change in found.changes] == [(1, (("reduction", 0),))]


def test_changes_are_found_in_pieces_and_kept() -> None:
    history, found = records(30), CellChanges()
    calls = 0
    while not found.update(history, DARTS_PRIMITIVES, budget_seconds=0.0):
        calls += 1

    assert calls == 29
    before = found.changes
    # The newest epoch's record is replaced; a resume cuts the list.
    assert found.update([*history[:-1], records(1, seed=5)[0]], DARTS_PRIMITIVES)
    assert found.changes[:-1] == [change for change in before if change.epoch < 29][: len(found.changes) - 1]
    assert found.update(history[:4], DARTS_PRIMITIVES)
    assert all(change.epoch < 4 for change in found.changes)
