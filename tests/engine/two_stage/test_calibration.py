"""Calibration: the plain mean of the batches' statistics, and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.networks.subnet import SubnetNetwork
from engine.two_stage.calibration import calibrate

_spec = importlib.util.spec_from_file_location("sub_networks", Path(__file__).with_name("sub_networks.py"))
sub_networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sub_networks)
BIGGEST, RANDOM = sub_networks.BIGGEST, sub_networks.RANDOM


def network(architecture=RANDOM, **settings):
    made = SubnetNetwork(architecture, **settings).double()
    sub_networks.randomize(made)
    return made


def batches(count=3, images=6, side=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(images, 3, side, side, generator=generator, dtype=torch.float64) for _ in range(count)]


def norms(of):
    return [module for module in of.modules() if isinstance(module, nn.BatchNorm2d)]


def statistics(of):
    return [tensor.clone() for norm in norms(of) for tensor in (norm.running_mean, norm.running_var)]


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        torch.testing.assert_close(one, other)


def test_statistics_are_the_mean_of_the_batches_own():
    calibrated, seen = network(), {}
    for norm in norms(calibrated):
        norm.register_forward_pre_hook(lambda layer, inputs: seen.setdefault(layer, []).append(inputs[0]))

    calibrate(calibrated, batches())

    for norm in norms(calibrated):
        assert len(seen[norm]) == 3
        flat = [x.transpose(0, 1).flatten(1) for x in seen[norm]]
        means = [x.mean(1) for x in flat]
        variances = [(x - x.mean(1, keepdim=True)).square().sum(1) / (x.shape[1] - 1) for x in flat]
        torch.testing.assert_close(norm.running_mean, sum(means) / 3)
        torch.testing.assert_close(norm.running_var, sum(variances) / 3)


def test_network_passes_are_those_of_the_batches_statistics():
    """The inputs of a batch norm must not depend on what earlier batches left in the ones before it."""
    together, alone = network(), network()

    calibrate(together, batches(2))
    found = statistics(together)
    singles = []
    for batch in batches(2):
        calibrate(alone, [batch])
        singles.append(statistics(alone))

    assert_equal(found, [(one + other) / 2 for one, other in zip(*singles, strict=True)])


def test_evaluating_the_calibration_batch_errs_by_the_unbiased_variance_alone():
    """Relative error about 1 / B: running variances are unbiased, those of a training pass are not."""
    torch.manual_seed(0)
    calibrated = SubnetNetwork(BIGGEST).double()
    sub_networks.unit_scales(calibrated)
    errors = []
    for images in (4, 16, 64, 256):
        (batch,) = batches(1, images, 32)
        with torch.no_grad():
            expected = calibrated.train()(batch)[0]
            calibrate(calibrated, [batch])
            found = calibrated(batch)[0]
        errors.append(images * float((found - expected).norm() / expected.norm()))

    # The original layers gave 0.30, 0.30, 0.31, 0.31 with weights of their own.
    assert errors == pytest.approx([0.3] * 4, rel=0.4)
    assert max(errors) / min(errors) < 1.2


def test_nothing_of_an_earlier_network_or_calibration_stays():
    fresh, used = network(), network()

    calibrate(fresh, batches(seed=1))
    used.train()(5 + batches(1)[0])  # moves the statistics by a momentum
    calibrate(used, batches(2, seed=2))
    calibrate(used, batches(seed=1))

    assert all(torch.equal(one, other) for one, other in zip(statistics(fresh), statistics(used), strict=True))
    assert {int(norm.num_batches_tracked) for norm in norms(used)} == {3}


def test_dropout_and_drop_connect_are_off_and_no_weight_moves():
    plain, dropping = network(), network(dropout=0.9, drop_connect=0.9, drop_connect_stages="all")
    weights = [parameter.detach().clone() for parameter in dropping.parameters()]
    random_state = torch.get_rng_state()

    calibrate(plain, batches())
    calibrate(dropping.train(), batches())

    assert_equal(statistics(plain), statistics(dropping))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(one, other) for one, other in zip(weights, dropping.parameters(), strict=True))
    assert all(parameter.grad is None and parameter.requires_grad for parameter in dropping.parameters())


def test_network_is_in_eval_mode_and_ready_to_train_on():
    calibrated = network()

    calibrate(calibrated.train(), batches())

    assert not any(module.training for module in calibrated.modules())
    assert {norm.momentum for norm in norms(calibrated)} == {0.1}


def test_interruption_leaves_eval_mode_and_momentum():
    def interrupted():
        yield batches(1)[0]
        raise InterruptedError

    calibrated = network()
    with pytest.raises(InterruptedError):
        calibrate(calibrated.train(), interrupted())

    assert not any(module.training for module in calibrated.modules())
    assert {norm.momentum for norm in norms(calibrated)} == {0.1}
    with pytest.raises(ValueError, match="no batches"):
        calibrate(calibrated, [])
