"""``stop``, ``pause``, ``resume``, ``watch``: orders through the folder, obeyed by another thread as by an engine."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace

import pytest

from engine.cli import steering
from engine.runs import Event, RunFolder
from engine.runs.control import read_control


def test_stop_waits_until_the_run_has_stopped(nascope, make_run, obeying):
    folder = make_run(state="running", alive=True)
    obeying(folder, {"stop": "stopped"})

    answer = nascope("stop", folder.path, "--json")

    assert answer.code == 0
    assert answer.json["state"] == "stopped"
    assert read_control(folder.path).order == "stop"


def test_pause_waits_until_the_run_is_paused(nascope, make_run, obeying):
    folder = make_run(state="running", alive=True)
    obeying(folder, {"pause": "paused"})

    answer = nascope("pause", folder.path, "--json")

    assert answer.code == 0
    assert answer.json["state"] == "paused"


def test_pause_of_a_paused_run_gives_no_order(nascope, make_run):
    folder = make_run(state="paused", alive=True)

    assert nascope("pause", folder.path).code == 0
    assert read_control(folder.path) is None


@pytest.mark.parametrize("command", ["stop", "pause"])
@pytest.mark.parametrize("state", ["running", "stopped", "finished", "created"])
def test_a_run_that_nobody_executes_takes_no_orders(nascope, make_run, command, state):
    folder = make_run(state=state)  # «running» without a living process: interrupted.

    answer = nascope(command, folder.path)

    assert answer.code == 2
    assert ("interrupted" if state == "running" else state) in answer.err
    assert read_control(folder.path) is None


def test_an_order_that_is_not_obeyed_times_out_in_words(nascope, make_run):
    folder = make_run(state="running", alive=True)

    answer = nascope("stop", folder.path, "--timeout", "0.05")

    assert answer.code == 2
    assert "has not obeyed within 0.05 s" in answer.err
    assert read_control(folder.path).order == "stop"


def test_a_run_that_fails_while_it_should_stop_is_told(nascope, make_run, obeying):
    folder = make_run(state="running", alive=True)
    obeying(folder, {"stop": "failed"})

    answer = nascope("stop", folder.path)

    assert answer.code == 1
    assert "failed" in answer.err


def test_resume_lets_a_paused_living_run_go_on(nascope, engine, make_run, obeying):
    folder = make_run(state="paused", alive=True)
    obeying(folder, {"run": "running"})

    answer = nascope("resume", folder.path, "--json")

    assert answer.code == 0
    assert answer.json["state"] == "running"
    assert engine.carried_out == []


def test_resume_of_a_running_run_is_refused(nascope, engine, make_run):
    folder = make_run(state="running", alive=True)

    answer = nascope("resume", folder.path)

    assert answer.code == 2
    assert "running already" in answer.err
    assert engine.carried_out == []


@pytest.mark.parametrize("state", ["stopped", "running", "paused", "created", "failed"])
def test_resume_carries_out_what_no_process_works_on(nascope, engine, make_run, state):
    folder = make_run(state=state)

    answer = nascope("resume", folder.path, "--json", "--tied-to-stdin")

    assert answer.code == 0
    assert engine.carried_out == [(folder.path, True)]


def test_resume_of_a_finished_run_says_so(nascope, engine, make_run):
    folder = make_run(state="finished", epoch=20)

    answer = nascope("resume", folder.path, "--json")

    assert answer.code == 0
    assert answer.json["state"] == "finished"
    assert "has finished" in answer.err
    assert engine.carried_out == []


def test_finished_run_goes_on_with_more_epochs(nascope, engine, make_run):
    folder = make_run(state="finished", epoch=20)

    nascope("resume", folder.path, "--set", "epochs=25")

    assert folder.config().epochs == 25
    assert len(engine.carried_out) == 1


def test_resume_with_more_epochs_counts_up_to_the_new_number(nascope, engine, make_run):
    engine.events = [Event(1.0, 200, 20, "resumed")]
    folder = make_run(state="finished", epoch=20)

    assert "goes on with epoch 21 of 25" in nascope("resume", folder.path, "--set", "epochs=25").err


@pytest.mark.parametrize("change", ["device=cpu", "supernet=reference"])
def test_resume_elsewhere_forgets_what_was_decided_for_the_old_place(nascope, engine, make_run, change):
    folder = make_run(state="stopped")
    folder.add_facts(
        decided={
            "device": "cuda:0",
            "memory_format": "contiguous",
            "activation_checkpointing": "on",
            "split_fingerprint": "abc",
        }
    )

    nascope("resume", folder.path, "--set", change)

    decided = folder.decided()
    assert "memory_format" not in decided
    assert "activation_checkpointing" not in decided
    assert decided["split_fingerprint"] == "abc"


def test_resume_takes_other_threads_and_forgets_what_was_decided_about_them(nascope, engine, make_run):
    folder = make_run()
    folder.add_facts(decided={"threads": 1, "device": "cpu", "split_fingerprint": "abc"})

    nascope("resume", folder.path, "--set", "threads=2")

    document = folder.config_document()
    assert document["threads"] == 2
    assert document["decided"] == {"device": "cpu", "split_fingerprint": "abc"}


@pytest.mark.parametrize(("change", "value"), [("broken_images=skip", "skip"), ("workers=0", 0)])
def test_resume_takes_another_way_with_files(nascope, engine, make_run, change, value):
    folder = make_run()

    nascope("resume", folder.path, "--set", change)

    assert folder.config_document()[change.partition("=")[0]] == value
    assert len(engine.carried_out) == 1


def test_an_epoch_that_has_begun_cannot_be_taken_back(nascope, engine, make_run):
    folder = make_run(epoch=3)
    folder.write_status(replace(folder.status(), step=34))  # of 10 an epoch: four steps into the fourth

    assert "4 already begun" in nascope("resume", folder.path, "--set", "epochs=3").err
    assert nascope("resume", folder.path, "--set", "epochs=4").code == 0


def test_changes_wait_while_another_process_begins_to_work(nascope, engine, make_run):
    folder = make_run()
    before = folder.config_document()
    lock = folder.lock()  # Before its status says that it runs.
    try:
        answer = nascope("resume", folder.path, "--set", "epochs=30")
    finally:
        lock.release()

    assert answer.code == 2
    assert "works on this run" in answer.err
    assert folder.config_document() == before


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_place_that_cannot_be_written_is_a_sentence(nascope, engine, make_run, number):
    engine.failure = OSError(number, os.strerror(number), "/somewhere/results.jsonl")

    answer = nascope("resume", make_run().path, "--json")

    assert answer.code == 2
    assert answer.json["error"]["where"] == "/somewhere/results.jsonl"
    assert "report it" not in answer.err


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("batch_size=32", "checkpoint"),
        ("learning_rate=0.1", "checkpoint"),
        ("seed=4", "checkpoint"),
        ("data=cifar10", "checkpoint"),
        ("reading=files", "checkpoint"),  # Splits go by the files' places then.
        ("epoch=30", "Did you mean epochs?"),
        ("epochs=2", "already begun"),
        ("epochs=many", "whole number"),
        ("device=cuda:99", "cuda:99"),
        ("threads=0", "threads"),
    ],
)
def test_changes_that_spoil_the_checkpoint_are_refused_by_name(nascope, engine, make_run, assignment, says):
    folder = make_run()
    before = folder.config_document()

    answer = nascope("resume", folder.path, "--set", assignment)

    assert answer.code == 2
    assert assignment.partition("=")[0] in answer.err
    assert says in answer.err
    assert folder.config_document() == before
    assert engine.carried_out == []


def test_more_epochs_for_a_random_cell_are_refused(nascope, engine, make_run):
    folder = make_run(state="finished", method="random", epoch=0)

    answer = nascope("resume", folder.path, "--set", "epochs=99")

    assert answer.code == 2
    assert "random" in answer.err


def test_resume_of_what_is_not_there_names_the_place(nascope, engine, tmp_path):
    answer = nascope("resume", tmp_path / "nothing-here")

    assert answer.code == 2
    assert "nothing-here" in answer.err


def test_runs_are_found_by_folder_name_and_by_given_name(nascope, make_run, nascope_home):
    folder = make_run("2026-01-01-darts-digits", place=nascope_home / "runs", state="finished", epoch=20)
    folder.write_meta(name="my best")

    assert nascope("watch", "2026-01-01-darts-digits", "--json").json["run"] == str(folder.path)
    assert nascope("watch", "my best", "--json").json["run"] == str(folder.path)
    assert "Did you mean my best?" in nascope("watch", "my bset").err


def test_a_name_that_two_runs_have_is_refused(nascope, make_run, nascope_home):
    for name in ("a", "b"):
        make_run(name, place=nascope_home / "runs").write_meta(name="twin")

    answer = nascope("watch", "twin")

    assert answer.code == 2
    assert "2 runs have this name" in answer.err


@pytest.mark.parametrize(("state", "code"), [("finished", 0), ("stopped", 3), ("failed", 1), ("running", 1)])
def test_watch_of_a_run_that_has_ended_gives_how_it_ended(nascope, make_run, state, code):
    folder = make_run(state=state, metrics={"validation_accuracy_percent": 90.0})

    answer = nascope("watch", folder.path, "--json")

    assert answer.code == code
    assert answer.json["state"] == ("interrupted" if state == "running" else state)


def test_watch_reads_what_was_written_until_the_end(nascope, make_run):
    folder = make_run(state="running", alive=True)
    ended = threading.Event()

    def engine() -> None:
        from engine.runs import EventWriter

        writer = EventWriter(folder.path / "events.jsonl")
        writer.write(Event(1.0, 0, 0, "started", {"epochs": 2, "steps_per_epoch": 1, "device": "cpu"}))
        for step in range(2):
            writer.write(Event(2.0 + step, step, step, "step", {"loss": 1.0}))
            writer.write(Event(2.5 + step, step, step, "epoch", {"validation_accuracy_percent": 50.0 + step}))
        writer.close()
        folder.write_status(replace(folder.status(), state="finished", epoch=2))
        ended.set()

    thread = threading.Thread(target=engine)
    thread.start()
    answer = nascope("watch", folder.path)
    thread.join()

    assert ended.is_set()
    assert answer.code == 0
    assert "validation 51.0 %" in answer.err


def test_ctrl_c_while_watching_leaves_the_run_alone(nascope, make_run, monkeypatch):
    folder = make_run(state="running", alive=True)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.watch.time.sleep", interrupted)

    answer = nascope("watch", folder.path)

    assert answer.code == 0
    assert "goes on" in answer.err
    assert read_control(folder.path) is None


def test_orders_to_a_folder_that_cannot_be_written_are_told(make_run, monkeypatch):
    folder = RunFolder(make_run(state="running", alive=True).path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(steering, "give_order", full)

    with pytest.raises(Exception, match="No space left"):
        steering.give_and_wait(folder, "stop", lambda status: True, seconds=1)
