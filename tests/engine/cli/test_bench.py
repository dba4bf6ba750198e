"""``nascope bench`` on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TINY = [
    *("--set", "channels=4", "--set", "layers=3", "--set", "batch_size=4", "--set", "threads=1"),
    *("--device", "cpu", "--steps", "1"),
]


@pytest.fixture
def canned(monkeypatch):
    """A bench that measures nothing; returns what it was asked."""
    import engine.bench
    from engine.bench import BenchResult, SupernetMeasures

    asked = []

    def found(supernet, seconds, operations, memory):
        return SupernetMeasures(
            supernet=supernet, parameters=1234567, images_per_step=64, timed_steps=9, step_seconds=seconds,
            weights_step_seconds=0.75 * seconds, operations_per_step=operations, peak_memory_mib=memory,
            decisions={"memory_format": "channels-last", "activation_checkpointing": "off"} if supernet == "fast" else {},
        )  # fmt: skip

    def measure(config, shape, device, *, steps, with_reference, listener):
        asked.append((config, shape, device, steps, with_reference))
        listener("Timing steps")
        return BenchResult(
            device="cpu", device_title="cpu, 1 thread", threads=1, versions={"torch": "2.99"},
            settings={name: getattr(config, name) for name in ("method", "order", "channels", "layers", "batch_size", "precision")},
            images=shape, measured=found("fast", 0.2, 5000, None if shape.channels == 3 else 100.0),
            reference=found("reference", 0.7, 20_000, 250.0) if with_reference else None,
            time_shares={"convolution": 0.625, "copies": 0.375, "other": 0.0}, messages=("Something to know.",),
        )  # fmt: skip

    monkeypatch.setattr(engine.bench, "measure", measure)
    return asked


def rows_of(text):
    """Each line of a table by its first cell."""
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]
    return {row[0]: row[1:] for row in cells if row}


def test_bench_prints_one_document_and_leaves_nothing_behind(nascope, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    answer = nascope("bench", *TINY, "--no-reference", "--json")

    assert answer.code == 0
    assert answer.json["measured"]["supernet"] == "fast"
    assert answer.json["measured"]["peak_memory_mib"] > 0
    assert answer.json["settings"]["channels"] == 4
    assert answer.json["reference"] is None
    assert list(tmp_path.rglob("*")) == []


def test_numbers_for_people(nascope, canned):
    answer = nascope("bench", "--method", "pc-darts", "--preset", "paper")

    rows = rows_of(answer.out)
    assert answer.code == 0
    assert "cpu, 1 thread, torch 2.99" in answer.out
    assert "pc-darts, order 1, 16 channels, 8 cells, batch 256" in answer.out
    assert rows["layout"] == ["channels-last, activation checkpointing off"]
    assert rows["seconds a step (median of 9)"] == ["0.2 s", "0.7 s", "3.50×"]
    assert rows["… of it for the weights"] == ["0.15 s", "0.525 s", "3.50×"]
    assert rows["… of it for the alphas"] == ["0.05 s", "0.175 s", "3.50×"]
    assert rows["steps a second"] == ["5", "1.43", "3.50×"]
    assert rows["images a second"] == ["320", "91.4", "3.50×"]
    assert rows["peak memory"] == ["100 MiB", "250 MiB", "2.50×"]
    assert rows["operations a step"] == ["5,000", "20,000", "4.00×"]
    assert rows["parameters"] == ["1,234,567", "1,234,567"]
    assert rows["convolutions"] == ["62.5%"]
    assert answer.err.splitlines() == ["Timing steps …", "Something to know."]


def test_without_textbook_there_is_one_column(nascope, canned):
    rows = rows_of(nascope("bench", "--no-reference", "--data", "cifar10").out)

    assert rows["steps a second"] == ["5"]
    assert rows["peak memory"] == ["–"]


def test_settings_are_those_of_a_search(nascope, canned, tmp_path):
    (tmp_path / "own.json").write_text('{"kind": "search", "nodes": 3, "channels": 12}')

    nascope(
        "bench", "--method", "darts-v2", "--data", "cifar10", "--preset", "small", "--config", tmp_path / "own.json",
        "--set", "channels=20", "--device", "cpu", "--steps", "7", "--no-reference",
    )  # fmt: skip

    config, shape, device, steps, with_reference = canned[0]
    assert (config.order, config.layers, config.nodes, config.channels) == (2, 5, 3, 20)
    assert (shape.channels, shape.image_size, shape.classes) == (3, 32, 10)
    assert (device.type, steps, with_reference) == ("cpu", 7, False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "channels=0"], "channels: must be a whole number"),
        (["--set", "chanels=4"], "chanels: is no setting"),
        (["--set", "channels=5", "--set", "partial_channels=4"], "channels: channels=5"),
        (["--data", "nothing"], "data: «nothing» is no data set"),
        (["--data", "image-folder:no/such/folder"], "there is no such folder"),
        (["--method", "random"], "method: a random search"),
        (["--method", "dart"], "Did you mean darts"),
        (["--preset", "large"], "preset: «large»"),
        (["--device", "cuda:99"], "device: cuda:99 is not there"),
        (["--steps", "0"], "--steps"),
        (["--steps", "many"], "--steps"),
        (["--out", "folder"], "--out"),
        (["stray"], "stray"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_field(nascope, arguments, says):
    answer = nascope("bench", *arguments, "--json")

    assert answer.code == 2
    assert says in answer.err
    assert answer.err.count("\n") == 1
    assert set(answer.json) == {"error"}


def test_wrong_settings_are_refused_without_torch():
    import subprocess

    script = (
        "import sys\n"
        "from engine.cli import main\n"
        "assert main(['bench', '--set', 'channels=0']) == 2\n"
        "assert main(['bench', '--help']) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "partial_channels" in done.stdout
    assert "--no-reference" in done.stdout
    assert not Path("runs").exists()


def test_out_of_memory_says_what_to_change(nascope, monkeypatch):
    import engine.bench
    from engine.bench.memory import out_of_memory

    def measure(config, *_, **__):
        raise out_of_memory(None, config)

    monkeypatch.setattr(engine.bench, "measure", measure)

    answer = nascope("bench", "--set", "batch_size=512", "--json")

    assert answer.code == 2
    assert "batch_size=256" in answer.json["error"]["mend"]
