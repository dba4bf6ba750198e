"""The numbers that the original code gives, to the digit. They were counted by running it, not by these forms."""

from __future__ import annotations

import pytest

from engine.cost import PAPER_CIFAR, PAPER_IMAGENET, NetworkSettings, network_cost, supernet_cost
from engine.cost.cells import inputs_cost
from engine.cost.settings import cell_places
from engine.cost.stems import stem_channels
from engine.genotype.named import named

NAMES = ("NASNet", "AmoebaNet", "DARTS_V1", "DARTS_V2", "PC_DARTS_cifar", "PC_DARTS_image", "PDARTS",
         "BETA_DARTS_repo_genotype")  # fmt: skip
SEARCH = NetworkSettings("cifar", 16, 8, 10, 32)


@pytest.mark.parametrize("name", NAMES)
def test_cifar_network_of_a_published_cell(name, goldens):
    golden = goldens["network_sizes"][name]["cifar_c36_l20"]

    found = network_cost(named(name), PAPER_CIFAR, auxiliary=True)

    assert found.parameters == golden["params_no_aux"]
    assert found.parameters + found.auxiliary_parameters == golden["params_with_aux"]
    assert found.macs == golden["macs_32x32"]


@pytest.mark.parametrize("name", NAMES)
def test_imagenet_network_of_a_published_cell(name, goldens):
    golden = goldens["network_sizes"][name]["imagenet_c48_l14"]

    found = network_cost(named(name), PAPER_IMAGENET, auxiliary=True)

    assert found.parameters == golden["params_no_aux"]
    assert found.parameters + found.auxiliary_parameters == golden["params_with_aux"]
    assert found.macs == golden["macs_224x224"]


def test_other_sizes_of_darts_v2(goldens):
    golden = goldens["network_sizes_more"]
    cell = named("DARTS_V2")

    wide = network_cost(cell, NetworkSettings("cifar", 36, 20, 100, 32))
    small = network_cost(cell, NetworkSettings("cifar", 16, 8, 10, 32))

    assert wide.parameters == golden["DARTS_V2_c36_l20_100_classes_no_aux"]
    assert small.parameters == golden["DARTS_V2_c16_l8_10_classes_no_aux"]
    assert network_cost(cell, PAPER_CIFAR, auxiliary=True).auxiliary_parameters == golden["auxiliary_head_cifar"]
    assert network_cost(cell, PAPER_IMAGENET, auxiliary=True).auxiliary_parameters == golden["auxiliary_head_imagenet"]


@pytest.mark.parametrize(
    ("name", "millions"), [("PC_DARTS_image", 597.06), ("PC_DARTS_cifar", 585.9), ("DARTS_V2", 544.0)]
)
def test_counting_batch_norms_and_relus_gives_the_597_millions_of_pc_darts(name, millions):
    found = network_cost(named(name), PAPER_IMAGENET).macs_with_elementwise

    assert found is not None
    assert round(found / 1e6, 2 if name == "PC_DARTS_image" else 1) == millions


def test_counting_pools_too_gives_the_544_59_millions_that_a_reader_of_darts_measured():
    """One a pixel that a pool reads (five max pools a reduction cell, the mean before the classifier): darts#46."""
    found = network_cost(named("DARTS_V2"), PAPER_IMAGENET).macs_with_elementwise
    pools = 5 * 96 * 28**2 + 5 * 192 * 14**2 + 768 * 7**2

    assert found is not None
    assert round((found + pools) / 1e6, 2) == 544.59


@pytest.mark.parametrize(
    ("name", "switches", "arch"),
    [("darts", {}, 224), ("pc_darts", {"partial_channels": 4, "edge_normalization": True}, 252)],
)
def test_supernet_of_the_papers(name, switches, arch, goldens):
    golden = goldens["supernet_sizes"][name]

    found = supernet_cost(SEARCH, **switches)

    assert found.parameters == golden["parameters"]
    assert found.macs == goldens["supernet_macs"][name]
    assert found.arch_parameters == arch
    hundred = supernet_cost(NetworkSettings("cifar", 16, 8, 100, 32), **switches)
    assert hundred.parameters == golden["parameters_100_classes"]


def test_imagenet_supernet_of_pc_darts_which_its_code_computes_twice(goldens):
    settings = NetworkSettings("imagenet", 16, 8, 1000, 224)

    found = supernet_cost(settings, partial_channels=2, edge_normalization=True)

    assert found.parameters == goldens["supernet_sizes"]["pc_darts_imagenet"]["parameters"]
    # Cell.forward of model_search_imagenet asks every mixed operation twice, once for the device of its answer.
    places = cell_places(settings, {"normal": 4, "reduction": 4}, stem_channels(settings, search=True))
    cells = sum(part.cost.macs for part in found.parts if part.layer is not None)
    mixed = cells - sum(inputs_cost(place, affine=False).macs for place in places)
    assert found.macs + mixed == goldens["supernet_macs"]["pc_darts_imagenet"]
    assert found.macs == 144_392_832
