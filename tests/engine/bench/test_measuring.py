"""The bench as a whole, on a tiny search."""

from __future__ import annotations

import json
import math

import pytest
import torch

from engine.bench import measure, shape_of_data
from engine.bench.images import DataShape
from engine.bench.memory import OutOfMemoryError, Peak, ProbeError
from engine.bench.result import BenchResult, SupernetMeasures
from engine.bench.shares import KINDS
from engine.bench.subject import Subject
from engine.errors import ConfigError
from engine.supernet import ReferenceSupernet

CPU = torch.device("cpu")
WHOLE = {"nodes": 2, "space": "darts"}
MODULE = "engine.bench.measuring"


def bench(config, **options):
    return measure(config, shape_of_data(config), CPU, **{"steps": 1, **options})


@pytest.fixture
def no_process(monkeypatch):
    """Peak memory without a process of its own; returns what was asked."""
    asked = []

    def peak(config, shape, threads):
        asked.append((config, shape, threads))
        return Peak(10.0) if config.supernet == "fast" else Peak(40.0)

    monkeypatch.setattr(f"{MODULE}.peak_in_fresh_process", peak)
    return asked


@pytest.fixture(scope="module")
def whole(tiny):
    """A bench with nothing replaced, and the state of torch before and after."""
    torch.manual_seed(5)
    before = (torch.get_num_threads(), torch.random.get_rng_state())
    torch.set_num_threads(1)
    said = []
    result = bench(tiny(**WHOLE), steps=3, listener=said.append)
    return result, said, before


def test_numbers_are_positive_and_those_of_the_search(whole, tiny):
    result, said, _ = whole
    config = tiny(**WHOLE)

    weights = ReferenceSupernet(config.channels, 10, config.layers, image_channels=1, nodes=config.nodes).parameters()
    parameters = sum(weight.numel() for weight in weights)
    for found in (result.measured, result.reference):
        assert found.parameters == parameters
        assert found.images_per_step == 4
        assert found.timed_steps == 3
        assert 0 < found.weights_step_seconds < 60
        assert 0 < found.step_seconds < 60
        assert found.steps_per_second == pytest.approx(1 / found.step_seconds)
        assert found.images_per_second == pytest.approx(4 / found.step_seconds)
        assert 0 < found.peak_memory_mib < 500
    assert [result.measured.supernet, result.reference.supernet] == ["fast", "reference"]
    assert any("reference" in sentence for sentence in said)


def test_fast_supernet_asks_for_fewer_operations(whole):
    result, _, _ = whole

    # Two nodes have few edges to share; four have 2.6 times fewer operations.
    assert result.ratios.operations_per_step > 1.3


def test_shares_add_up_to_one_and_convolutions_have_some(whole):
    shares = whole[0].time_shares

    assert set(shares) == set(KINDS)
    assert math.fsum(shares.values()) == pytest.approx(1)
    assert all(share >= 0 for share in shares.values())
    assert shares["convolution"] > 0.1
    assert shares["optimizer"] > 0


def test_document_is_json_with_stable_names(whole):
    document = whole[0].as_json()

    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert set(document) == {
        "device", "device_title", "threads", "versions", "settings", "images", "measured", "reference", "ratios", "time_shares",
        "messages",
    }  # fmt: skip
    numbers = {
        "supernet", "parameters", "images_per_step", "timed_steps", "step_seconds", "weights_step_seconds", "alphas_step_seconds",
        "steps_per_second", "images_per_second", "operations_per_step", "peak_memory_mib", "decisions",
    }  # fmt: skip
    assert set(document["measured"]) == set(document["reference"]) == numbers
    assert set(document["ratios"]) == {"step_seconds", "weights_step_seconds", "operations_per_step", "peak_memory"}
    assert document["images"] == {"channels": 1, "image_size": 8, "classes": 10}
    assert {"method", "order", "channels", "layers", "batch_size", "supernet"} <= set(document["settings"])
    assert document["versions"]["torch"] == torch.__version__


