"""Commands that work on cells refuse two-stage methods at once, and name what they take."""

import json

import pytest

from engine.errors import NascopeError

CELLS = ("darts", "darts-v2", "pc-darts", "beta-darts", "random")


@pytest.mark.parametrize("method", ["bignas", "attentive-nas"])
def test_bench_and_demo_take_methods_that_find_cells(nascope, method, tmp_path):
    for command in (("bench",), ("demo", "--out", tmp_path / "demo")):
        answer = nascope(*command, "--method", method, "--json")

        assert answer.code == 2
        error = answer.json["error"]
        assert error["where"] == "method"
        assert all(name in error["mend"] for name in CELLS)
        assert "nascope search" in error["mend"]
        assert method not in error["mend"].partition("takes")[2]
    assert not (tmp_path / "demo").exists()


def test_bench_refuses_the_configuration_of_a_two_stage_run(nascope, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"kind": "two-stage", "method": "bignas"}))

    answer = nascope("bench", "--config", tmp_path / "config.json")

    assert answer.code == 2
    assert "two-stage supernet" in answer.err


@pytest.mark.parametrize("entry", ["bignas", {"name": "ours", "method": "attentive-nas"}])
def test_study_refuses_two_stage_methods_as_it_reads_its_file(nascope, tmp_path, entry):
    (tmp_path / "study.json").write_text(json.dumps({"methods": ["darts", entry], "seeds": 1}))

    answer = nascope("study", tmp_path / "study.json", "--out", tmp_path / "study")

    assert answer.code == 2
    assert "methods[1]" in answer.err
    assert "two-stage" in answer.err
    assert all(name in answer.err for name in CELLS)
    assert not (tmp_path / "study").exists()


def test_forecast_of_a_two_stage_run_scales_the_rate_of_its_own_preset(nascope, monkeypatch):
    from engine.bench import forecast as module

    asked = []

    def forecast(config, device, *, reference, listener):
        asked.append((config.kind, reference))
        raise NascopeError("enough.")

    monkeypatch.setattr(module, "forecast", forecast)
    nascope("search", "--method", "bignas", "--set", "batch_size=32", "--device", "cpu", "--forecast")
    nascope(
        "search",
        "--method",
        "bignas",
        "--set",
        "batch_size=32",
        "--set",
        "learning_rate=0.3",
        "--device",
        "cpu",
        "--forecast",
    )

    assert asked == [("two-stage", (64, 0.1)), ("two-stage", (32, 0.3))]
