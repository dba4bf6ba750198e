"""Reading spaces: round trips, every fault with its place, and nothing but our errors whatever the JSON."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import NascopeError
from engine.subnets import SpaceFileError, space_from_json, space_named, space_names

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
STRANGE = (
    None,
    True,
    0,
    -1,
    1.5,
    "x",
    "",
    [],
    {},
    [0],
    [True],
    [1, 1],
    [[1]],
    10**30,
    [10**30],
    float("nan"),
    "x" * 5000,
    [1] * 1000,
)


def laptop() -> dict[str, Any]:
    return copy.deepcopy(space_named("laptop").as_json())


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every value in it."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def changed(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return document


def fault_of(document: Any) -> NascopeError | None:
    """The error of reading it, None where it is good."""
    try:
        space_from_json(document)
    except NascopeError as error:
        return error
    return None


@pytest.mark.parametrize("name", space_names())
def test_a_space_comes_back_from_its_own_json(name: str) -> None:
    space = space_named(name)

    assert space_from_json(space.as_json()) == space
    assert pickle.loads(pickle.dumps(space)) == space  # noqa: S301 - our own bytes


@st.composite
def spaces_as_json(draw: st.DrawFn) -> dict[str, Any]:
    def choices(least: int, most: int) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=1, max_size=4, unique=True))

    stages = [
        {
            "name": f"s{place}", "width": choices(1, 99), "depth": choices(1, 9), "kernel_size": [2 * half + 1 for half in choices(0, 7)],
            "expand_ratio": draw(st.sampled_from(([1], [2, 3], [6]))), "stride": draw(st.integers(1, 2)),
            "squeeze_excite": draw(st.booleans()),
        }
        for place in range(draw(st.integers(1, 4)))
    ]  # fmt: skip
    return {
        "name": draw(st.text(min_size=1, max_size=9).filter(str.strip)), "resolution": choices(64, 512), "classes": draw(st.integers(2, 99)),
        "first": {"width": choices(1, 40), "stride": draw(st.integers(1, 2))}, "stages": stages,
        "last": {"width": choices(1, 99), "head": draw(st.sampled_from(("v1", "v3")))},
    }  # fmt: skip


@given(spaces_as_json())
def test_any_space_comes_back_from_its_own_json(document: dict[str, Any]) -> None:
    space = space_from_json(document)

    assert space_from_json(space.as_json()) == space
    assert space.resolution == tuple(sorted(document["resolution"]))
    assert len(space.coordinates()) == 1 + 2 + 4 * len(space.stages)
    assert all(list(entry.choices) == sorted(set(entry.choices)) for entry in space.coordinates())


@given(JSON)
def test_any_json_is_refused_with_a_place(document: Any) -> None:
    fault = fault_of(document)

    assert fault is not None
    assert fault.where


@given(st.sampled_from(places(laptop())), st.sampled_from(STRANGE) | JSON)
def test_a_space_with_one_value_changed_is_a_space_or_one_of_our_errors(path: tuple[Any, ...], value: Any) -> None:
    document = changed(laptop(), path, value)

    fault = fault_of(document)

    if fault is None:
        assert space_from_json(space_from_json(document).as_json()) == space_from_json(document)
    else:
        assert isinstance(fault, SpaceFileError)
        assert fault.where
        assert len(str(fault)) < 700


@pytest.mark.parametrize("path", [path for path in places(laptop()) if path and isinstance(path[-1], str)], ids=str)
def test_a_missing_key_is_named_or_has_a_default(path: tuple[Any, ...]) -> None:
    document = laptop()
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]

    fault = fault_of(document)

    assert fault is None or path[-1] in str(fault.where)


FAULTS: list[tuple[Callable[[dict[str, Any]], Any], str, str]] = [
    (lambda d: d["stages"][1].update(kernel_size=[3, 4]), "stages[1].kernel_size", "4 is even"),
    (lambda d: d["stages"][2].update(expand_ratio=[1, 2]), "stages[2].expand_ratio", "1 stands beside"),
    (lambda d: d["stages"][1].update(name="mb1"), "stages[0].name", "taken"),
    (lambda d: d["stages"][1].update(name="stem"), "stages[1].name", "taken"),
    (lambda d: d["stages"][0].update(width=[8, 8]), "stages[0].width", "twice"),
    (lambda d: d["stages"][0].update(widht=[8]), "stages[0].widht", "Did you mean width"),
    (lambda d: d["stages"][0].update(stride=5), "stages[0].stride", "1 to 4"),
    (lambda d: d["stages"][0].update(depth=[65]), "stages[0].depth", "1 to 64"),
    (lambda d: d.update(stages=[]), "stages", "list of 1 to 32"),
    (lambda d: d.update(resolution=[8, 32]), "resolution", "too few"),
    (lambda d: d.update(schema=2), "schema", "newer"),
    (lambda d: d.update(clases=3), "clases", "Did you mean classes"),
    (lambda d: d.update(classes=1), "classes", "from 2"),
    (lambda d: d["first"].update(width="8"), "first.width", "list of whole numbers"),
    (lambda d: d["last"].update(head="v2"), "last.head", "v3 or v1"),
    (lambda d: d.update(last=3), "last", "object"),
    (lambda d: d.update(name=" "), "name", "text"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "where", "says"), FAULTS, ids=[where for _, where, _ in FAULTS])
def test_a_fault_names_its_place(spoil: Callable[[dict[str, Any]], Any], where: str, says: str) -> None:
    document = laptop()
    spoil(document)

    with pytest.raises(SpaceFileError) as caught:
        space_from_json(document)

    assert caught.value.where == where
    assert says in str(caught.value)


def test_a_resolution_that_is_too_small_is_told_the_least_that_is_enough() -> None:
    document = laptop() | {"resolution": [8, 32]}

    with pytest.raises(SpaceFileError, match="Use 9 or more"):
        space_from_json(document)

    assert space_from_json(document | {"resolution": [9, 32]}).resolution == (9, 32)


def test_one_number_is_a_list_of_one_and_lists_are_sorted() -> None:
    document = laptop()
    document["stages"][0]["width"] = 12
    document["last"]["width"] = [128, 96]

    space = space_from_json(document)

    assert space.stages[0].width == (12,)
    assert space.last_width == (96, 128)
