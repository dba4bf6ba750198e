"""Following a run folder, without and with an engine: the thread's functions, called directly."""

from __future__ import annotations

import os
import sys

from fake_run import fake_config, write_fake_run

from app.run_model import RunModel
from app.session import EngineThread, RunFollower, engine_command, signal_in_words
from app.sessions import Sessions
from engine.runs import Event, EventWriter, RunFolder


def model_of(run: RunFolder) -> RunModel:
    return RunModel(run.path, run.config_document())


def drain_all(follower: RunFollower) -> None:
    while follower.drain():
        pass


def test_the_command_shadows_nothing_and_ties_the_engine_to_the_window(tmp_path):
    command = engine_command(tmp_path)

    assert command[:4] == [sys.executable, "-P", "-m", "engine.cli"]
    assert command[-2:] == [str(tmp_path), "--tied-to-stdin"]


def test_a_follower_reads_a_finished_run_to_its_end(qapp, tmp_path):
    run = write_fake_run(tmp_path / "run", done=4, epochs=4, state="finished", steps_per_epoch=5)
    follower = RunFollower(model_of(run))

    while follower.look():
        pass
    drain_all(follower)

    assert follower.model.history.step == 19
    assert follower.model.history.epochs_logged == 4
    assert follower.model.status.state == "finished"


def test_the_last_events_reach_the_model_before_the_last_status(qapp, tmp_path):
    run = write_fake_run(tmp_path / "run", done=1, epochs=1, state="finished", steps_per_epoch=5)
    follower = RunFollower(model_of(run))
    seen = []
    follower.model.status_changed.connect(lambda: seen.append("finished" in follower.model.history.last))

    follower.look()
    drain_all(follower)

    assert seen == [True]


def test_a_dead_process_reads_as_interrupted(qapp, tmp_path):
    run = write_fake_run(tmp_path / "run", done=1, epochs=3, state="running", pid=2**22 + 5)
    follower = RunFollower(model_of(run))

    follower.look()
    drain_all(follower)

    assert follower.model.status.state == "interrupted"


def test_a_follower_takes_what_is_appended(qapp, tmp_path):
    run = write_fake_run(tmp_path / "run", done=1, epochs=3, state="running", steps_per_epoch=5)
    follower = RunFollower(model_of(run))
    follower.look()
    drain_all(follower)

    writer = EventWriter(run.path / "events.jsonl")
    writer.write(Event(1.0, 5, 1, "step", {"loss": 0.5}))
    writer.close()
    follower.look()
    drain_all(follower)

    assert follower.model.history.step == 5


def test_showing_another_run_joins_the_thread_of_the_one_before(qapp, tmp_path):
    first, second = (write_fake_run(tmp_path / name, done=1, epochs=1, state="finished") for name in "ab")
    sessions = Sessions()

    sessions.show(first.path)
    sessions.show(second.path)

    assert sessions.model(first.path) is None
    assert sessions.model(second.path) is not None
    sessions.close()
    assert sessions.model(second.path) is None


def test_an_engine_that_cannot_start_fails_the_run(qapp, tmp_path):
    run = RunFolder.create(tmp_path / "run", fake_config(epochs=2))
    engine = EngineThread(model_of(run), command=lambda path: [str(tmp_path / "no-such-program")])

    engine.run()

    assert engine.end is not None
    assert engine.end.died
    assert "could not be started" in run.status().error["what"]


def test_an_engine_killed_while_it_is_launched_does_not_live_on(qapp, tmp_path):
    run = RunFolder.create(tmp_path / "run", fake_config(epochs=2))
    engine = EngineThread(model_of(run), command=lambda path: [sys.executable, "-c", "import time; time.sleep(600)"])

    engine.kill()  # The window is shut in the moment after Start: there is no child yet.
    engine.run()

    assert engine.end is not None
    assert engine.end.killed_here


def test_what_an_engine_prints_stands_in_the_run_folder_and_explains_its_end(qapp, tmp_path):
    run = RunFolder.create(tmp_path / "run", fake_config(epochs=2))
    (run.path / "stderr.txt").write_text("from an earlier sitting\n")
    script = "import sys; print('hello'); print('nascope: batch_size: too large.', file=sys.stderr); sys.exit(2)"
    engine = EngineThread(model_of(run), command=lambda path: [sys.executable, "-c", script])

    engine.run()

    status = run.status()
    assert status.state == "failed"
    assert status.error["what"] == "batch_size: too large."
    assert status.error["stderr"] == ["nascope: batch_size: too large."]
    assert (run.path / "stdout.txt").read_text() == "hello\n"


def test_an_engine_that_told_its_own_failure_is_not_overruled(qapp, tmp_path):
    run = RunFolder.create(tmp_path / "run", fake_config(epochs=2))
    script = (
        "import sys, json, os; p = sys.argv[1] + '/status.json'; s = json.load(open(p));"
        "s.update(state='failed', pid=os.getpid(), error={'what': 'The disk is full.', 'where': None, 'mend': None});"
        "json.dump(s, open(p, 'w')); print('noise', file=sys.stderr); sys.exit(1)"
    )
    engine = EngineThread(model_of(run), command=lambda path: [sys.executable, "-c", script, str(path)])

    engine.run()

    assert run.status().error["what"] == "The disk is full."
    assert not engine.end.died


def test_an_engine_finds_this_nascope_from_any_folder(qapp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = RunFolder.create(tmp_path / "run", fake_config(epochs=2))
    script = "import engine.runs, sys; sys.exit(0)"
    engine = EngineThread(model_of(run), command=lambda path: [sys.executable, "-P", "-c", script])

    engine.run()

    assert engine.end.code == 0, engine.end.lines
    assert os.fspath(tmp_path) not in (engine.end.lines or ("",))[0]


def test_signals_are_told_in_words():
    assert "out of memory" in signal_in_words(9)[0]
    assert "SIGSEGV" in signal_in_words(11)[0]
    assert "Resume" in signal_in_words(15)[1]


def test_a_stop_that_the_engines_own_start_overwrote_is_given_again(qapp, tmp_path, monkeypatch):
    monkeypatch.setattr("app.session._REPEAT_STOP_SECONDS", 0.05)
    run = RunFolder.create(tmp_path / "run", fake_config(epochs=2))
    script = (
        "import sys, time; from pathlib import Path; from engine.runs import give_order; from engine.runs.control import read_control;"
        "path = Path(sys.argv[1]); give_order(path, 'run'); end = time.monotonic() + 10\n"
        "while time.monotonic() < end:\n"
        "    if read_control(path).order == 'stop': sys.exit(3)\n"
        "    time.sleep(0.01)\n"
        "sys.exit(9)"
    )
    engine = EngineThread(model_of(run), command=lambda path: [sys.executable, "-P", "-c", script, str(path)])
    engine.stop()

    engine.run()

    assert engine.end.code == 3
