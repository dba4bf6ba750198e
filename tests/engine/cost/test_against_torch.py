"""The closed forms against what torch's own layers do: every layer of a built network watched while an image passes."""

from __future__ import annotations

import dataclasses
import sys
import types

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.bench.counting import count_by_building
from engine.cost import Cost, NetworkSettings, fixed_cost, network_cost, operation_cost, supernet_cost
from engine.cost.primitives import primitive_cost
from engine.cost.settings import cell_places
from engine.errors import ConfigError, GenotypeError
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.primitives import PrimitiveDeclaration, _registry, register, registered_names
from engine.genotype.stack import auxiliary_place, reduction_places
from engine.networks import NETWORKS
from engine.networks import layout as network_layout
from engine.primitives import build_primitive
from engine.supernet import ReferenceSupernet

OWN = registered_names()


def counted(module: nn.Module, *shape: int) -> Cost:
    """What the layers of a module on the meta device do for one image, and what they weigh."""
    macs, elementwise = [], []

    def watch(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            macs.append(output.numel() * layer.weight[0].numel())
        elif isinstance(layer, nn.BatchNorm2d | nn.ReLU):
            elementwise.append(output.numel() * (1 if isinstance(layer, nn.ReLU) else 2))

    hooks = [layer.register_forward_hook(watch) for layer in module.modules()]
    module.eval()(torch.empty(1, *shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return Cost(sum(weight.numel() for weight in module.parameters()), sum(macs), sum(elementwise))


@st.composite
def cells(draw: st.DrawFn, *, reduction: bool) -> Cell:
    """Cells of one to five nodes, some with one edge, some with two equal ones, and with any concat of nodes."""
    nodes = []
    for node in range(draw(st.integers(1, 5))):
        edge = st.builds(Edge, st.sampled_from(OWN), st.integers(0, node + 1))
        nodes.append(tuple(draw(st.lists(edge, min_size=1, max_size=3))))
    states = range(2 if reduction else 0, 2 + len(nodes))
    concat = draw(st.lists(st.sampled_from(list(states)), min_size=1, unique=True))
    return Cell(tuple(nodes), tuple(concat))


genotypes = st.builds(Genotype, cells(reduction=False), cells(reduction=True))


@st.composite
def sizes(draw: st.DrawFn, network: str) -> NetworkSettings:
    image_size = draw(st.integers(5, 33) if network == "cifar" else st.integers(30, 70))
    return NetworkSettings(
        network,  # type: ignore[arg-type]
        2 * draw(st.integers(1, 5)),
        draw(st.integers(1, 7)),
        draw(st.integers(1, 12)),
        image_size,
        draw(st.sampled_from([1, 3])),
    )


@settings(max_examples=30, deadline=None)
@given(genotypes, st.sampled_from(["cifar", "imagenet"]).flatmap(sizes))
def test_any_network_costs_what_its_layers_do(genotype, size):
    with torch.device("meta"):
        network = NETWORKS[size.network](
            genotype, size.channels, size.classes, size.layers, image_channels=size.image_channels, image_size=size.image_size
        )  # fmt: skip

    found = network_cost(genotype, size)

    assert found.cost == counted(network, size.image_channels, size.image_size, size.image_size)
    assert found.macs_with_elementwise == found.cost.macs + found.cost.elementwise


@settings(max_examples=15, deadline=None)
@given(genotypes, st.sampled_from([("cifar", 29), ("cifar", 33), ("cifar", 40), ("imagenet", 193), ("imagenet", 224)]))
def test_the_auxiliary_head_weighs_what_its_layers_do(genotype, kind):
    network, image_size = kind
    with torch.device("meta"):
        built = NETWORKS[network](genotype, 4, 7, 5, auxiliary=True, image_size=image_size)

    found = network_cost(genotype, NetworkSettings(network, 4, 5, 7, image_size), auxiliary=True)

    head = built.auxiliary_head
    side = {29: 8, 33: 9, 40: 10, 193: 7, 224: 7}[image_size]
    width = len(genotype.reduction.concat) * 16
    assert found.auxiliary == counted(head, width, side, side)
    assert found.parameters + found.auxiliary_parameters == sum(weight.numel() for weight in built.parameters())


@pytest.mark.parametrize(
    ("network", "image_size"), [("cifar", 28), ("cifar", 41), ("imagenet", 192), ("imagenet", 257)]
)
def test_a_head_that_does_not_fit_is_refused_as_the_network_refuses_it(network, image_size):
    genotype = Genotype(Cell(((Edge("skip_connect", 0),),), (2,)), Cell(((Edge("skip_connect", 0),),), (2,)))

    with pytest.raises(ConfigError, match="auxiliary"), torch.device("meta"):
        NETWORKS[network](genotype, 4, 7, 5, auxiliary=True, image_size=image_size)
    with pytest.raises(ConfigError, match="auxiliary"):
        network_cost(genotype, NetworkSettings(network, 4, 5, 7, image_size), auxiliary=True)


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(["cifar", "imagenet"]).flatmap(sizes), st.integers(1, 4), st.sampled_from([1, 2]), st.booleans(),
    st.lists(st.sampled_from([name for name in OWN if name != "none"]), min_size=1, max_size=4, unique=True),
)  # fmt: skip
def test_any_supernet_costs_what_its_layers_do(size, nodes, parts, edge_normalization, primitives):
    primitives = ["none", *primitives]
    with torch.device("meta"):
        supernet = ReferenceSupernet(
            size.channels, size.classes, size.layers, image_channels=size.image_channels, nodes=nodes, primitives=primitives,
            partial_channels=parts, edge_normalization=edge_normalization, network=size.network,
        )  # fmt: skip

    found = supernet_cost(
        size, nodes=nodes, primitives=primitives, partial_channels=parts, edge_normalization=edge_normalization
    )

    assert found.cost == counted(supernet, size.image_channels, size.image_size, size.image_size)
    assert found.arch_parameters == sum(tensor.numel() for tensor in supernet.arch_tensors())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(OWN), st.integers(1, 4), st.integers(2, 15), st.sampled_from([1, 2]), st.booleans(), st.booleans()
)
def test_any_primitive_costs_what_its_layers_do(name, channels, side, stride, affine, pool_norm):
    with torch.device("meta"):
        built = build_primitive(name, 2 * channels, stride, affine=affine, pool_norm=pool_norm)

    found = primitive_cost(name, 2 * channels, side, stride, affine=affine, pool_norm=pool_norm)

    assert found == counted(built, 2 * channels, side, side)


@settings(max_examples=20, deadline=None)
@given(genotypes, st.sampled_from(["cifar", "imagenet"]).flatmap(sizes))
def test_operations_and_what_stands_around_them_make_the_network(genotype, size):
    nodes = max(len(genotype.normal.nodes), len(genotype.reduction.nodes))

    def filled(cell: Cell) -> Cell:
        more = ((Edge("none", 0),),) * (nodes - len(cell.nodes))
        return Cell(cell.nodes + more, tuple(range(2, 2 + nodes)))

    whole = Genotype(filled(genotype.normal), filled(genotype.reduction))
    found = fixed_cost(size, nodes)
    for kind in ("normal", "reduction"):
        for _, _, edge in whole.cell(kind).edges():
            found += operation_cost(size, kind, edge.primitive, edge.source)

    assert found == network_cost(whole, size).cost


def test_the_stack_is_that_of_the_networks():
    size = NetworkSettings("cifar", 16, 8, 10, 32)
    places = cell_places(size, {"normal": 4, "reduction": 4}, (48, 48))

    assert network_layout.reduction_places is reduction_places
    assert network_layout.auxiliary_place is auxiliary_place
    assert [place.layer for place in places if place.kind == "reduction"] == [2, 5]
    assert [place.channels for place in places] == [16, 16, 32, 32, 32, 64, 64, 64]
    assert [place.side for place in places] == [32, 32, 16, 16, 16, 8, 8, 8]


def test_odd_channels_behind_a_reduction_are_refused():
    genotype = Genotype(Cell(((Edge("skip_connect", 0),),), (2,)), Cell(((Edge("skip_connect", 0),),), (2,)))

    with pytest.raises(ConfigError, match="channels: a factorized reduce cannot give 3 channels"):
        network_cost(genotype, NetworkSettings("imagenet", 3, 5, 10, 64))


def test_channels_that_cannot_be_cut_are_refused():
    with pytest.raises(ConfigError, match="6 channels cannot be cut into 4"):
        supernet_cost(NetworkSettings("cifar", 6, 3, 10, 8), partial_channels=4)


@pytest.mark.parametrize("field", ["channels", "layers", "classes", "image_size", "image_channels"])
def test_sizes_that_no_network_has_are_refused(field):
    with pytest.raises(ConfigError, match=field):
        dataclasses.replace(NetworkSettings("cifar", 6, 3, 10, 8), **{field: 0})


def test_a_reduction_cell_that_hands_on_its_input_is_refused():
    cell = Cell(((Edge("skip_connect", 0),),), (0, 2))

    with pytest.raises(GenotypeError, match="reduction, concat: state 0"):
        network_cost(Genotype(cell, cell), NetworkSettings("cifar", 4, 3, 10, 8))


def _build(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride, 1, groups=channels), nn.BatchNorm2d(channels, affine=affine)
    )


