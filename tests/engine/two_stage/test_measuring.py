"""The meter: the same answer whenever it is asked, on training images for calibration and validation images for the rest."""

from __future__ import annotations

import copy
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine.data import load_data
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.measuring import SubnetMeter

CPU = torch.device("cpu")
WORKER = Path(__file__).with_name("two_ranks.py")

_spec = importlib.util.spec_from_file_location("two_ranks", WORKER)
two_ranks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(two_ranks)
config = two_ranks.config


@pytest.fixture(scope="module")
def data():
    return load_data(config(), CPU)


@pytest.fixture(scope="module")
def supernet():
    return two_ranks.supernet()


def calibration(meter):
    return list(meter._calibration.batches())


def numbers(evaluation):
    return evaluation.images, evaluation.loss, evaluation.accuracy_percent


def test_answer_is_that_of_a_plain_calibration_and_pass(data, supernet):
    meter = SubnetMeter(data, config(), CPU)
    architecture = smallest(supernet.space)
    network = supernet.cut_out(architecture)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    images = torch.cat([batch for batch, _ in meter._validation.batches()])
    labels = data.splits["validation"].labels
    with torch.no_grad():
        network.train()  # no dropout in this one
        for place, batch in enumerate(calibration(meter)):
            for norm in norms:
                norm.momentum = 1 / (place + 1)
            network(batch)
        logits = network.eval()(images)[0]

    found = meter.measure(supernet, architecture)

    assert found.images == len(labels) == 53
    assert found.loss == pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-4)
    assert found.accuracy_percent == pytest.approx(100 * float((logits.argmax(1) == labels).double().mean()))


def test_answer_depends_neither_on_order_nor_on_what_was_asked_before(data, supernet):
    meter, other = (SubnetMeter(data, config(), CPU) for _ in range(2))
    small, big = smallest(supernet.space), biggest(supernet.space)
    before = copy.deepcopy(supernet.state_dict())
    random_state = torch.get_rng_state()

    first = [numbers(meter.measure(supernet, architecture)) for architecture in (small, big, small)]
    second = [numbers(other.measure(supernet, architecture)) for architecture in (big, small)]

    assert first[0] == first[2] == second[1]
    assert first[1] == second[0] != first[0]
    assert supernet.training
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in supernet.state_dict().items())


def test_calibration_images_are_training_images_by_the_seed_alone(data):
    batches = calibration(SubnetMeter(data, config(), CPU))
    again = calibration(SubnetMeter(data, config(epochs=7, batch_size=20), CPU))
    others = calibration(SubnetMeter(data, config(seed=1), CPU))
    plain = calibration(SubnetMeter(data, config(augment=False), CPU))
    pool = data.splits["train"]

    assert [tuple(batch.shape) for batch in batches] == [(80, 1, 32, 32)] * 3
    assert all(torch.equal(one, other) for one, other in zip(batches, again, strict=True))
    assert not any(torch.equal(one, other) for one, other in zip(batches, others, strict=True))
    assert not any(torch.equal(one, other) for one, other in zip(batches, plain, strict=True))  # digits are shifted
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (data.normalization.mean, data.normalization.std))
    shown = {image.numpy().tobytes() for image in (torch.cat(plain) * std + mean).mul(255).round().to(torch.uint8)}
    known = {image.numpy().tobytes() for image in pool.pool}
    assert len(shown) == 240
    assert shown <= known


@pytest.mark.parametrize(
    ("asked", "batch_size", "sizes"), [(4096, 256, [256]), (4096, 100, [100, 100]), (60, 256, [60]), (150, 50, [50, 50, 50])]
)  # fmt: skip
def test_calibration_takes_whole_batches_of_what_there_is(data, asked, batch_size, sizes):
    assert len(data.splits["train"]) == 300

    meter = SubnetMeter(data, config(calibration_images=asked, calibration_batch_size=batch_size), CPU)

    assert [len(batch) for batch in calibration(meter)][: len(sizes)] == sizes
    assert meter.calibration_batches == len(calibration(meter)) == (3 if batch_size == 100 else len(sizes))


def test_network_is_calibrated_and_in_eval_mode(data, supernet):
    meter = SubnetMeter(data, config(), CPU)

    network = meter.network(supernet, biggest(supernet.space))

    assert not network.training
    assert all(bool((norm.running_var != 1).all()) for norm in network.modules() if isinstance(norm, nn.BatchNorm2d))


def test_stop_is_felt_before_each_batch(data, supernet):
    meter, asked = SubnetMeter(data, config(), CPU), []

    meter.measure(supernet, smallest(supernet.space), lambda: asked.append(1))
    with pytest.raises(InterruptedError):
        meter.measure(supernet, smallest(supernet.space), _raise)

    assert len(asked) == 3 + 2  # 240 images in batches of 80, 53 in batches of 50


def _raise():
    raise InterruptedError


def test_two_processes_find_what_one_finds(tmp_path):
    command = [sys.executable, str(WORKER)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    processes = [subprocess.Popen([*command, str(rank), str(tmp_path)], env=environment) for rank in range(2)]
    try:
        alone, gradients = two_ranks.measured(), two_ranks.gradients()
    finally:
        codes = [process.wait(100) for process in processes]

    assert codes == [0, 0]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2))
    for key, expected in alone.items():
        one, other = first["measured"][key], second["measured"][key]
        assert one["accuracy_percent"] == other["accuracy_percent"] == expected["accuracy_percent"]
        assert one["images"] == other["images"] == expected["images"]
        assert one["loss"] == other["loss"] == pytest.approx(expected["loss"], rel=1e-5)
        for name, tensor in expected["statistics"].items():
            assert torch.equal(one["statistics"][name], other["statistics"][name])
            torch.testing.assert_close(one["statistics"][name], tensor)
    assert first["gradients"].keys() == gradients.keys()
    for name, tensor in gradients.items():  # batch norms over both shares together
        torch.testing.assert_close(first["gradients"][name], tensor, rtol=1e-7, atol=1e-9)
