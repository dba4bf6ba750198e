"""What the report says of doing a run again, and the questions that it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config import resolve
from engine.report.numbers import RunFacts
from engine.report.page import write_report
from engine.report.reproducibility import departures, reproducibility
from engine.runs import Event, EventWriter, RunFolder, RunHistory
from engine.runs.library import summarize


def run(
    path: Path, *, kind: str = "search", device: str = "cpu, 1 thread", preset: str | None = None, **values: Any
) -> RunFolder:
    method = values.pop("method", None)
    config = resolve(kind, method=method, preset=preset, values=values)
    facts = {
        "versions": {"torch": "2.14.1"},
        "command": "nascope search --seed 3",
        **({"preset": preset} if preset else {}),
    }
    folder = RunFolder.create(path, config, facts)
    folder.add_facts(decided={"threads": 1, "memory_format": "channels-last", "activation_checkpointing": "off"})
    writer = EventWriter(path / "events.jsonl")
    writer.write(
        Event(
            1e9,
            0,
            0,
            "started",
            {"device": device, "world_size": 1, "split_fingerprint": "abc123", "steps_per_epoch": 5},
        )
    )
    writer.close()
    return folder


def section(folder: RunFolder, *beside: RunFolder) -> dict[str, Any]:
    history = RunHistory.read(folder.path / "events.jsonl")
    facts = RunFacts(folder.config_document(), folder.status(), history, [], (), None, folder.results())
    found = [summarize(other.path) for other in beside]
    return reproducibility(facts, [summary for summary in found if summary is not None])


def answer(found: dict[str, Any], words: str) -> str:
    (text,) = (text for question, text in found["checks"] if words in question)
    return str(text)


def test_facts_are_those_of_the_run(tmp_path):
    found = dict(section(run(tmp_path / "a", seed=3))["facts"])

    assert found["seed"] == "3"
    assert found["deterministic"] == "no"
    assert found["device"] == "cpu, 1 thread"
    assert found["processes"] == "1"
    assert found["versions"] == "torch 2.14.1"
    assert found["images"] == "fingerprint abc123"
    assert found["sittings"] == "1"
    assert found["command"] == "nascope search --seed 3"
    assert "memory_format=channels-last" in found["decided here"]


@pytest.mark.parametrize(
    ("device", "deterministic", "wanted", "unwanted"),
    [
        ("cpu, 2 threads", False, "as many threads gives every number again to the bit", "drifts"),
        ("cuda:0 NVIDIA H100", False, "drifts apart", "again to the bit"),
        ("cuda:0 NVIDIA H100", True, "this kind of GPU gives every number again to the bit", "drifts"),
    ],
)
def test_promise_follows_from_device_and_mode(tmp_path, device, deterministic, wanted, unwanted):
    text = " ".join(section(run(tmp_path / "a", device=device, deterministic=deterministic))["again"])

    assert wanted in text
    assert unwanted not in text


def test_departures_from_the_preset_are_named(tmp_path):
    untouched = run(tmp_path / "a", preset="paper", seed=7, threads=1)
    changed = run(tmp_path / "b", preset="paper", epochs=10, channels=8)

    assert departures(untouched.config_document()) == []
    assert departures(changed.config_document()) == ["epochs 10 (preset 50)", "channels 8 (preset 16)"]
    assert "2 settings depart from the preset paper" in answer(section(changed), "protocol")
    assert answer(section(untouched), "protocol").startswith("Yes")


def test_random_cells_and_seeds_beside_are_counted(tmp_path):
    this = run(tmp_path / "a", method="pc-darts", seed=1)
    other = run(tmp_path / "b", method="pc-darts", seed=2)
    cell = run(tmp_path / "c", method="random", seed=1)
    alone, beside = section(this), section(this, other, cell)

    assert answer(alone, "random baseline").startswith("None")
    assert answer(beside, "random baseline").startswith("1 random cell on the same data lies")
    assert answer(alone, "several seeds").startswith("Only this one")
    assert answer(beside, "several seeds").startswith("2 seeds")
    assert answer(section(cell), "random baseline").startswith("This run is one")


def test_looks_at_the_test_split_are_counted(tmp_path):
    folder = run(tmp_path / "a")
    assert "not looked at" in answer(section(folder), "test split")

    folder.add_result("test", accuracy_percent=90.0)
    folder.add_result("test", accuracy_percent=91.0)
    assert "twice" in answer(section(folder), "test split")


def test_numbers_on_the_test_split_are_owned_up_to(tmp_path):
    folder = run(tmp_path / "a")
    writer = EventWriter(folder.path / "events.jsonl")
    writer.write(Event(1e9, 4, 0, "epoch", {"validation_split": "test", "validation_accuracy_percent": 97.0}))
    writer.close()

    assert answer(section(folder), "test split").startswith("No:")


def test_page_has_the_section_and_sees_what_lies_beside(tmp_path):
    folder = run(tmp_path / "a", method="darts")
    run(tmp_path / "b", method="random")
    page = write_report(folder).read_text(encoding="utf-8")

    assert "<h2>Reproducibility</h2>" in page
    assert "1 random cell on the same data" in page
    assert "nascope search --seed 3" in page


def test_run_that_never_began_has_a_section(tmp_path):
    folder = RunFolder.create(tmp_path / "a", resolve("search"), {})
    found = section(folder)

    assert "has not begun" in " ".join(found["again"])
    assert answer(found, "hardware") == "Not yet."