def _break(channels: int, stride: int, affine: bool) -> nn.Module:
    return nn.Conv2d(channels + 1, channels, 1)


@pytest.fixture
def own_primitives(monkeypatch):
    """Two primitives of a user's own, forgotten again afterwards."""
    module = types.ModuleType("own_operations")
    module.build, module.broken = _build, _break  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_operations", module)
    names = {"own_conv": "build", "own_broken": "broken"}
    for name, function in names.items():
        register(PrimitiveDeclaration(name, name, "other", "custom", builder=f"own_operations:{function}"))
    yield
    for name in names:
        del _registry()[name]


@pytest.mark.usefixtures("own_primitives")
def test_a_users_own_primitive_is_counted_by_building_it():
    cell = Cell(((Edge("own_conv", 0), Edge("sep_conv_3x3", 1)),), (2,))
    genotype, size = Genotype(cell, cell), NetworkSettings("cifar", 4, 4, 10, 9)

    with pytest.raises(GenotypeError, match="own_conv"):
        network_cost(genotype, size)
    found = network_cost(genotype, size, custom=count_by_building)

    with torch.device("meta"):
        network = NETWORKS["cifar"](genotype, 4, 10, 4)
    oracle = counted(network, 3, 9, 9)
    assert (found.parameters, found.macs) == (oracle.parameters, oracle.macs)
    assert found.built == ("own_conv",)
    assert found.macs_with_elementwise is None
    with pytest.raises(GenotypeError, match="own_broken"):
        count_by_building("own_broken", 4, 8, 1, True)


def test_an_unknown_primitive_is_refused_by_name():
    cell = Cell(((Edge("sep_conv_3x4", 0),),), (2,))

    with pytest.raises(GenotypeError, match="Did you mean sep_conv_3x3"):
        network_cost(Genotype(cell, cell), NetworkSettings("cifar", 4, 4, 10, 9))
