"""The discretization gap: the cut-down supernet is the discrete cell, and measuring leaves no trace."""

import pytest
import torch
from torch import nn

from engine.errors import GenotypeError
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.discretize import edge_index
from engine.networks import CifarNetwork
from engine.search.gap import discretized, measure, one_hot_weights
from engine.search.sample import random_genotype
from engine.supernet import ReferenceSupernet

PRIMITIVES = ("none", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")
SHAPE = {"nodes": 3, "primitives": PRIMITIVES}


@pytest.fixture
def genotype():
    return random_genotype(torch.Generator().manual_seed(4), 3, PRIMITIVES)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def batches(count=3, images=8, classes=4):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(images, 3, 8, 8, generator=generator), torch.randint(classes, (images,), generator=generator))
        for _ in range(count)
    ]


@pytest.mark.parametrize("edge_normalization", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_cut_down_supernet_computes_what_the_discrete_network_computes(seed, edge_normalization):
    genotype = random_genotype(torch.Generator().manual_seed(seed), 3, PRIMITIVES)
    supernet = ReferenceSupernet(4, 4, 4, edge_normalization=edge_normalization, **SHAPE).double()
    network = CifarNetwork(genotype, 4, 4, 4).double()
    inherit(network, supernet, genotype)
    images = torch.randn(4, 3, 9, 8, dtype=torch.float64)

    with discretized(supernet, genotype):
        found = supernet(images)

    torch.testing.assert_close(found, network(images)[0], rtol=1e-10, atol=1e-12)


def inherit(network, supernet, genotype):
    """Give the discrete network the supernet's weights; its affine batch norms start as scale 1 and shift 0."""
    network.stem.load_state_dict(supernet.stem.state_dict())
    network.classifier.load_state_dict(supernet.classifier.state_dict())
    for own, wide in zip(network.cells, supernet.cells, strict=True):
        cell = genotype.reduction if wide.reduction else genotype.normal
        own.preprocess0.load_state_dict(wide.preprocess0.state_dict(), strict=False)
        own.preprocess1.load_state_dict(wide.preprocess1.state_dict(), strict=False)
        for operation, (node, _, edge) in zip(own.edges, cell.edges(), strict=True):
            source = wide.edges[edge_index(edge.source, node)].get_submodule(edge.primitive)
            operation.load_state_dict(source.state_dict(), strict=False)


def test_one_hot_weights_mark_kept_edges_only():
    cell = Cell(((Edge("skip_connect", 1), Edge("sep_conv_3x3", 0)), (Edge("skip_connect", 2), Edge("skip_connect", 2))), (2, 3))  # fmt: skip

    found = one_hot_weights(cell, PRIMITIVES, torch.zeros(1))

    assert found.operations.tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0] * 4, [0] * 4, [0, 2, 0, 0]]
    assert found.edges.tolist() == [1, 1, 0, 0, 1]


def test_dropped_edges_pass_no_channels_of_partial_connections(genotype):
    supernet = ReferenceSupernet(4, 4, 3, partial_channels=2, edge_normalization=True, **SHAPE).eval()
    images = torch.randn(2, 3, 8, 8)
    kept = {(edge.source, node) for node, _, edge in genotype.normal.edges()}
    dropped = [(source, node) for node in range(3) for source in range(2 + node) if (source, node) not in kept]

    with discretized(supernet, genotype):
        before = supernet(images)
        for source, node in dropped:
            supernet.cells[0].edges[edge_index(source, node)] = Poison()

        assert torch.equal(supernet(images), before)


class Poison(nn.Module):
    def forward(self, x, weights):
        return torch.full_like(x, 1e6)


def test_accuracies_are_those_of_a_plain_count(genotype):
    supernet = ReferenceSupernet(4, 4, 3, **SHAPE)
    data = batches()
    supernet(data[0][0])  # moves the running statistics off their start
    supernet.eval()
    images, labels = torch.cat([batch[0] for batch in data]), torch.cat([batch[1] for batch in data])
    with torch.no_grad():
        expected_soft = (supernet(images).argmax(1) == labels).double().mean().item()
        with discretized(supernet, genotype):
            expected_discrete = (supernet(images).argmax(1) == labels).double().mean().item()

    gap = measure(supernet, iter(data), genotype, recalibration=iter(data))

    assert (gap.soft, gap.discrete) == pytest.approx((expected_soft, expected_discrete))


def test_recalibration_judges_the_cell_with_its_own_statistics(genotype):
    supernet = ReferenceSupernet(4, 4, 3, **SHAPE)
    data = batches(count=1, images=32)
    images, labels = data[0]
    with torch.no_grad(), discretized(supernet, genotype):
        # In train mode a batch is normalized by itself; eval mode uses the unbiased variance, n / (n - 1) of that.
        expected = (supernet.train()(images).argmax(1) == labels).double().mean().item()

    gap = measure(supernet, data, genotype, recalibration=data)

    assert gap.recalibrated == pytest.approx(expected, abs=1.5 / 32)
    assert gap.recalibrated != gap.discrete


@pytest.mark.parametrize("training", [True, False])
def test_measuring_leaves_no_trace_neither_at_its_end_nor_between_batches(training, genotype):
    supernet = ReferenceSupernet(4, 4, 3, **SHAPE).train(training)
    before = {name: value.clone() for name, value in supernet.state_dict().items()} | supernet.arch_state()
    state = torch.get_rng_state()

    def looked_at():
        for batch in batches():
            now = supernet.state_dict()
            assert all(torch.equal(before[name], now[name]) for name in now)
            yield batch

    measure(supernet, looked_at(), genotype, recalibration=batches(count=2))

    after = supernet.state_dict() | supernet.arch_state()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert {module.training for module in supernet.modules()} == {training}
    assert {module.momentum for module in supernet.modules() if isinstance(module, nn.BatchNorm2d)} == {0.1}
    assert torch.equal(state, torch.get_rng_state())


def test_running_statistics_come_back_when_a_batch_cannot_be_read(genotype):
    supernet = ReferenceSupernet(4, 4, 3, **SHAPE)
    before = {name: value.clone() for name, value in supernet.state_dict().items()}

    def broken():
        yield batches()[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        measure(supernet, batches(), genotype, recalibration=broken())

    assert all(torch.equal(before[name], value) for name, value in supernet.state_dict().items())
    assert supernet.training


def test_genotype_of_another_space_is_refused():
    supernet = ReferenceSupernet(4, 4, 3, **SHAPE)
    of_more_nodes = random_genotype(torch.Generator(), 4, PRIMITIVES)
    foreign = Cell(tuple((Edge("sep_conv_7x7", 0),) for _ in range(3)), (2, 3, 4))

    with pytest.raises(GenotypeError, match="4 nodes do not fit a supernet of 3"):
        measure(supernet, batches(), of_more_nodes, recalibration=batches())
    with pytest.raises(GenotypeError, match="«sep_conv_7x7» is no candidate"):
        measure(supernet, batches(), Genotype(foreign, foreign), recalibration=batches())


def test_no_images_is_an_error(genotype):
    with pytest.raises(ValueError, match="no images"):
        measure(ReferenceSupernet(4, 4, 3, **SHAPE), [], genotype, recalibration=batches())
