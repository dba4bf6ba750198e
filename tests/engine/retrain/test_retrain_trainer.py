"""Steps of a retraining: what is minimized, in which order of memory, compiled or not, on one process or two."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from engine.data import load_data
from engine.errors import RunError
from engine.retrain import compiling
from engine.retrain.parallel import _has_idle_weights
from engine.retrain.trainer import RetrainTrainer
from engine.training.memory_format import memory_format_for

CPU = torch.device("cpu")
WORKER = Path(__file__).with_name("two_ranks.py")

_spec = importlib.util.spec_from_file_location("two_ranks", WORKER)
two_ranks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(two_ranks)
config = two_ranks.config


def made(decided=None, **values) -> RetrainTrainer:
    torch.manual_seed(0)
    settings = config(**values)
    return RetrainTrainer(settings, load_data(settings, CPU), CPU, decided)


def weights_after(trainer, steps=3, first=0):
    for step in range(first, first + steps):
        trainer.step(step)
    return {name: tensor.clone() for name, tensor in trainer.state_dict()["weights"].items()}


def assert_same(found, expected, tolerance):
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=tolerance, atol=tolerance, msg=name)


# -- what is minimized ------------------------------------------------------------------------------------------------


def test_labels_are_smoothed_in_both_losses_of_the_training_and_nowhere_else():
    trainer = made(
        image_size=32, channels=2, auxiliary=True, label_smoothing=0.1, auxiliary_weight=0.4, limit_images=40
    )
    images, labels = trainer._stream.batch(0)
    target = torch.nn.functional.one_hot(labels, 10) * 0.9 + 0.1 / 10  # of the papers' script
    trainer._network.train()
    with torch.no_grad():
        outputs = trainer._network(images)
    main, head = ((-target * output.log_softmax(1)).sum(1).mean() for output in outputs)

    _, loss, total = trainer._losses(images, labels)

    assert float(loss) == pytest.approx(float(main), rel=1e-5)
    assert float(total.detach()) == pytest.approx(float(main + 0.4 * head), rel=1e-5)
    validation = trainer._validation_stream.batch(0)
    trainer._network.eval()
    with torch.no_grad():
        plain = torch.nn.functional.cross_entropy(trainer._network(validation[0])[0], validation[1])
    metrics = trainer.end_epoch(0, lambda: None).metrics
    assert len(validation[0]) == len(trainer._validation_stream)
    assert metrics["validation_loss"] == pytest.approx(float(plain), rel=1e-5)


def test_rate_and_drop_path_follow_the_epochs():
    trainer = made(
        learning_rate=0.5, learning_rate_warmup_epochs=2, learning_rate_schedule="exponential", learning_rate_decay=0.9,
        drop_path=0.2, epochs=4,
    )  # fmt: skip
    rates, dropped = [], []
    for epoch in range(4):
        trainer.step(epoch * trainer.steps_per_epoch)
        rates.append(trainer.step_metrics()["learning_rate"])
        dropped.append(trainer._network.drop_path_probability)
    assert rates == pytest.approx([0.25, 0.5, 0.5 * 0.81, 0.5 * 0.729])
    assert dropped == pytest.approx([0.0, 0.05, 0.1, 0.15])


def test_networks_of_cells_decay_all_their_weights_with_plain_momentum():
    trainer = made(weight_decay=0.3)
    (group,) = trainer._optimizer.param_groups
    assert (group["weight_decay"], group["nesterov"]) == (0.3, False)
    assert len(group["params"]) == len(list(trainer._network.parameters()))


def test_bfloat16_stays_near_float32():
    losses = []
    for precision in ("float32", "bfloat16"):
        trainer = made(precision=precision)
        weights = weights_after(trainer)
        assert all(tensor.dtype != torch.bfloat16 for tensor in weights.values())
        losses.append(trainer.step_metrics()["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


# -- order of memory --------------------------------------------------------------------------------------------------


def test_the_order_of_memory_changes_no_number():
    """torch's fused SGD reads memory as it lies, so a gradient in another order would move the wrong weights."""
    expected = weights_after(made(memory_format="contiguous", image_size=12))
    last = made(memory_format="channels-last", image_size=12)
    found = weights_after(last)

    assert last._network.stem.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert_same(found, expected, 2e-4)


