"""Costs of sub-networks against published code's numbers (to the digit), a whole space, and torch's own layers."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cost.subnets import SubnetCost, rounded_to_8, subnet_cost, subnet_macs, supernet_parameters
from engine.subnets import Architecture, Space, Stage, named_subnets, space_named, space_names
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform

# Multiply-adds and used parameters, as counted on networks built by the published code of AttentiveNAS.
PUBLISHED = {
    "AttentiveNAS-A0": (203_389_568, 8_954_184), "AttentiveNAS-A1": (279_238_816, 9_452_872),
    "AttentiveNAS-A2": (316_730_080, 11_149_824), "AttentiveNAS-A3": (356_518_400, 12_784_928),
    "AttentiveNAS-A4": (443_530_752, 11_809_640), "AttentiveNAS-A5": (490_520_064, 12_597_464),
    "AttentiveNAS-A6": (709_007_232, 15_154_792), "AlphaNet-A5-small": (491_481_088, 12_970_512),
    "AlphaNet-A5-base": (594_786_000, 12_404_424),
}  # fmt: skip
RANDOM_DRAWS = (
    (432_417_728, 14_377_712), (737_806_064, 18_914_208), (996_295_040, 17_925_992), (918_637_056, 19_286_240),
)  # fmt: skip
ONE_CHANGE = {
    ("width", 0, 24): 210.762368, ("width", 1, 24): 221.452928, ("width", 2, 32): 227.152000, ("width", 3, 40): 211.329152,
    ("width", 4, 72): 207.485568, ("width", 5, 128): 217.393664, ("width", 6, 216): 214.968896, ("width", 7, 224): 204.622976,
    ("width", 8, 1984): 203.830400, ("depth", 0, 2): 207.075968, ("depth", 1, 5): 228.604544, ("depth", 4, 8): 279.047808,
    ("kernel_size", 0, 5): 205.748864, ("kernel_size", 4, 5): 206.043776, ("kernel_size", 6, 5): 204.053120,
    ("expand_ratio", 1, 6): 223.148672, ("expand_ratio", 4, 6): 222.122624,
}  # fmt: skip
"""Millions of multiply-adds after one change to the smallest network: an error of one stage shows in its own row."""


def both(architecture: Architecture) -> tuple[int, int]:
    cost = subnet_cost(architecture)
    assert subnet_macs(architecture) == cost.macs
    return cost.macs, cost.parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_subnets_cost_what_their_code_counts(name: str) -> None:
    assert both(named_subnets()[name].architecture) == PUBLISHED[name]


def test_ends_of_the_attentive_nas_space() -> None:
    space = space_named("attentive-nas")
    least, most = smallest(space), biggest(space)

    assert both(least) == (203_389_568, 8_954_184)
    assert both(replace(least, resolution=288)) == (449_394_848, 8_954_184)
    assert both(most) == (1_939_335_808, 23_404_080)
    assert both(replace(most, resolution=192)) == (870_251_008, 23_404_080)
    assert supernet_parameters(space) == 23_934_704


def test_random_subnets_cost_what_the_published_code_counts() -> None:
    rng = random.Random(123)

    assert tuple(both(uniform(space_named("attentive-nas"), rng)) for _ in RANDOM_DRAWS) == RANDOM_DRAWS


@pytest.mark.parametrize("change", ONE_CHANGE)
def test_one_change_to_the_smallest(change: tuple[str, int, int]) -> None:
    field, place, value = change
    least = smallest(space_named("attentive-nas"))
    values = list(getattr(least, field))
    values[place] = value

    assert subnet_macs(replace(least, **{field: tuple(values)})) == round(ONE_CHANGE[change] * 1e6)


def test_bignas_space_with_its_plain_head() -> None:
    space = space_named("bignas")
    drawn = Architecture(
        space, 320, (40, 16, 32, 48, 88, 120, 216, 352, 1280), (1, 3, 2, 2, 6, 4, 1), (3, 3, 3, 5, 5, 3, 5), (1, 6, 6, 6, 6, 6, 6)
    )  # fmt: skip

    assert both(smallest(space)) == (219_382_144, 5_595_032)
    assert both(biggest(space)) == (1_899_778_560, 19_255_096)
    assert subnet_macs(replace(biggest(space), resolution=224)) == 936_642_336
    assert both(drawn) == (1_299_836_224, 11_386_232)
    assert uniform(space, random.Random(0)) == drawn


def test_laptop_space() -> None:
    space, rng = space_named("laptop"), random.Random(11)
    least, most = smallest(space), biggest(space)
    cifar = space_named("laptop-cifar")

    assert both(least) == (198_160, 22_370)
    assert both(most) == (3_178_752, 139_458)
    assert both(replace(least, resolution=32)) == (448_960, 22_370)
    assert both(replace(most, resolution=20)) == (1_418_208, 139_458)
    assert [both(uniform(space, rng)) for _ in range(3)] == [(1_201_152, 40_130), (663_488, 34_674), (991_264, 79_218)]
    assert both(smallest(cifar)) == (433_696, 22_370)
    assert both(biggest(cifar)) == (11_201_280, 139_458)
    assert supernet_parameters(space) == 144_322


def test_every_network_of_the_laptop_space() -> None:
    space = space_named("laptop")

    every = sorted(
        subnet_macs(Architecture.from_values(space, values))
        for values in itertools.product(*(coordinate.choices for coordinate in space.coordinates()))
    )

    assert len(every) == space.size == 248_832
    assert sum(every) / len(every) == pytest.approx(939_487.33, abs=0.005)
    quantiles = {0.05: 418_096, 0.25: 627_632, 0.5: 862_656, 0.75: 1_183_408, 0.95: 1_709_248}
    assert {share: every[math.floor(share * (len(every) - 1))] for share in quantiles} == quantiles
    assert len(set(every)) == 90_943
    # In millions by a step of 0.1, as the published code rounds: a tie falls as floating point has it.
    bins = Counter(round(macs / 1e6 / 0.1) for macs in every)
    known = {2: 245, 3: 4_203, 4: 13_435, 5: 22_830, 6: 27_869, 7: 27_518, 29: 16, 30: 6, 31: 2, 32: 2}
    assert len(bins) == 31
    assert {place: bins[place] for place in known} == known


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(4, 8), (8, 8), (11, 16), (12, 16), (18, 24), (20, 24), (27, 32), (28, 32), (36, 40), (44, 48), (60, 64), (66, 64), (388, 392)],
)  # fmt: skip
def test_rounding_to_8_as_the_published_code(channels: int, expected: int) -> None:
    assert rounded_to_8(channels) == expected


def test_memory_of_a_network_counted_by_hand() -> None:
    # laptop's smallest at 20 pixels; its dearest moment is the end of mb1: the block's input, its branch, its pooled shortcut.
    # Statistics: stem 8, mb1 8 + 8, mb2 16 + 16 + 16, mb3 32 + 32 + 24, head 144; a mean and a variance each.
    cost = subnet_cost(smallest(space_named("laptop")))

    statistics = 2 * (8 + (8 + 8) + (16 + 16 + 16) + (32 + 32 + 24) + 144)
    assert cost.memory_bytes == 4 * (22_370 + statistics + 8 * 20 * 20 + 2 * 8 * 10 * 10)


def test_parts_add_up_and_have_the_sizes_of_the_record() -> None:
    architecture = named_subnets()["AttentiveNAS-A3"].architecture

    cost = subnet_cost(architecture)

    assert [part.name for part in cost.stages] == ["stem", *(f"mb{n}" for n in range(1, 8)), "head", "classifier"]
    assert [part.side for part in cost.stages] == [112, 112, 56, 28, 14, 14, 7, 7, 1, 1]
    assert tuple(part.width for part in cost.stages) == (*architecture.width, 1000)
    assert tuple(part.depth for part in cost.stages[1:8]) == architecture.depth
    assert cost.stages[-1].parameters == 1984 * 1000 + 1000
    document = cost.as_json()
    assert document["input"] == [3, 224, 224]
    assert sum(row["macs"] for row in document["stages"]) == document["macs"] == cost.macs


@st.composite
def spaces_of_any_kind(draw: st.DrawFn) -> Space:
    """Small spaces with what shipped ones lack: odd widths, strides of 3 and 4, SE anywhere, one stage, kernels of 1 and 7."""
    stages = tuple(
        Stage(
            f"s{place}", tuple(sorted(draw(st.sets(st.integers(1, 40), min_size=1, max_size=3)))),
            tuple(sorted(draw(st.sets(st.integers(1, 3), min_size=1, max_size=2)))),
            tuple(sorted(draw(st.sets(st.sampled_from((1, 3, 5, 7)), min_size=1, max_size=2)))),
            draw(st.sampled_from(((1,), (2, 3), (4,)))), draw(st.sampled_from((1, 1, 2, 3, 4))), draw(st.booleans()),
        )
        for place in range(draw(st.integers(1, 4)))
    )  # fmt: skip
    return Space(
        "any", "any", "", "", draw(st.integers(2, 12)), tuple(sorted(draw(st.sets(st.integers(9, 40), min_size=1, max_size=2)))),
        (draw(st.integers(1, 20)),), draw(st.integers(1, 4)), stages, (draw(st.integers(1, 64)),),
        draw(st.sampled_from(("v3", "v1"))), draw(st.integers(1, 6)),
    )  # fmt: skip


def counted_by_torch(architecture: Architecture) -> tuple[int, int, int]:
    """Multiply-adds, parameters, and bytes of a pass, from a network of torch's layers that an image went through.

    Feature maps that live together: a layer's input and output, and the input of the block around it, which waits for the
    shortcut; at a block's end its input, its branch, the pooled shortcut and the projected one.
    """
    import torch
    from torch import nn

    from engine.networks.mbconv import MBConv
    from engine.networks.subnet import SubnetNetwork

    network = SubnetNetwork(architecture).eval()
    macs, live = [0], [0]
    block_input: list[Any] = [None]

    def watch_layer(module: Any, inputs: Any, output: Any) -> None:
        macs.append(output.numel() * (module.weight.numel() // module.weight.shape[0]))
        maps = {id(tensor): tensor.numel() for tensor in (block_input[0], inputs[0], output) if tensor is not None}
        live.append(sum(maps.values()))

    def enter_block(module: Any, inputs: Any) -> None:
        block_input[0] = inputs[0]

    def leave_block(module: Any, inputs: Any, output: Any) -> None:
        pooled = inputs[0].shape[1] * output[0, 0].numel() if module.stride > 1 else 0
        live.append(
            inputs[0].numel() + output.numel() + pooled + (output.numel() if module.shortcut is not None else 0)
        )
        block_input[0] = None

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(watch_layer)
        if isinstance(module, MBConv):
            module.register_forward_pre_hook(enter_block)
            module.register_forward_hook(leave_block)
    with torch.no_grad():
        network(torch.zeros(1, 3, architecture.resolution, architecture.resolution))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    statistics = sum(buffer.numel() for name, buffer in network.named_buffers() if name.endswith(("_mean", "_var")))
    return sum(macs), parameters, 4 * (parameters + statistics + max(live))


def ours(cost: SubnetCost) -> tuple[int, int, int]:
    return cost.macs, cost.parameters, cost.memory_bytes


def ends_and_draws(space: Space, seed: int) -> Iterator[Architecture]:
    rng = random.Random(seed)
    yield from (smallest(space), biggest(space), uniform(space, rng), uniform(space, rng))


@pytest.mark.parametrize("name", [name for name in space_names() if name not in ("attentive-nas", "bignas")])
def test_shipped_spaces_cost_what_torch_counts(name: str) -> None:
    for architecture in ends_and_draws(space_named(name), 5):
        assert ours(subnet_cost(architecture)) == counted_by_torch(architecture)


@pytest.mark.parametrize("name", ["attentive-nas", "bignas"])
def test_a_network_of_the_papers_spaces_costs_what_torch_counts(name: str) -> None:
    architecture = uniform(space_named(name), random.Random(2))

    assert ours(subnet_cost(architecture)) == counted_by_torch(architecture)


@settings(max_examples=40, deadline=None)
@given(spaces_of_any_kind(), st.integers(0, 2**32))
def test_any_space_costs_what_torch_counts(space: Space, seed: int) -> None:
    architecture = uniform(space, random.Random(seed))

    assert ours(subnet_cost(architecture)) == counted_by_torch(architecture)


@settings(max_examples=20, deadline=None)
@given(spaces_of_any_kind())
def test_any_supernet_has_the_parameters_that_we_count(space: Space) -> None:
    from engine.two_stage.supernet import DynamicSupernet

    assert supernet_parameters(space) == sum(parameter.numel() for parameter in DynamicSupernet(space).parameters())
