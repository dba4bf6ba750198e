"""``--forecast``: an answer in words and in JSON, and nothing started."""

from __future__ import annotations

import pytest

from engine.bench import forecast as module
from engine.bench.forecast_result import Forecast

FOUND = Forecast(
    5222.4, 10 / 3, 96, 0.0375, batch_size=64, seconds_per_step=0.5, weights_seconds_per_step=0.2, steps=1000, epochs=50,
    steps_per_epoch=20, images=640, parameters=7, device="cpu", device_title="cpu, 1 thread", free_memory_mib=8192.0, fits=True,
    disk_mib=12.0, timed_steps=9, hours_by_part={"start": 0.01, "steps": 3.0, "end": 0.0}, messages=("A word of caution.",),
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    """What was asked of a forecast that is made up."""
    found = []

    def forecast(config, device, *, reference, listener):
        found.append((config, str(device), reference))
        listener("Rehearsing some steps")
        return FOUND

    monkeypatch.setattr(module, "forecast", forecast)
    return found


def test_json_has_the_promised_keys_and_nothing_is_made(nascope, asked, nascope_home, tmp_path):
    answer = nascope(
        "search", "--epochs", "7", "--device", "cpu", "--forecast", "--json", "--out", str(tmp_path / "run")
    )

    assert answer.code == 0
    document = answer.json
    assert {
        "peak_memory_mib",
        "hours",
        "largest_batch_size",
        "learning_rate",
        "seconds_per_step",
        "steps",
        "epochs",
        "device",
        "fits",
    } <= set(document)
    assert document["largest_batch_size"] == 96
    assert not (tmp_path / "run").exists()
    assert not nascope_home.exists() or not list(nascope_home.rglob("config.json"))
    assert asked[0][0].epochs == 7


def test_words_name_time_memory_and_the_batch(nascope, asked):
    answer = nascope("search", "--device", "cpu", "--forecast")

    assert answer.out.startswith("About 3 h 20 min, 5.1 GiB of 8.0 GiB, fits; largest batch 96 (learning rate 0.0375).")
    assert "--set batch_size=96 --set learning_rate=0.0375" in answer.out
    assert "0.2 s while the alphas are frozen" in answer.out
    assert "A word of caution." in answer.err


def test_rate_of_the_preset_belongs_to_the_batch_of_the_preset(nascope, asked):
    nascope("search", "--data", "cifar10", "--set", "batch_size=32", "--device", "cpu", "--forecast")
    nascope(
        "search",
        "--data",
        "cifar10",
        "--set",
        "batch_size=32",
        "--set",
        "learning_rate=0.5",
        "--device",
        "cpu",
        "--forecast",
    )
    nascope("search", "--method", "pc-darts", "--data", "cifar10", "--device", "cpu", "--forecast")
    nascope("retrain", "DARTS_V2", "--data", "cifar10", "--device", "cpu", "--forecast")

    assert [reference for _, _, reference in asked] == [(64, 0.025), (32, 0.5), (256, 0.1), (96, 0.025)]


def test_bad_settings_are_refused_before_anything_is_measured(nascope, asked):
    answer = nascope("search", "--set", "epochs=0", "--forecast", "--json")

    assert answer.code == 2
    assert "epochs" in answer.json["error"]["where"]
    assert not asked


def test_random_search_has_a_short_answer(nascope):
    answer = nascope("search", "--method", "random", "--device", "cpu", "--forecast", "--json")

    assert answer.code == 0
    assert answer.json["steps"] == 0