def test_ratios_are_the_textbook_over_the_measured():
    def found(**numbers):
        return SupernetMeasures(
            **{
                "supernet": "fast", "parameters": 7, "images_per_step": 64, "timed_steps": 5, "step_seconds": 2.0,
                "weights_step_seconds": 1.5, "operations_per_step": 100, "peak_memory_mib": 50.0,
            } | numbers
        )  # fmt: skip

    def result(**numbers):
        reference = found(step_seconds=6.0, weights_step_seconds=3.0, operations_per_step=400, peak_memory_mib=75.0)
        return BenchResult(
            device="cpu", device_title="cpu, 1 thread", threads=1, versions={}, settings={}, images=DataShape(1, 8, 10),
            measured=found(**numbers), reference=reference, time_shares=None,
        )  # fmt: skip

    ratios = result().ratios
    assert (ratios.step_seconds, ratios.weights_step_seconds) == (3.0, 2.0)
    assert (ratios.operations_per_step, ratios.peak_memory) == (4.0, 1.5)
    assert result().measured.alphas_step_seconds == 0.5
    assert result().measured.images_per_second == 32
    assert result(peak_memory_mib=None).ratios.peak_memory is None
    assert result(peak_memory_mib=0.0).ratios.peak_memory is None
    assert result(weights_step_seconds=2.5).measured.alphas_step_seconds == 0


