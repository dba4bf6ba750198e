"""A forecast: its arithmetic with a rehearsal that is made up, and one that is real."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.bench.forecast import SHARE, forecast, scaled_rate
from engine.bench.forecast_result import Forecast
from engine.bench.memory import OutOfMemoryError
from engine.bench.rehearsal import _Rehearsal, median_error, rehearse
from engine.bench.rehearsal_process import ForecastError, rehearse_in_child
from engine.bench.rehearsed import Rehearsed
from engine.errors import NascopeError
from engine.search.trainer import SearchTrainer

CPU, GPU = torch.device("cpu"), torch.device("cuda")
FOUND = Rehearsed(
    epochs=10, steps_per_epoch=5, warmup_steps=15, images=1000, parameters=7, start_seconds=9.0, weights_step_seconds=0.5,
    first_step_seconds=3.0, step_seconds=2.0, last_step_seconds=1.0, timed_steps=4, validation_batches=3, validation_batch_seconds=0.1,
    epoch_end_seconds=0.75, detail_seconds=0.01, checkpoint_seconds=0.2, checkpoint_bytes=2**20, final_seconds=6.0, step_event_bytes=200,
    epoch_event_bytes=1000, peak_mib=500.0, free_mib=2000.0, held_mib=300.0, decisions={"memory_format": "contiguous"},
)  # fmt: skip


def by_line(fixed: float, an_image: float, *, limit: float = float("inf"), asked: list | None = None, **changes):
    """A rehearsal whose memory is a line over the batch size, and which runs out of it above a limit."""

    def rehearse(config, seconds, decided):
        if asked is not None:
            asked.append((config.batch_size, seconds, decided))
        peak = fixed + an_image * min(config.batch_size, FOUND.images)
        if peak > limit:
            raise OutOfMemoryError("Out of memory.", where="batch_size")
        return dataclasses.replace(FOUND, peak_mib=peak, **changes)

    return rehearse


def test_hours_add_up_what_a_run_does(tiny):
    found = forecast(tiny(epochs=10), CPU, rehearse=by_line(300, 1))

    # Three of ten epochs move the weights alone: 15 steps of 0.5 s, then seven epochs of 4 x 2 s + 1 s.
    steps, warmup, start = 7 * 9.0, 7.5, 9.0 + 1.0
    told = 10 * (0.75 + 5 * 0.01)
    checkpoints = (2 + 13) * 0.2
    assert found.hours * 3600 == pytest.approx(start + warmup + steps + told + checkpoints + 6.0)
    assert sum(found.hours_by_part.values()) == pytest.approx(found.hours)
    assert (found.steps, found.epochs, found.steps_per_epoch) == (50, 10, 5)
    assert found.weights_seconds_per_step == 0.5


def test_checkpoints_within_long_epochs_are_counted(tiny):
    short = forecast(tiny(epochs=10, checkpoint_minutes=10), CPU, rehearse=by_line(300, 1))
    often = forecast(tiny(epochs=10, checkpoint_minutes=0.1), CPU, rehearse=by_line(300, 1))

    more = (often.hours_by_part["checkpoints"] - short.hours_by_part["checkpoints"]) * 3600
    assert more == pytest.approx((7 * 9.0 + 7.5) / 6 * 0.2)


@pytest.mark.parametrize(
    ("fixed", "an_image", "largest"), [(300, 4, 344), (300, 2.0, 696), (1000, 50, 14), (100, 0.1, 1000)]
)
def test_largest_batch_solves_the_line(tiny, fixed, an_image, largest):
    found = forecast(tiny(batch_size=8, learning_rate=0.02), CPU, rehearse=by_line(fixed, an_image))

    room = SHARE["cpu"] * 2000
    assert found.largest_batch_size == largest
    assert fixed + an_image * largest <= room
    if largest < FOUND.images:
        step = 8 if largest >= 16 else 1
        assert fixed + an_image * (largest + step) > room
    assert found.learning_rate == pytest.approx(0.02 * largest / 8, rel=1e-3)
    assert found.fits


def test_memory_that_does_not_grow_lets_all_images_in(tiny):
    found = forecast(tiny(batch_size=8), CPU, rehearse=by_line(300, 0))

    assert found.largest_batch_size == FOUND.images
    assert any("linear rule" in message for message in found.messages)


def test_learning_rate_belongs_to_the_batch_of_the_preset(tiny):
    found = forecast(tiny(batch_size=32, learning_rate=0.025), CPU, reference=(64, 0.025), rehearse=by_line(300, 14.5))

    assert found.largest_batch_size == 96
    assert found.learning_rate == 0.0375
    assert scaled_rate((256, 0.1), 1024) == 0.4


def test_batch_that_does_not_fit_is_told_with_its_need(tiny):
    asked = []
    found = forecast(tiny(batch_size=256), CPU, rehearse=by_line(300, 20, limit=2000, asked=asked))

    assert [batch for batch, _, _ in asked][:2] == [256, 64]
    assert not found.fits
    assert found.peak_memory_mib == pytest.approx(300 + 20 * 256)
    assert found.largest_batch_size == 64  # (0.85 x 2000 - 300) / 20 = 70, a multiple of 8
    assert any("256 does not fit" in message for message in found.messages)


def test_too_little_memory_for_two_images_is_an_error(tiny):
    with pytest.raises(OutOfMemoryError):
        forecast(tiny(batch_size=8), CPU, rehearse=by_line(300, 20, limit=10))


def test_peak_above_the_free_share_does_not_fit(tiny):
    found = forecast(tiny(batch_size=64), CPU, rehearse=by_line(600, 20))

    assert not found.fits
    assert found.largest_batch_size < 64


def test_memory_is_measured_with_the_layout_of_the_first_rehearsal(tiny):
    asked = []
    forecast(tiny(batch_size=64), CPU, seconds=3.0, rehearse=by_line(300, 4, asked=asked))

    assert asked == [(64, 3.0, None), (32, 0.0, FOUND.decisions)]  # Steps of 2 s: the smaller batch is sooner done.


def test_quick_steps_are_compared_with_a_larger_batch(tiny):
    asked = []
    forecast(tiny(batch_size=64), CPU, rehearse=by_line(300, 4, asked=asked, step_seconds=0.01))

    assert [batch for batch, _, _ in asked] == [64, 256 if 300 + 4 * 64 + 4 * (4 * 64) < 1700 else 128]


def test_largest_batch_of_a_gpu_is_tried(tiny, monkeypatch):
    monkeypatch.setattr("engine.bench.forecast.describe_device", str)
    asked = []
    # By the line 768 fit; in truth nothing that takes more than 1,600 MiB does.
    found = forecast(tiny(batch_size=64), GPU, rehearse=by_line(300, 2, limit=1600, asked=asked))

    tried = [batch for batch, _, _ in asked[2:]]
    assert tried[0] == 768
    assert tried == sorted(tried, reverse=True)
    assert found.largest_batch_size == tried[-1]
    assert 300 + 2 * found.largest_batch_size <= 1600


def test_random_search_trains_nothing(tiny):
    found = forecast(tiny(method="random"), CPU, rehearse=None)

    assert found.steps == 0
    assert 0 < found.hours < 0.01
    assert found.in_words().startswith("about 5 s")


def test_words():
    found = Forecast(
        5222.4, 10 / 3, 96, 0.0375, batch_size=64, seconds_per_step=1.0, weights_seconds_per_step=None, steps=1, epochs=1,
        steps_per_epoch=1, images=1, parameters=1, device="cpu", device_title="cpu", free_memory_mib=8192.0, fits=True, disk_mib=1.0,
        timed_steps=1,
    )  # fmt: skip
    assert found.in_words() == "about 3 h 20 min, 5.1 GiB of 8.0 GiB, fits; largest batch 96 (learning rate 0.0375)"


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"limit_images": 100, "batch_size": 32}, {"limit_portion": 0.3, "batch_size": 16}, {"train_portion": 0.3, "batch_size": 32},
        {"validation_portion": 0, "batch_size": 64, "limit_images": 200}, {"method": "pc-darts", "epochs": 4, "batch_size": 64},
    ],
)  # fmt: skip
def test_steps_are_those_of_the_real_trainer(tiny, settings):
    from engine.data import load_data

    config = tiny(**{"batch_size": 16, **settings, "channels": 4})
    data = load_data(config, CPU)
    trainer = SearchTrainer(config, data, CPU)
    found = rehearse(config, CPU, seconds=0.0)

    assert found.steps_per_epoch == trainer.steps_per_epoch
    assert found.epochs == config.epochs
    assert found.warmup_steps == config.warmup_epochs * trainer.steps_per_epoch
    assert found.images == trainer.facts()["splits"]["weights"]
    count = trainer.facts()["splits"][trainer.facts()["validation_split"]]
    full, rest = divmod(count, min(config.batch_size, count))
    assert found.validation_batches == full + (rest >= 2)


def test_error_of_a_median_is_that_of_many_medians():
    numbers = np.random.default_rng(0).normal(10.0, 1.0, (4000, 40))

    told = np.median([median_error(list(row)) for row in numbers[:400]]) * 10
    assert told == pytest.approx(np.median(numbers, axis=1).std(), rel=0.1)
    assert median_error([1.0] * 8) == 0
    assert median_error([1.0] * 7) == math.inf


def test_steps_that_take_equally_long_are_not_timed_for_long(tiny, monkeypatch, tmp_path):
    now, swing = [0.0], [0.0]

    def block(self, place, first, size):
        now[0] += 0.1
        return 0.1 + swing[0] * (first % 2)

    monkeypatch.setattr("engine.bench.rehearsal.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr("engine.bench.rehearsal._Rehearsal._block", block)
    trainer = SimpleNamespace(steps_per_epoch=1000, epochs=2)
    for swing[0], count in ((0.0, 20), (0.05, 100)):
        rehearsal = _Rehearsal(tiny(), trainer, None, [], CPU, tmp_path, 10.0)
        found = rehearsal._times(lambda number: number, 10.0)
        assert len(found) == pytest.approx(count, abs=1)


def test_rehearsal_of_a_retraining(tiny):
    from engine.config import resolve
    from engine.genotype.named import named
    from engine.retrain.trainer import RetrainTrainer

    values = {
        "genotype": named("DARTS_V2").as_json(),
        "channels": 4,
        "layers": 3,
        "device": "cpu",
        "limit_images": 64,
        "batch_size": 16,
    }
    config = resolve("retrain", values=values)
    from engine.data import load_data

    trainer = RetrainTrainer(config, load_data(config, CPU), CPU)
    found = rehearse(config, CPU, seconds=0.1)

    assert found.steps_per_epoch == trainer.steps_per_epoch
    assert found.parameters == trainer.facts()["parameters"]
    assert found.warmup_steps == 0
    assert found.final_seconds == 0
    assert found.checkpoint_bytes > 4 * found.parameters  # float32 weights, and their momentum
    assert found.timed_steps >= 2


@pytest.fixture(scope="module")
def real(tiny):
    """A forecast with nothing replaced."""
    return forecast(tiny(epochs=2, limit_images=32), CPU, seconds=0.2)


def test_real_forecast_is_whole(real):
    assert real.fits
    assert 50 < real.peak_memory_mib < 4000
    assert real.peak_memory_mib < real.free_memory_mib
    assert 0 < real.hours < 0.1
    assert 2 <= real.largest_batch_size <= real.images
    assert real.steps == 2 * real.steps_per_epoch
    assert real.as_json()["messages"] == list(real.messages)


def test_refusals_of_the_rehearsal_come_through(tiny, tmp_path):
    with pytest.raises(NascopeError, match=r"no such|not there|missing|cannot|does not exist|is not"):
        rehearse_in_child(tiny(data=f"npz:{tmp_path / 'none.npz'}"), 0.0, None)


def test_rehearsal_that_dies_is_an_error_in_words(tiny, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ForecastError, match="ended with"):
        rehearse_in_child(tiny(), 0.0, None)


def test_rehearsal_ends_with_the_one_that_asked_and_leaves_nothing(tiny, tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-m", "engine.bench.rehearsal_child"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    config = tiny(limit_images=32).model_dump(mode="json")
    child.stdin.write(json.dumps({"config": config, "seconds": 600.0, "decided": None}).encode() + b"\n")
    child.stdin.flush()
    try:
        until = time.monotonic() + 60
        while not list(tmp_path.rglob("events.jsonl")) and time.monotonic() < until:
            time.sleep(0.05)
        assert child.poll() is None
        child.stdin.close()  # As the death of whoever asked does.
        assert child.wait(timeout=60) == 1
        assert not list(tmp_path.glob("nascope*"))
    finally:
        child.kill()
