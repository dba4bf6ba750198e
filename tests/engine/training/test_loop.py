"""The loop: orders, resume, checkpoints, cadence. With a toy trainer, so each test takes milliseconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine.errors import RunError
from engine.runs import Event, RunFolder, RunHistory, give_order, read_events
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST, EVENTS
from engine.training.checkpoint import load_checkpoint
from engine.training.interrupts import Interrupts
from engine.training.loop import LoopEnd
from engine.training.status_keeper import StatusKeeper

TIMES = {"images_per_second", "step_seconds", "seconds", "resident_mib"}
ABOUT_SITTINGS = {"checkpoint", "stopped", "paused", "unpaused", "resumed"}


def told(folder: RunFolder) -> list[tuple[int, int, str, dict[str, Any]]]:
    """Every event that stands, without times and without what belongs to a sitting."""
    found: list[Event] = []
    for event in read_events(folder.path / EVENTS):
        if event.type == "resumed":
            found = [earlier for earlier in found if earlier.step < event.step or earlier.type == "started"]
        else:
            found.append(event)
    return [
        (event.step, event.epoch, event.type, {name: value for name, value in event.data.items() if name not in TIMES})
        for event in found
        if event.type not in ABOUT_SITTINGS
    ]


def types(folder: RunFolder) -> list[str]:
    return [event.type for event in read_events(folder.path / EVENTS)]


def test_a_run_is_told_from_started_to_finished(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    trainer = toy_trainer()

    end = sit(trainer)

    assert end == LoopEnd("finished")
    assert trainer.checked == 1
    names = types(run_folder)
    assert names[0] == "started"
    assert names[-2:] == ["checkpoint", "finished"]
    assert names.count("step") == 15
    assert names.count("epoch") == 3
    status = run_folder.status()
    assert (status.state, status.epoch, status.step) == ("finished", 3, 15)


@pytest.mark.parametrize("stop_at", [0, 1, 4, 5, 7, 9, 10, 14])
def test_stopped_and_resumed_is_the_unbroken_run(
    tmp_path: Any, run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd], stop_at: int
) -> None:
    unbroken = toy_trainer()
    sit(unbroken)
    events_of_unbroken, weight = told(run_folder), unbroken.weight.clone()
    for name in (CHECKPOINT_LAST, CHECKPOINT_BEST, EVENTS, "control.json"):
        (run_folder.path / name).unlink(missing_ok=True)

    broken = toy_trainer(on_step=lambda step: give_order(run_folder.path, "stop") if step == stop_at else None)
    assert sit(broken) == LoopEnd("stopped", "order")
    resumed = toy_trainer()
    torch.manual_seed(12345)  # Another process would begin with another state.
    assert sit(resumed).state == "finished"

    assert torch.equal(resumed.weight, weight)
    assert told(run_folder) == events_of_unbroken


def test_a_crash_loses_only_what_came_after_the_checkpoint(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    whole = toy_trainer()
    sit(whole)
    expected, weight = told(run_folder), whole.weight.clone()
    for name in (CHECKPOINT_LAST, CHECKPOINT_BEST, EVENTS):
        (run_folder.path / name).unlink()

    def crash(step: int) -> None:
        if step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sit(toy_trainer(on_step=crash))
    resumed = toy_trainer()
    sit(resumed)

    assert torch.equal(resumed.weight, weight)
    assert told(run_folder) == expected
    history = RunHistory.read(run_folder.path / EVENTS)
    assert list(history.series["step.loss"].steps) == list(range(15))


def test_a_paused_run_waits_and_goes_on(run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]) -> None:
    paused = threading.Event()

    def order(step: int) -> None:
        if step == 3:
            give_order(run_folder.path, "pause")

    def watch() -> None:
        while run_folder.status().state != "paused":
            if ended.wait(0.01):
                return
        paused.set()
        give_order(run_folder.path, "run")

    ended = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    end = sit(toy_trainer(on_step=order))
    ended.set()
    watcher.join()

    assert paused.is_set()
    assert end.state == "finished"
    names = types(run_folder)
    assert names.index("paused") < names.index("unpaused")


def test_a_stop_is_felt_while_paused(run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]) -> None:
    interrupts = Interrupts()

    def order(step: int) -> None:
        if step == 3:
            give_order(run_folder.path, "pause")
            timer.start()

    timer = threading.Timer(0.2, lambda: setattr(interrupts, "reason", "terminate"))
    end = sit(toy_trainer(on_step=order), interrupts=interrupts)
    timer.join()

    assert end == LoopEnd("stopped", "terminate")
    assert run_folder.status().state == "stopped"


def test_an_old_order_is_obeyed_once(run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]) -> None:
    control = give_order(run_folder.path, "stop")

    assert sit(toy_trainer()).state == "stopped"

    assert run_folder.status().control_id == control.id


def test_a_diverged_training_says_so(toy_trainer: Any, sit: Callable[..., LoopEnd]) -> None:
    with pytest.raises(RunError, match="diverged"):
        sit(toy_trainer(diverge_at=6))


def test_the_best_checkpoint_is_that_of_the_best_epoch(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    sit(toy_trainer())

    losses = [event.data["train_loss"] for event in read_events(run_folder.path / EVENTS) if event.type == "epoch"]
    best = load_checkpoint(run_folder.path / CHECKPOINT_BEST)
    assert best["epochs_ended"] - 1 == losses.index(min(losses))


def test_long_epochs_log_a_bounded_number_of_steps(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    sit(toy_trainer(epochs=1, steps_per_epoch=1000))

    assert types(run_folder).count("step") == 334  # every third
    assert types(run_folder).count("gradient") == 10


def test_a_checkpoint_is_written_within_a_long_epoch(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    sit(toy_trainer(epochs=1, steps_per_epoch=5), checkpoint_minutes=1e-9)

    steps = [event.step for event in read_events(run_folder.path / EVENTS) if event.type == "checkpoint"]
    assert steps == [0, 0, 1, 2, 3, 4, 4]  # before the first step, after each, at the epoch's end, at the end


def test_a_window_that_goes_after_it_has_let_go_stops_nothing(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    interrupts = Interrupts(tied_to_stdin=True)

    def let_go_and_vanish(step: int) -> None:
        if step == 3:
            give_order(run_folder.path, "detach")
            interrupts.reason = "window"  # The end of standard input comes while the step still goes on.

    assert sit(toy_trainer(on_step=let_go_and_vanish), interrupts=interrupts) == LoopEnd("finished")


def test_a_kill_between_the_two_checkpoints_of_a_best_epoch_loses_neither(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.training.journal.copy_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        sit(toy_trainer())
    monkeypatch.undo()
    trainer = toy_trainer(on_step=lambda step: give_order(run_folder.path, "stop") if step == 5 else None)
    assert sit(trainer).state == "stopped"

    best = load_checkpoint(run_folder.path / CHECKPOINT_BEST)
    last = load_checkpoint(run_folder.path / CHECKPOINT_LAST)
    assert best["epochs_ended"] - 1 == last["metrics"]["best_epoch"] == 0


def test_a_resume_with_more_epochs_says_so(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    sit(toy_trainer(epochs=3))
    assert sit(toy_trainer(epochs=5)).state == "finished"

    history = RunHistory.read(run_folder.path / EVENTS)
    assert history.started["epochs"] == 5
    assert any("5 epochs now instead of 3" in event.data["text"] for event in history.of_type("message"))


def test_a_checkpoint_of_other_settings_is_refused_in_words(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd]
) -> None:
    sit(toy_trainer(on_step=lambda step: give_order(run_folder.path, "stop") if step == 2 else None))

    other = toy_trainer()
    other._layer = torch.nn.Linear(7, 1)
    with pytest.raises(RunError, match="does not fit"):
        sit(other)


def test_the_last_word_on_a_full_disk_is_written_over_the_old_one(
    run_folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with StatusKeeper(run_folder) as status:
        status.set(state="running", metrics={"loss": "long" * 100})
        monkeypatch.setattr("engine.runs.files.write_atomically", full)
        status.say_failed({"what": "The disk is full.", "where": None, "mend": None})

    found = run_folder.status()
    assert (found.state, (found.error or {})["what"]) == ("failed", "The disk is full.")


@pytest.mark.parametrize("way", ["finishes", "stops", "diverges"])
def test_the_trainer_is_closed_however_a_sitting_ends(
    run_folder: RunFolder, toy_trainer: Any, sit: Callable[..., LoopEnd], way: str
) -> None:
    if way == "finishes":
        trainer = toy_trainer()
        sit(trainer)
    elif way == "stops":
        trainer = toy_trainer(on_step=lambda step: give_order(run_folder.path, "stop"))
        sit(trainer)
    else:
        trainer = toy_trainer(diverge_at=2)
        with pytest.raises(RunError):
            sit(trainer)

    assert trainer.closed == 1
