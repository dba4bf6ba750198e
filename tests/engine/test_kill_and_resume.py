"""A run that is killed at a random step and resumed is the unbroken search, bit for bit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.cli import main
from engine.runs import read_events
from engine.runs.folder import CHECKPOINT_LAST, EVENTS

TIMES = {"t", "images_per_second", "step_seconds", "seconds", "resident_mib", "device_mib"}
ABOUT_SITTINGS = {"checkpoint", "message", "memory"}
SMALL_SEARCH = [
    "--set",
    "batch_size=64",
    "--set",
    "space=none,max_pool_3x3,skip_connect,sep_conv_3x3",
    "--set",
    "nodes=2",
]
RUNS = {
    "darts": ["search", "--method", "darts", *SMALL_SEARCH],
    "second-order": ["search", "--method", "darts-v2", *SMALL_SEARCH],
    "pc-darts": ["search", "--method", "pc-darts", "--set", "warmup_epochs=1", *SMALL_SEARCH],
    "beta-darts": ["search", "--method", "beta-darts", *SMALL_SEARCH],
    # Drop path draws from torch's own generator, so its state has to come back too.
    "retrain": ["retrain", "DARTS_V2", "--set", "drop_path=0.5", "--set", "batch_size=16"],
}


def command(run: list[str], out: Path) -> list[str]:
    return [
        *run, "--data", "digits", "--epochs", "3", "--seed", "3", "--out", str(out),
        "--set", "channels=4", "--set", "layers=3", "--set", "limit_images=256", "--set", "threads=1", "--json",
    ]  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "NASCOPE_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor and plain value of a checkpoint with its place; times left out."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if name not in TIMES | {"epoch_seconds"}:
                yield from leaves(entry, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from leaves(entry, f"{place}.{number}")
    else:
        yield place, value


def standing_events(folder: Path) -> list[dict[str, Any]]:
    """The events that a reader sees, times and memory aside."""
    found: list[dict[str, Any]] = []
    for event in read_events(folder / EVENTS):
        row = json.loads(event.as_line())
        if event.type == "resumed":
            found = [earlier for earlier in found if earlier["step"] < event.step or earlier["type"] == "started"]
        elif event.type not in ABOUT_SITTINGS:
            found.append({name: value for name, value in row.items() if name not in TIMES | {"command"}})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_killed_at_a_random_step_and_resumed_is_the_unbroken_run(
    run: list[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    # The unbroken run and the one that goes on are of this process, which has drawn and computed other things before.
    assert main(command(run, whole)) == 0
    steps = max(event.step for event in read_events(whole / EVENTS) if event.type == "step") + 1
    kill_at = random.randrange(1, steps)

    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *command(run, broken)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while not any(event.type == "step" and event.step >= kill_at for event in read_events(broken / EVENTS)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with (broken / EVENTS).open("a") as log:
        log.write('{"t": 1, "type": "st')
    torch.manual_seed(random.randrange(1000))
    assert main(["resume", str(broken), "--json"]) == 0

    mine = dict(leaves(torch.load(broken / CHECKPOINT_LAST, weights_only=True)))
    theirs = dict(leaves(torch.load(whole / CHECKPOINT_LAST, weights_only=True)))
    assert mine.keys() == theirs.keys()
    different = [
        place for place, value in theirs.items()
        if not (torch.equal(value, mine[place]) if isinstance(value, torch.Tensor) else value == mine[place])
    ]  # fmt: skip
    assert different == [], f"killed at step {kill_at} of {steps}"
    assert standing_events(broken) == standing_events(whole), f"killed at step {kill_at} of {steps}"