@pytest.mark.parametrize("orders", [("channels-last", "contiguous"), ("contiguous", "channels-last")])
def test_a_checkpoint_goes_on_in_another_order_of_memory(orders):
    before, after = (made(memory_format=order, image_size=12) for order in orders)
    weights_after(before)
    after.load_state_dict(before.state_dict())

    assert_same(weights_after(after, 2, 3), weights_after(before, 2, 3), 2e-4)


@pytest.mark.parametrize(
    ("device", "values", "decided", "expected"),
    [
        ("cpu", {}, {}, "channels-last"),
        ("cuda", {}, {}, "contiguous"),
        ("cuda", {"precision": "bfloat16"}, {}, "channels-last"),
        ("cuda", {"precision": "bfloat16"}, {"memory_format": "contiguous"}, "contiguous"),
        ("cpu", {"memory_format": "contiguous"}, {"memory_format": "channels-last"}, "contiguous"),
    ],
)
def test_the_order_is_decided_once(device, values, decided, expected):
    settings = config(**{"memory_format": "auto", **values})

    assert memory_format_for(settings, torch.device(device), decided) == expected
    assert made(memory_format="auto").decisions == {"memory_format": "channels-last"}


# -- compiled ---------------------------------------------------------------------------------------------------------


def test_a_compiled_network_is_the_same_and_keeps_its_names(monkeypatch):
    monkeypatch.setattr(compiling, "BACKEND", "eager")

    assert_same(weights_after(made(compile=True)), weights_after(made()), 1e-6)


def test_drop_path_is_compiled_once_for_all_epochs(monkeypatch):
    counter = CompileCounter()
    monkeypatch.setattr(compiling, "BACKEND", counter)
    trainer = made(compile=True, drop_path=0.3, epochs=12)
    counts = []
    for epoch in range(12):
        trainer.step(epoch * trainer.steps_per_epoch)
        counts.append(counter.frame_count)

    assert counts[1:] == [counts[1]] * 11


def test_a_compiler_that_fails_is_told_with_the_mend(monkeypatch):
    def broken(graph, inputs):
        raise RuntimeError("no working C++ compiler")

    monkeypatch.setattr(compiling, "BACKEND", broken)

    with pytest.raises(RunError, match=r"torch.compile failed: .*no working C\+\+ compiler.*compile=false") as failed:
        made(compile=True).check()
    assert "TORCHDYNAMO" not in str(failed.value)  # torch's advice to its developers


# -- several processes ------------------------------------------------------------------------------------------------


def test_two_processes_train_as_one_on_the_joint_batch(tmp_path):
    """With jointly normalized batches: 15 and 15 images, and all numbers are told of the joint batch."""
    command = [sys.executable, str(WORKER)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    processes = [subprocess.Popen([*command, str(rank), str(tmp_path)], env=environment) for rank in range(2)]
    try:
        alone = {name: two_ranks.train(config(**values)) for name, values in two_ranks.cells().items()}
    finally:
        codes = [process.wait(100) for process in processes]

    assert codes == [0, 0]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2))
    for cell, expected in alone.items():
        assert_same(first[cell]["weights"], second[cell]["weights"], 0)
        assert_same(first[cell]["weights"], expected["weights"], 1e-7)
        assert first[cell]["norm"] == pytest.approx(expected["norm"], rel=1e-6)
        for one, other in zip(first[cell]["metrics"], expected["metrics"], strict=True):
            assert one == pytest.approx(other, rel=1e-5)
        for name, value in expected["epoch"].items():
            found = second[cell]["epoch"][name]
            assert found == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6)), name


def test_idle_weights_are_found():
    settings = config()
    assert not _has_idle_weights(settings, (1, 8, 8), 10)
    assert _has_idle_weights(config(genotype=two_ranks.idle_genotype().as_json()), (1, 8, 8), 10)
