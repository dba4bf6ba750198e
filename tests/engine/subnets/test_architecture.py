"""Records of sub-networks: round trips, every fault with its place, and nothing but our errors whatever the JSON."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import NascopeError
from engine.subnets import (
    Architecture,
    SubnetError,
    architecture_from_json,
    named_subnets,
    space_from_json,
    space_named,
    space_names,
)
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform
from engine.subnets.space import FIELDS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
A0 = {
    "schema": 1, "space": "attentive-nas", "resolution": 192, "width": [16, 16, 24, 32, 64, 112, 192, 216, 1792],
    "depth": [1, 3, 3, 3, 3, 3, 1], "kernel_size": [3, 3, 3, 3, 3, 3, 3], "expand_ratio": [1, 4, 4, 4, 4, 6, 6],
}  # fmt: skip


def fault_of(document: Any) -> NascopeError | None:
    """The error of reading it, None where it is good."""
    try:
        architecture_from_json(document)
    except NascopeError as error:
        return error
    return None


@given(st.sampled_from(space_names()), st.integers(0, 2**32), st.none() | st.integers(2, 1000))
def test_a_record_comes_back(name: str, seed: int, classes: int | None) -> None:
    space = space_named(name) if classes is None else space_named(name).with_classes(classes)
    architecture = uniform(space, random.Random(seed))

    record = architecture.as_json()

    assert record["space"] == name
    assert architecture_from_json(record) == architecture
    assert architecture_from_json(record, space=space) == architecture
    assert Architecture.from_values(space, architecture.values()) == architecture


def test_a_record_of_an_own_space_holds_the_space() -> None:
    own = space_from_json(space_named("laptop").as_json() | {"name": "mine", "resolution": [24]})
    also_laptop = space_from_json(space_named("laptop").as_json() | {"resolution": [24]})

    for space in (own, also_laptop):
        record = biggest(space).as_json()
        assert record["space"] == space.as_json()
        assert architecture_from_json(record) == biggest(space)


def test_a_shipped_record_is_the_published_one() -> None:
    found = architecture_from_json(A0)

    assert found == named_subnets()["AttentiveNAS-A0"].architecture == smallest(space_named("attentive-nas"))
    assert found.as_json() == A0


@given(JSON)
def test_any_json_is_a_record_or_one_of_our_errors(document: Any) -> None:
    with pytest.raises(NascopeError):
        architecture_from_json(document)


@given(st.sampled_from([*A0, "classes", "name", "source", "extra"]), JSON)
def test_a_record_with_one_field_changed_is_one_or_our_error(field: str, value: Any) -> None:
    fault = fault_of({**A0, field: value})

    assert fault is None or (fault.where and len(str(fault)) < 700)


@pytest.mark.parametrize("field", [field for field in A0 if field != "schema"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(SubnetError) as caught:
        architecture_from_json({key: value for key, value in A0.items() if key != field})

    assert caught.value.where == field


def test_each_wrong_value_names_its_place_and_the_nearest() -> None:
    architecture = architecture_from_json(A0)
    for place, coordinate in enumerate(architecture.space.coordinates()):
        values = list(architecture.values())
        wrong = coordinate.choices[-1] + 1
        values[place] = wrong

        with pytest.raises(SubnetError) as caught:
            Architecture.from_values(architecture.space, values)

        assert caught.value.where == coordinate.place
        assert coordinate.place.startswith(coordinate.field)
        assert f"{wrong} is no choice" in str(caught.value)
        assert f"{coordinate.choices[-1]} is the nearest" in str(caught.value)


@pytest.mark.parametrize("field", FIELDS[1:])
def test_a_list_of_the_wrong_length_is_named(field: str) -> None:
    for wrong in (A0[field][:-1], [*A0[field], 1], []):  # type: ignore[index, misc]
        with pytest.raises(SubnetError, match=f"has {len(wrong)} values") as caught:
            architecture_from_json({**A0, field: wrong})
        assert caught.value.where == field


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"resolution": [192]}, "resolution"), ({"resolution": 192.0}, "resolution"), ({"resolution": True}, "resolution"),
        ({"width": "16"}, "width"), ({"depth": [True, 3, 3, 3, 3, 3, 1]}, "depth"), ({"schema": 2}, "schema"),
        ({"schema": "1"}, "schema"), ({"classes": 1}, "classes"), ({"classes": True}, "classes"), ({"kernel": [3]}, "kernel"),
        ({"space": 3}, "space"), ({"space": "moon"}, "space"),
    ],
)  # fmt: skip
def test_a_fault_names_its_field(change: dict[str, Any], where: str) -> None:
    with pytest.raises(NascopeError) as caught:
        architecture_from_json({**A0, **change})

    assert caught.value.where == where


def test_a_record_of_another_space_than_the_run_is_refused() -> None:
    with pytest.raises(SubnetError, match=r"attentive-nas.*laptop") as caught:
        architecture_from_json(A0, space=space_named("laptop"))

    assert caught.value.where == "space"


def test_a_record_takes_the_classes_of_the_run() -> None:
    run = space_named("laptop").with_classes(7)
    record = smallest(space_named("laptop")).as_json()

    assert architecture_from_json(record, space=run).space.classes == 7


def test_keys_tell_networks_apart_and_stay_the_same() -> None:
    space = space_named("laptop")
    rng = random.Random(0)
    found = {uniform(space, rng) for _ in range(300)}

    assert len({architecture.key for architecture in found}) == len(found)
    assert smallest(space).key == "20316ebe"
    assert smallest(space.with_classes(3)).key == "20316ebe"
    assert replace(smallest(space), resolution=24).key != "20316ebe"
