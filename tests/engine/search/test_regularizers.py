"""Beta decay against the public code's numbers and its closed-form gradient."""

import math

import pytest
import torch

from engine.search.regularizers import beta_decay, beta_decay_weight


def waves(wave, *shape):
    return 0.1 * wave(0.5 * torch.arange(math.prod(shape), dtype=torch.float64)).view(shape)


@pytest.mark.parametrize(
    ("alphas", "golden"),
    [
        (torch.zeros(6, 5, dtype=torch.float64), "zeros_6x5"),
        (waves(torch.sin, 6, 5), "sin_6x5"),
        (waves(torch.sin, 14, 8), "sin_14x8"),
        (waves(torch.cos, 14, 8), "cos_14x8"),
    ],
)
def test_beta_decay_of_one_kind_equals_the_public_code(alphas, golden, goldens):
    assert beta_decay([alphas]).item() == pytest.approx(goldens["beta_decay"][golden], abs=6e-11)


def test_kinds_add_up(goldens):
    found = beta_decay([waves(torch.sin, 14, 8), waves(torch.cos, 14, 8)]).item()

    assert found == pytest.approx(goldens["beta_decay"]["sin_14x8"] + goldens["beta_decay"]["cos_14x8"], abs=2e-10)


@pytest.mark.parametrize("epoch", [10, 50, 99])
def test_gradient_is_weighted_softmax_over_edges(epoch, goldens):
    alphas = waves(torch.sin, 6, 5).requires_grad_()
    weight = beta_decay_weight(50, epoch, 100)

    (gradient,) = torch.autograd.grad(weight * beta_decay([alphas]), [alphas])

    torch.testing.assert_close(gradient, weight * alphas.softmax(dim=-1) / 6)
    expected = goldens["beta_decay"]["gradient_norm_6x5_by_epoch_of_100"][str(epoch)]
    assert gradient.norm().item() == pytest.approx(expected, abs=6e-11)


def test_weight_grows_linearly_from_zero():
    assert [beta_decay_weight(50, epoch, 100) for epoch in (0, 50, 99)] == [0.0, 25.0, 49.5]
    assert beta_decay_weight(5, 15, 20) == 3.75
