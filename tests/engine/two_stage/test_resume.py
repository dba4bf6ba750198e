"""A two-stage training that is broken off and resumed is the unbroken one, bit for bit."""

from __future__ import annotations

import importlib.util
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from engine.cli import main
from engine.data import load_data
from engine.runs import read_events
from engine.runs.folder import CHECKPOINT_LAST, EVENTS
from engine.training.checkpoint import random_states, restore_random_states
from engine.two_stage.trainer import TwoStageTrainer

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)
CPU = torch.device("cpu")
TIMES = {"t", "images_per_second", "step_seconds", "seconds", "epoch_seconds", "resident_mib", "device_mib", "command"}
ABOUT_SITTINGS = {"checkpoint", "message", "memory", "resumed"}


def leaves(value, place=""):
    """Every tensor and plain value with its place; times left out."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if name not in TIMES:
                yield from leaves(entry, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from leaves(entry, f"{place}.{number}")
    else:
        yield place, value


def different(ones, others):
    mine, theirs = dict(leaves(ones)), dict(leaves(others))
    return sorted(mine.keys() ^ theirs.keys()) + [
        place for place in mine.keys() & theirs.keys()
        if not (torch.equal(mine[place], theirs[place]) if isinstance(mine[place], torch.Tensor) else mine[place] == theirs[place])
    ]  # fmt: skip


def trained(config, data, until, states=None, cut=None):
    """Steps and ends of epochs as the loop does them; gives what was said, and the state at ``cut`` and at the end."""
    torch.manual_seed(config.seed if states is None else 12345)
    trainer = TwoStageTrainer(config, data, CPU)
    first, said, at_cut = 0, [], None
    if states is not None:
        first, state, randomness = states
        trainer.load_state_dict(state)
        restore_random_states(randomness, None)
    for step in range(first, until):
        trainer.step(step)
        said += [trainer.step_metrics(), trainer.detail_reports()]
        if step + 1 == cut:
            at_cut = step + 1, copied(trainer.state_dict()), copied(random_states(None))
        if (step + 1) % trainer.steps_per_epoch == 0:
            report = trainer.end_epoch(step // trainer.steps_per_epoch, lambda: None)
            said += [report.metrics, report.reports, report.score]
    return said, trainer.state_dict(), at_cut


def copied(state):
    """As a checkpoint that was written and read."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize(
    "values",
    [
        {"method": "bignas"},
        {"method": "bignas", "optimizer": "rmsprop", "memory_format": "contiguous"},
        {"method": "attentive-nas"},
        {
            "method": "attentive-nas",
            "score": "predictor",
            "predictor_networks": 8,
            "candidates": 9,
            "sampling": "worst-up",
        },
    ],
    ids=["uniform", "rmsprop", "best-up", "predictor"],
)
@pytest.mark.parametrize("cut", [1, 4])
def test_a_state_goes_on_to_the_same_bits(values, cut):
    config = tiny.config(**values, drop_connect=0.4, dropout=0.4)
    data = load_data(config, CPU)
    steps = 3 * config.epochs
    said, whole, at_cut = trained(config, data, steps, cut=cut)
    said_after, resumed, _ = trained(config, data, steps, states=at_cut)
    assert different(resumed, whole) == []
    assert json.dumps(said).endswith(json.dumps(said_after)[1:])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bignas", "attentive-nas"])
def test_killed_in_the_middle_of_an_epoch_and_resumed_is_the_unbroken_run(method, tmp_path, monkeypatch):
    monkeypatch.setenv("NASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    space = tmp_path / "tiny.json"
    space.write_text(json.dumps(tiny.DOCUMENT), encoding="utf-8")
    settings = {
        "space": space, "image_size": 8, "limit_images": 160, "batch_size": 16, "calibration_images": 48, "calibration_batch_size": 24,
        "threads": 1, "learning_rate_warmup_epochs": 1, "checkpoint_minutes": 0.0001,
    }  # fmt: skip
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]

    def command(out):
        return [
            "search",
            "--method",
            method,
            "--data",
            "digits",
            "--epochs",
            "3",
            "--seed",
            "3",
            "--out",
            str(out),
            *words,
            "--json",
        ]

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert main(command(whole)) == 0
    steps_per_epoch = next(event.data["steps_per_epoch"] for event in read_events(whole / EVENTS))
    kill_at = steps_per_epoch + steps_per_epoch // 2
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *command(broken)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not any(event.type == "step" and event.step >= kill_at for event in read_events(broken / EVENTS)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert torch.load(broken / CHECKPOINT_LAST, weights_only=True)["step"] % steps_per_epoch != 0
    assert main(["resume", str(broken), "--json"]) == 0
    mine, theirs = (torch.load(path / CHECKPOINT_LAST, weights_only=True) for path in (broken, whole))
    assert different(mine, theirs) == []
    assert standing(broken) == standing(whole)


def standing(folder):
    """The events that a reader sees, times and memory aside."""
    found = []
    for event in read_events(folder / EVENTS):
        if event.type == "resumed":
            found = [earlier for earlier in found if earlier["step"] < event.step or earlier["type"] == "started"]
        elif event.type not in ABOUT_SITTINGS:
            row = json.loads(event.as_line())
            found.append({name: value for name, value in row.items() if name not in TIMES})
    return found
