"""Drop path: whose output is dropped, how often, and how the rest is scaled."""

import pytest
import torch
from torch import nn

from engine.genotype import Cell, Edge, Genotype
from engine.networks import CifarNetwork, drop_path
from engine.networks.drop_path import is_dropped
from engine.primitives import build_primitive


def test_images_are_dropped_whole_at_the_rate_and_the_rest_is_scaled():
    x = torch.ones(20_000, 2, 1, 3)

    found = drop_path(x, 0.3, torch.Generator().manual_seed(0))

    kept = found[:, 0, 0, 0] != 0
    # Standard deviation of the rate: sqrt(0.3 * 0.7 / 20000) = 0.0032.
    assert kept.double().mean().item() == pytest.approx(0.7, abs=0.013)
    assert torch.equal(found, (kept.float() / 0.7).view(-1, 1, 1, 1).expand_as(x))
    assert found.mean().item() == pytest.approx(1.0, abs=0.02)
    assert torch.equal(x, torch.ones_like(x))


def test_a_probability_on_the_device_drops_alike():
    x = torch.ones(20_000, 2, 1, 3)

    found = drop_path(x, torch.tensor(0.3), torch.Generator().manual_seed(0))

    kept = found[:, 0, 0, 0] != 0
    assert kept.double().mean().item() == pytest.approx(0.7, abs=0.013)
    torch.testing.assert_close(found, (kept.float() / 0.7).view(-1, 1, 1, 1).expand_as(x))
    short = drop_path(x.bfloat16(), torch.tensor(0.3))
    assert short.dtype == torch.bfloat16
    assert set(short.unique().tolist()) == {0.0, torch.tensor(1 / 0.7).bfloat16().item()}


def test_same_generator_drops_the_same_images():
    x = torch.randn(64, 1, 2, 2, dtype=torch.float64)

    first, again = (drop_path(x, 0.5, torch.Generator().manual_seed(7)) for _ in range(2))

    assert torch.equal(first, again)
    assert first.dtype == torch.float64


def test_probability_zero_draws_nothing():
    x, state = torch.randn(4, 1, 2, 2), torch.get_rng_state()

    assert torch.equal(drop_path(x, 0.0), x)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("probability", [-0.1, 1.0, float("nan")])
def test_impossible_probabilities_are_refused(probability):
    network = CifarNetwork(chain("skip_connect"), 4, 3, 4)

    with pytest.raises(ValueError, match=r"not in \[0, 1\)"):
        network.drop_path_probability = probability
    with pytest.raises(ValueError, match=r"not in \[0, 1\)"):
        drop_path(torch.ones(1, 1, 1, 1), probability)

    assert network.drop_path_probability == 0.0


@pytest.mark.parametrize(
    ("name", "stride", "dropped"),
    [("skip_connect", 1, False), ("skip_connect", 2, True), ("max_pool_3x3", 1, True), ("sep_conv_3x3", 1, True)],
)
def test_only_the_plain_identity_is_never_dropped(name, stride, dropped):
    assert is_dropped(build_primitive(name, 4, stride, affine=True, pool_norm=False)) is dropped


def chain(primitive):
    cell = Cell(((Edge(primitive, 0), Edge(primitive, 1)),), (2,))
    return Genotype(cell, cell)


def test_both_inputs_of_a_node_are_dropped_independently():
    cell = CifarNetwork(chain("avg_pool_3x3"), 4, 3, 4).cells[0]
    cell.preprocess0 = cell.preprocess1 = nn.Identity()
    ones = torch.ones(4000, 4, 2, 2)
    torch.manual_seed(0)

    found = cell(ones, ones, 0.5)[:, 0, 0, 0]

    shares = [(found == value).double().mean().item() for value in (0.0, 2.0, 4.0)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.035)


def test_drop_path_acts_in_train_mode_only():
    network = CifarNetwork(chain("avg_pool_3x3"), 4, 3, 4)
    images = torch.randn(8, 3, 8, 8)
    usual = network.eval()(images)[0]

    network.drop_path_probability = 0.9

    assert torch.equal(network(images)[0], usual)
    network.train()
    assert not torch.equal(network(images)[0], network(images)[0])
