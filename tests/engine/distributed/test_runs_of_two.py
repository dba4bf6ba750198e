"""Whole runs of two processes: one folder, one log, one voice; stopped, killed, resumed on another number."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.cli import main
from engine.runs import RunFolder, give_order, read_events
from engine.runs.folder import EVENTS

pytestmark = pytest.mark.slow

TINY = {"channels": 4, "layers": 3, "nodes": 2, "batch_size": 16, "limit_images": 96, "threads": 1, "epochs": 2, "learning_rate": 0.005,
        "validation_portion": 0}  # fmt: skip
SETTINGS = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
SEARCH = ["search", "--data", "digits", "--seed", "1", "--device", "cpu", *SETTINGS]
SYNCED = [*SEARCH, "--set", "sync_batch_norm=true"]


def events(path, kind=None):
    return [event for event in read_events(path / EVENTS) if kind is None or event.type == kind]


def alphas(path):
    last = events(path, "alphas")[-1].data
    return np.array([last["normal"], last["reduction"]])


def wait_for(condition, seconds=120.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def ends(processes):
    said = [process.communicate(timeout=120) for process in processes]
    return [process.returncode for process in processes], said


def nascope(start_ranks, *arguments):
    return start_ranks("-m", "engine.cli", *map(str, arguments))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    path = tmp_path_factory.mktemp("alone") / "run"
    assert main([*SYNCED, "--out", str(path)]) == 0
    return path


def test_torchrun_is_one_run_and_equals_one_process(alone, tmp_path):
    out = tmp_path / "run"
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "engine.cli",
    ]
    done = subprocess.run(
        [*torchrun, *SYNCED, "--out", out], capture_output=True, text=True, timeout=200, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Finished after 2 epochs") == 1
    folder = RunFolder(out)
    assert folder.status().state == "finished"
    assert folder.status().world_size == folder.config_document()["world_size"] == 2
    assert [event.type for event in events(out)] == [event.type for event in events(alone)]
    assert np.abs(alphas(out) - alphas(alone)).max() < 1e-4
    assert np.abs(alphas(alone) - alphas_at_start(alone)).max() > 1e-3  # They have moved.
    for kind, name in (("step", "loss"), ("step", "alpha_loss"), ("epoch", "train_loss"), ("epoch", "validation_loss")):
        mine, others = ([event.data[name] for event in events(path, kind)] for path in (out, alone))
        assert mine == pytest.approx(others, rel=2e-3), name
    first, other = (events(path, "step")[0].data["accuracy_percent"] for path in (out, alone))
    assert first == pytest.approx(other, abs=1e-4)


def alphas_at_start(path):
    first = events(path, "alphas")[0].data
    return np.array([first["normal"], first["reduction"]])


def test_paused_stopped_and_resumed_alone(start_ranks, alone, tmp_path):
    out = tmp_path / "run"
    processes = nascope(start_ranks, *SYNCED, "--out", out)
    try:
        wait_for(lambda: (out / EVENTS).exists() and events(out, "step"))
        give_order(out, "pause")
        wait_for(lambda: RunFolder(out).status().state == "paused")
        assert all(process.poll() is None for process in processes)
        give_order(out, "run")
        wait_for(lambda: RunFolder(out).status().state == "running")
        give_order(out, "stop")
        codes, said = ends(processes)
    finally:
        for process in processes:
            process.kill()
    assert codes == [3, 3], said
    assert said[1] == ("", "")
    assert RunFolder(out).status().state == "stopped"

    assert main(["resume", str(out)]) == 0

    assert any("1 process instead of 2" in event.data.get("text", "") for event in events(out, "message"))
    assert RunFolder(out).config_document()["world_size"] == RunFolder(out).status().world_size == 1
    assert len(events(out, "finished")) == 1
    assert np.abs(alphas(out) - alphas(alone)).max() < 1e-4


def test_terminated_resumed_by_two_and_one_of_them_killed(start_ranks, tmp_path):
    out = tmp_path / "run"
    processes = nascope(start_ranks, *SEARCH, "--set", "epochs=500", "--out", out)
    try:
        wait_for(lambda: (out / EVENTS).exists() and events(out, "step"))
        for process in processes:  # as torchrun and SLURM do
            process.send_signal(signal.SIGTERM)
        codes, said = ends(processes)
        assert codes == [143, 143], said
        assert RunFolder(out).status().state == "stopped"
        steps = len(events(out, "step"))

        processes = nascope(start_ranks, "resume", out)
        wait_for(lambda: len(events(out, "step")) > steps + 1)
        os.kill(processes[1].pid, signal.SIGKILL)
        codes, said = ends(processes)
    finally:
        for process in processes:
            process.kill()
    assert codes == [1, -signal.SIGKILL]
    assert len(said[0][1].strip().splitlines()[-1]) > 0
    status = RunFolder(out).status()
    assert status.state == "failed"
    assert "Another process of this run has ended" in status.error["what"]

    epochs = status.step // status.steps_per_epoch + 1
    assert main(["resume", str(out), "--set", f"epochs={epochs}"]) == 0
    assert RunFolder(out).status().state == "finished"


def test_bad_input_is_said_once(start_ranks, run_ranks, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"kind": "search"}))
    ended = run_ranks("-m", "engine.cli", *SEARCH, "--out", str(tmp_path))
    assert [code for code, _, _ in ended] == [2, 2]
    assert ended[0][2].startswith("nascope: ")
    assert len(ended[0][2].splitlines()) == 1
    assert "holds a run already" in ended[0][2]
    assert ended[1][1:] == ("", "")


def test_a_rank_without_the_data_ends_all_and_leaves_nothing(run_ranks, tmp_path):
    script = Path(__file__).with_name("one_rank_without_data.py")
    begun = time.monotonic()
    ended = run_ranks(str(script), *SEARCH, "--out", str(tmp_path / "run"))
    assert time.monotonic() - begun < 55  # Rank 0 hears of it at once, not when rank 1 has waited for it for a minute.
    assert [code for code, _, _ in ended] == [2, 2], ended
    assert "Process 1 on" in ended[0][2]
    assert "/data/images: Process 1" in ended[0][2]
    assert "Mount it." in ended[0][2]
    assert len(ended[0][2].splitlines()) == 1
    assert ended[1][1:] == ("", "")
    assert not (tmp_path / "run").exists()
