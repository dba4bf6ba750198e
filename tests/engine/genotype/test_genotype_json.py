"""Genotypes as values and as JSON: what is valid, and how a fault is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import GenotypeError
from engine.genotype import Cell, Edge, Genotype, genotype_from_json
from engine.genotype.named import named, named_genotypes
from engine.genotype.primitives import DARTS_PRIMITIVES, PrimitiveDeclaration, declaration, is_registered, register
from engine.genotype.spaces import SpaceError, space_primitives


def document(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(named("DARTS_V2").as_json())), **changes}


def cell(nodes: list, concat: list) -> dict[str, Any]:
    return {"nodes": nodes, "concat": concat}


def test_named_genotypes_survive_json() -> None:
    for genotype in named_genotypes():
        assert genotype_from_json(json.loads(json.dumps(genotype.as_json()))) == genotype


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": 2}, "schema 2 is newer"),
        ({"schema": True}, "schema"),
        ({"normal": None}, "^normal: expected"),
        ({"normal": cell([[["a", 0]], []], [2])}, "normal, node 1: the node has no edge"),
        (
            {"normal": cell([[["a", 2]]], [2])},
            r"normal, node 0, edge 0: predecessor 2 does not come before node 0 \(allowed: 0 to 1\)",
        ),
        ({"reduction": cell([[["a", -1]]], [2])}, "reduction, node 0, edge 0: predecessor -1"),
        ({"reduction": cell([[["a", 0]]], [])}, "reduction, concat: no states"),
        ({"reduction": cell([[["a", 0]]], [3])}, "reduction, concat: state 3 is out of range"),
        ({"reduction": cell([[["a", 0]]], [2, 2])}, "named twice"),
        ({"reduction": cell([], [0])}, "no nodes"),
        ({"reduction": cell([[["a", True]]], [2])}, "expected"),
        ({"reduction": cell([[["a", 0.0]]], [2])}, "expected"),
        ({"reduction": cell([[["", 0]]], [2])}, "empty"),
        ({"reduction": cell([[["a\n", 0]]], [2])}, "not printable"),
        ({"reduction": cell([[["a", 0]]] * 65, [2])}, "bound of 64"),
        ({"primitives": [1]}, "primitives"),
        ({"name": 5}, "name"),
        ({"source": ["x"]}, "source"),
    ],
)
def test_a_fault_is_named_with_its_place(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(GenotypeError, match=says):
        genotype_from_json(document(**changes))


def test_all_faults_of_both_cells_are_told_at_once() -> None:
    with pytest.raises(GenotypeError) as caught:
        Genotype(Cell(((Edge("a", 9),),), (2,)), Cell(((Edge("a", 0),),), (7,)))
    assert "normal, node 0" in str(caught.value)
    assert "reduction, concat" in str(caught.value)


def test_what_published_cells_have_is_valid() -> None:
    twice = (Edge("avg_pool_3x3", 0), Edge("avg_pool_3x3", 0))
    kept_none = (Edge("none", 1), Edge("my_own_op", 2), Edge("skip_connect", 0))

    Genotype(Cell((twice, kept_none), (3,)), Cell((twice,), (0, 2)))


def test_the_order_of_inputs_does_not_change_the_function() -> None:
    first, turned = Cell(((Edge("a", 0), Edge("b", 1)),), (2,)), Cell(((Edge("b", 1), Edge("a", 0)),), (2,))

    assert Genotype(first, first).same_cells(Genotype(turned, turned))
    assert not Genotype(first, first).same_cells(Genotype(first, Cell(first.nodes, (0, 2))))


def test_the_eight_candidates_stand_in_the_order_of_the_darts_code() -> None:
    assert DARTS_PRIMITIVES == (
        "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    )  # fmt: skip
    assert space_primitives("no-none") == DARTS_PRIMITIVES[1:]
    assert space_primitives("none, skip_connect,sep_conv_3x3") == ("none", "skip_connect", "sep_conv_3x3")


@pytest.mark.parametrize(
    ("space", "says"),
    [("dart", "Did you mean darts"), ("skip_connect,sep_conv_3", "Did you mean sep_conv_3x3"), ("none,skip_connect", "fewer than two"),
     ("skip_connect,skip_connect", "twice"), ("", "fewer than two")],
)  # fmt: skip
def test_a_space_that_cannot_be_searched_is_refused(space: str, says: str) -> None:
    with pytest.raises(SpaceError, match=says):
        space_primitives(space)


def test_an_unregistered_primitive_has_a_label_and_may_be_declared_once() -> None:
    assert declaration("dw_conv_9x9").family == "other"
    assert not is_registered("dw_conv_9x9")
    with pytest.raises(ValueError, match="already declared"):
        register(PrimitiveDeclaration("skip_connect", "other", "other", "custom"))
