"""Spaces and sub-networks that ship: their sizes against the papers' tables, and their passports."""

from __future__ import annotations

import pytest

from engine.subnets import SubnetError, named_subnets, space_named, space_names
from engine.subnets.space import last_side

SIZES = {
    "laptop": 248_832, "laptop-cifar": 248_832, "attentive-nas": 440_301_256_704, "bignas": 235_929_600,
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_a_space_has_as_many_networks_as_counted_elsewhere(name: str) -> None:
    assert space_named(name).size == SIZES[name]


@pytest.mark.parametrize(
    ("name", "blocks", "stride"), [("attentive-nas", 37, 32), ("bignas", 26, 32), ("laptop", 8, 8)]
)
def test_a_space_has_the_blocks_and_strides_of_its_table(name: str, blocks: int, stride: int) -> None:
    space = space_named(name)

    assert sum(stage.depth[-1] for stage in space.stages) == blocks
    assert space.stride == stride


def test_odd_sides_are_rounded_up() -> None:
    # 20 -> 10 -> 5 -> 3 and 28 -> 14 -> 7 -> 4.
    assert [last_side(space_named("laptop"), side) for side in (20, 24, 28, 32)] == [3, 3, 4, 4]


def test_published_subnets_are_of_the_attentive_nas_space_and_have_sources() -> None:
    found = named_subnets()

    assert len(found) == 9
    for subnet in found.values():
        assert subnet.architecture.space == space_named("attentive-nas")
        assert subnet.passport["paper"]
        assert subnet.passport["repository"]
        assert 77 < subnet.passport["imagenet_top1_accuracy_percent"] < 81


def test_an_unknown_space_is_named_with_the_known_ones() -> None:
    with pytest.raises(SubnetError, match="moon") as caught:
        space_named("moon")
    assert all(name in str(caught.value) for name in space_names())
    with pytest.raises(SubnetError, match="laptop-cifar"):
        space_named("laptop-cifarr")
