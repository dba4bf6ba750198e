"""Discrete networks: sizes to the digit, uneven cells, the auxiliary head."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.errors import ConfigError, GenotypeError
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.named import named
from engine.networks import CifarNetwork, parameter_count
from engine.networks.auxiliary import CifarAuxiliaryHead
from engine.search.sample import random_genotype

NAMES = ("NASNet", "AmoebaNet", "DARTS_V1", "DARTS_V2", "PC_DARTS_cifar", "PC_DARTS_image", "PDARTS",
         "BETA_DARTS_repo_genotype")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_network_of_a_named_genotype_is_as_large_as_the_original(name, goldens):
    golden = goldens["network_sizes"][name]["cifar_c36_l20"]

    network = CifarNetwork(named(name), 36, 10, 20, auxiliary=True)

    assert parameter_count(network, include_auxiliary=True) == golden["params_with_aux"]
    assert parameter_count(network) == golden["params_no_aux"]


@pytest.mark.parametrize("name", NAMES)
def test_network_of_a_named_genotype_multiplies_as_often_as_the_original(name, goldens):
    network = CifarNetwork(named(name), 36, 10, 20).to("meta").eval()
    macs = []

    def count(layer, inputs, output):
        per_output = layer.weight[0].numel()
        macs.append(output.numel() * per_output)

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)

    network(torch.empty(1, 3, 32, 32, device="meta"))

    assert sum(macs) == goldens["network_sizes"][name]["cifar_c36_l20"]["macs_32x32"]


def test_other_sizes_of_darts_v2(goldens):
    golden = goldens["network_sizes_more"]

    assert (
        parameter_count(CifarNetwork(named("DARTS_V2"), 36, 100, 20)) == golden["DARTS_V2_c36_l20_100_classes_no_aux"]
    )
    assert parameter_count(CifarNetwork(named("DARTS_V2"), 16, 10, 8)) == golden["DARTS_V2_c16_l8_10_classes_no_aux"]
    assert parameter_count(CifarAuxiliaryHead(576, 10, 8)) == golden["auxiliary_head_cifar"]


@pytest.mark.parametrize("name", ["NASNet", "AmoebaNet"])
def test_uneven_cells_run_and_learn(name):
    network = CifarNetwork(named(name), 4, 5, 4, auxiliary=True)

    logits, auxiliary = network(torch.randn(2, 3, 32, 32))
    (logits.sum() + auxiliary.sum()).backward()

    assert logits.shape == auxiliary.shape == (2, 5)
    widths = [cell.channels_out for cell in network.cells]
    kinds = [named(name).cell(kind) for kind in ("normal", "reduction", "reduction", "normal")]
    assert widths == [len(cell.concat) * channels for cell, channels in zip(kinds, (4, 8, 16, 16), strict=True)]
    assert network.classifier.weight.grad is not None


def test_nodes_sum_their_edges_and_concat_keeps_its_order():
    edges = (Edge("avg_pool_3x3", 0), Edge("avg_pool_3x3", 0), Edge("skip_connect", 1))
    cell = Cell((edges, (Edge("skip_connect", 2), Edge("skip_connect", 1))), (3, 2))
    network = CifarNetwork(Genotype(cell, cell), 4, 3, 4).eval()
    images = torch.randn(2, 3, 8, 8)
    stem, _ = network.stem(images)
    first = network.cells[0]

    found = first(stem, stem, 0.0)

    before_last, last = first.preprocess0(stem), first.preprocess1(stem)
    pooled = nn.functional.avg_pool2d(before_last, 3, 1, 1, count_include_pad=False)
    node = pooled + pooled + last
    torch.testing.assert_close(found, torch.cat([node + last, node], dim=1))


def test_every_batch_norm_is_affine_and_pools_are_bare():
    network = CifarNetwork(named("DARTS_V1"), 4, 3, 3, auxiliary=True)

    assert all(module.affine for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    assert any(isinstance(edge, nn.MaxPool2d) for edge in network.cells[1].edges)


def test_auxiliary_head_speaks_while_training_only():
    network = CifarNetwork(named("DARTS_V2"), 4, 3, 3, auxiliary=True)
    images = torch.randn(2, 3, 32, 32)

    assert network.train()(images)[1].shape == (2, 3)
    assert network.eval()(images)[1] is None
    assert CifarNetwork(named("DARTS_V2"), 4, 3, 3).train()(images)[1] is None


def test_auxiliary_head_does_not_change_the_cell_output():
    """In three cells the head's cell is the last one, and the classifier reads what the head reads."""
    network = CifarNetwork(named("DARTS_V2"), 4, 3, 3, auxiliary=True)
    images = torch.randn(4, 3, 32, 32)

    with_head, _ = network(images)
    network.auxiliary_head = None
    without_head, _ = network(images)

    assert torch.equal(with_head, without_head)


@pytest.mark.parametrize(("image_size", "feature_size"), [(29, 8), (32, 8), (36, 9), (40, 10)])
def test_auxiliary_head_fits_these_sizes(image_size, feature_size):
    network = CifarNetwork(named("PDARTS"), 2, 3, 4, auxiliary=True, image_size=image_size, image_channels=1)
    seen = []
    network.auxiliary_head.register_forward_pre_hook(lambda head, inputs: seen.append(inputs[0].shape[-1]))

    _, auxiliary = network(torch.randn(2, 1, image_size, image_size))

    assert seen == [feature_size]
    assert auxiliary.shape == (2, 3)


@pytest.mark.parametrize(("image_size", "feature_size"), [(8, 2), (28, 7), (41, 11), (64, 16)])
def test_auxiliary_head_that_does_not_fit_is_refused_with_the_mend(image_size, feature_size):
    with pytest.raises(ConfigError, match=rf"auxiliary: .*found {feature_size}\. Turn auxiliary off"):
        CifarNetwork(named("PDARTS"), 2, 3, 4, auxiliary=True, image_size=image_size)

    CifarNetwork(named("PDARTS"), 2, 3, 4, image_size=image_size)


def test_reduction_cell_that_hands_an_input_on_is_refused():
    fine = Cell(((Edge("skip_connect", 0),),), (2,))
    of_two_sizes = Cell(((Edge("skip_connect", 0),),), (1, 2))

    with pytest.raises(GenotypeError, match="reduction, concat: state 1 is an input"):
        CifarNetwork(Genotype(fine, of_two_sizes), 4, 3, 4)

    assert CifarNetwork(Genotype(of_two_sizes, fine), 4, 3, 4)(torch.randn(2, 3, 8, 8))[0].shape == (2, 3)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    nodes=st.integers(1, 5),
    layers=st.integers(1, 6),
    height=st.integers(4, 13),
    width=st.integers(4, 13),
    image_channels=st.integers(1, 4),
)
def test_any_genotype_and_size_gives_logits(seed, nodes, layers, height, width, image_channels):
    genotype = random_genotype(torch.Generator().manual_seed(seed), nodes)
    network = CifarNetwork(genotype, 2, 3, layers, image_channels=image_channels)
    network.drop_path_probability = 0.3

    logits, _ = network(torch.randn(2, image_channels, height, width))
    logits.square().sum().backward()

    assert logits.shape == (2, 3)
    assert torch.isfinite(logits).all()
    assert all(parameter.grad is not None for parameter in network.parameters())