def test_state_of_the_process_is_left_as_it_was(tiny, no_process):
    threads = torch.get_num_threads()
    torch.manual_seed(3)
    random = torch.random.get_rng_state()
    torch.set_num_threads(2)
    try:
        result = bench(tiny(threads=1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)

    assert torch.equal(torch.random.get_rng_state(), random)
    assert result.threads == 1
    assert result.device_title == "cpu, 1 thread"
    assert [threads for _, _, threads in no_process] == [1, 1]


def test_count_is_the_same_at_every_bench(tiny, no_process):
    first, second = bench(tiny()), bench(tiny())

    assert first.measured.operations_per_step == second.measured.operations_per_step
    assert first.reference.operations_per_step == second.reference.operations_per_step


def test_second_order_asks_for_more_than_first_order(tiny, no_process):
    first, second = bench(tiny()), bench(tiny(order=2))

    # Five passes of forward and backward instead of two.
    assert 2 < second.reference.operations_per_step / first.reference.operations_per_step < 3


def test_textbook_is_the_same_search_without_tricks(tiny, no_process):
    config = tiny(
        method="pc-darts", channels=8, activation_checkpointing="auto", memory_format="channels-last", cuda_graphs=True
    )

    bench(config)

    textbook = no_process[1][0]
    changed = {name for name, value in textbook.model_dump().items() if value != getattr(config, name)}
    assert changed == {"supernet", "activation_checkpointing", "memory_format", "cuda_graphs"}
    assert (textbook.supernet, textbook.activation_checkpointing) == ("reference", "off")
    assert (textbook.memory_format, textbook.cuda_graphs) == ("contiguous", False)


@pytest.mark.parametrize(
    ("values", "options", "measured"),
    [({}, {"with_reference": False}, "fast"), ({"supernet": "reference"}, {}, "reference")],
)
def test_without_textbook_nothing_is_compared(tiny, no_process, values, options, measured):
    result = bench(tiny(**values), **options)

    assert result.measured.supernet == measured
    assert result.reference is None
    assert result.ratios is None
    assert len(no_process) == 1


def test_random_search_has_no_step(tiny, no_process):
    with pytest.raises(ConfigError, match="no step to measure") as caught:
        bench(tiny(method="random"))

    assert caught.value.faults[0].field == "method"
    assert no_process == []


def test_layout_of_the_other_process_is_taken_up_here(tiny, monkeypatch):
    decisions = {"memory_format": "contiguous", "activation_checkpointing": "off"}
    monkeypatch.setattr(f"{MODULE}.peak_in_fresh_process", lambda *_: Peak(10.0, decisions))

    result = bench(tiny(), with_reference=False)

    # Left to itself, a search on a processor takes channels-last.
    assert result.measured.decisions == decisions


def test_textbook_that_does_not_fit_is_a_message(tiny, no_process, monkeypatch):
    def peak(config, shape, threads):
        if config.supernet == "reference":
            raise OutOfMemoryError("Out of memory with batch_size=4 (9 GiB more were wanted).")
        return Peak(10.0)

    monkeypatch.setattr(f"{MODULE}.peak_in_fresh_process", peak)

    result = bench(tiny())

    assert result.reference is None
    assert result.measured.peak_memory_mib == 10.0
    assert "reference supernet does not fit" in result.messages[0]
    assert "9 GiB" in result.messages[0]


def test_textbook_that_does_not_fit_here_is_a_message_too(tiny, no_process, monkeypatch):
    def subject(config, data, device, decided):
        if config.supernet == "reference":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.50 GiB.")
        return Subject(config, data, device, decided)

    monkeypatch.setattr(f"{MODULE}.Subject", subject)

    result = bench(tiny())

    assert result.reference is None
    assert "3.50 GiB" in result.messages[0]


def test_search_that_does_not_fit_is_an_error_with_a_mend(tiny, no_process, monkeypatch):
    def subject(config, data, device, decided):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 123456789 bytes")

    monkeypatch.setattr(f"{MODULE}.Subject", subject)

    with pytest.raises(OutOfMemoryError, match=r"117\.7 MiB") as caught:
        bench(tiny())

    assert "batch_size=2" in caught.value.mend


def test_other_faults_are_not_taken_for_memory(tiny, no_process, monkeypatch):
    def subject(config, data, device, decided):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(f"{MODULE}.Subject", subject)

    with pytest.raises(RuntimeError, match="a fault of ours"):
        bench(tiny())


def test_memory_that_cannot_be_measured_is_a_message(tiny, monkeypatch):
    def peak(config, shape, threads):
        raise ProbeError("no other process could be started")

    monkeypatch.setattr(f"{MODULE}.peak_in_fresh_process", peak)

    result = bench(tiny())

    assert result.measured.peak_memory_mib is None
    assert result.ratios.peak_memory is None
    assert len(result.messages) == 2
    assert "no other process" in result.messages[0]


def test_supernets_take_turns_and_either_may_be_first(tiny, no_process, monkeypatch):
    order = []

    class Logged(Subject):
        def __init__(self, config, *others):
            super().__init__(config, *others)
            self.supernet = config.supernet

        def whole_step_seconds(self):
            order.append(self.supernet)
            return super().whole_step_seconds()

    monkeypatch.setattr(f"{MODULE}.Subject", Logged)

    bench(tiny(), steps=3)

    assert order == ["fast", "reference", "reference", "fast", "fast", "reference"]


def test_number_of_steps_follows_the_time_that_they_take(tiny, no_process, monkeypatch):
    monkeypatch.setattr("engine.bench.subject.Subject.whole_step_seconds", lambda self: 0.5)
    monkeypatch.setattr("engine.bench.subject.Subject.weights_step_seconds", lambda self: 0.25)

    # Two supernets: a round takes 1.5 seconds.
    assert bench(tiny(), steps=None).measured.timed_steps == round(10 / 1.5)

    monkeypatch.setattr("engine.bench.subject.Subject.whole_step_seconds", lambda self: 60.0)

    assert bench(tiny(), steps=None).measured.timed_steps == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_memory_comes_from_the_allocator(tiny):
    config = tiny(device="cuda")

    result = measure(config, shape_of_data(config), torch.device("cuda"), steps=2)

    assert result.measured.peak_memory_mib > 0
    assert result.reference.peak_memory_mib > 0
    assert math.fsum(result.time_shares.values()) == pytest.approx(1)
    assert result.time_shares["convolution"] > 0
