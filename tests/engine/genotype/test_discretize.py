"""From alphas to cells, against cells that the original code printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.genotype import DARTS_PRIMITIVES
from engine.genotype.discretize import (
    discretize,
    discretize_cell,
    edge_index,
    edge_list,
    edge_offset,
    edge_weights,
    node_count,
    operation_weights,
)

EXAMPLES = json.loads((Path(__file__).parent / "discretization_examples.json").read_text(encoding="utf-8"))["examples"]


@dataclass
class Alphas:
    normal: np.ndarray
    reduction: np.ndarray
    normal_betas: np.ndarray | None
    reduction_betas: np.ndarray | None


def of(example: dict) -> Alphas:
    names = ("alphas_normal", "alphas_reduction", "betas_normal", "betas_reduction")
    return Alphas(*(np.array(example[name]) if name in example else None for name in names))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["id"])
def test_the_original_code_chooses_the_same_cells_in_the_same_order(example: dict) -> None:
    genotype = discretize(of(example), DARTS_PRIMITIVES)

    found = genotype.as_json()
    for kind in ("normal", "reduction"):
        assert found[kind]["nodes"] == example["expected"][kind]["nodes"]
        assert found[kind]["concat"] == [2, 3, 4, 5]


def test_betas_are_normalized_over_the_inputs_of_a_node() -> None:
    example = next(example for example in EXAMPLES if example["id"] == "pcdarts_random")

    np.testing.assert_allclose(
        edge_weights(np.array(example["betas_normal"])), example["beta_softmax_normal"], atol=1e-6
    )


def test_a_dominant_none_is_never_chosen_but_takes_its_share() -> None:
    alphas = np.zeros((2, 8))
    alphas[0] = [9, 0, 0, 0, 1, 0, 0, 0]  # A larger best alpha than the other edge, but little is left of it.
    alphas[1] = [0, 0, 0, 0, 0, 0.5, 0, 0]

    [node] = discretize_cell(alphas, DARTS_PRIMITIVES).nodes

    assert [(edge.primitive, edge.source) for edge in node] == [("sep_conv_5x5", 1), ("sep_conv_3x3", 0)]


def test_edges_are_numbered_as_in_the_darts_code() -> None:
    assert [edge_offset(node) for node in range(5)] == [0, 2, 5, 9, 14]
    assert edge_list(4)[:5] == [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)]
    assert [edge_index(source, node) for source, node in edge_list(6)] == list(range(27))
    assert [node_count(edges) for edges in (2, 5, 9, 14)] == [1, 2, 3, 4]
    for edges in (0, 1, 3, 13):
        with pytest.raises(ValueError, match="fit no number of nodes"):
            node_count(edges)


def test_alphas_that_do_not_fit_the_primitives_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(14, 7\) do not fit 8"):
        discretize_cell(np.zeros((14, 7)), DARTS_PRIMITIVES)


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(np.float64, (14, 8), elements=st.floats(-5, 5, width=32)),
    hnp.arrays(np.float64, 14, elements=st.floats(-3, 3, width=32)) | st.none(),
)
def test_every_node_keeps_its_two_best_edges(alphas: np.ndarray, betas: np.ndarray | None) -> None:
    cell = discretize_cell(alphas, DARTS_PRIMITIVES, betas)

    scores = operation_weights(alphas, betas)[:, 1:].max(axis=1)
    for node, edges in enumerate(cell.nodes):
        kept = [edge.source for edge in edges]
        rows = scores[edge_offset(node) : edge_offset(node + 1)]
        assert len(set(kept)) == 2
        assert rows[kept[0]] >= rows[kept[1]] >= max(rows[source] for source in set(range(node + 2)) - {kept[0]})
        assert all(edge.primitive != "none" for edge in edges)
