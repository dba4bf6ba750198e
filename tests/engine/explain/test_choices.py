"""Why this cell: margins, ranks and other rules, on alphas with a known answer and on the original code's examples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.explain import EdgeChange, explain_cell, other_rules, why_this_edge
from engine.genotype import DARTS_PRIMITIVES
from engine.genotype.discretize import edge_index

EXAMPLES = json.loads(
    (Path(__file__).parent.parent / "genotype" / "discretization_examples.json").read_text(encoding="utf-8")
)["examples"]
THREE = ("none", "skip_connect", "sep_conv_3x3")


def logs(*rows: list[float]) -> np.ndarray:
    """Alphas whose softmax is exactly these rows of weights."""
    return np.log(np.array(rows))


# Two nodes; softmax weights of none, skip, sep.
WEIGHTS = logs([0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [0.1, 0.3, 0.6], [0.1, 0.5, 0.4], [0.6, 0.25, 0.15])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["id"])
@pytest.mark.parametrize("kind", ["normal", "reduction"])
def test_kept_edges_are_those_of_the_original_code(example: dict, kind: str) -> None:
    alphas = np.array(example[f"alphas_{kind}"])
    betas = np.array(example[f"betas_{kind}"]) if f"betas_{kind}" in example else None

    nodes = explain_cell(alphas, betas, DARTS_PRIMITIVES)

    assert [[[edge.primitive, edge.source] for edge in node.kept] for node in nodes] == example["expected"][kind][
        "nodes"
    ]


@pytest.mark.parametrize(
    ("example_id", "code", "answer"),
    [("darts_random", "raw_alphas", "wrong_raw_alpha"), ("darts_random", "none_competes", "wrong_none_counted"),
     ("pcdarts_random", "betas_ignored", "wrong_betas_ignored")],
)  # fmt: skip
def test_other_rules_give_the_cells_that_those_mistakes_give(example_id: str, code: str, answer: str) -> None:
    example = next(example for example in EXAMPLES if example["id"] == example_id)
    differing = 0
    for kind in ("normal", "reduction"):
        betas = np.array(example[f"betas_{kind}"]) if f"betas_{kind}" in example else None
        rules = other_rules(np.array(example[f"alphas_{kind}"]), betas, DARTS_PRIMITIVES)
        rule = next(rule for rule in rules if rule.code == code)
        differing += rule.differing_edges
        assert [[[edge.primitive, edge.source] for edge in node] for node in rule.cell.nodes] == example[answer][kind]
    assert differing >= 3


def test_margins_are_differences_of_softmax_weights() -> None:
    first, second = explain_cell(WEIGHTS, None, THREE)

    strongest = second.edges[0]
    assert (strongest.primitive, strongest.runner_up, strongest.kept, strongest.place) == (
        "sep_conv_3x3",
        "skip_connect",
        True,
        0,
    )
    assert strongest.alpha == pytest.approx(0.6, abs=1e-6)
    assert strongest.margin == pytest.approx(0.3, abs=1e-6)
    assert strongest.none == pytest.approx(0.1, abs=1e-6)
    assert strongest.beta is None
    assert second.edges[1].edge_margin == pytest.approx(0.5 - 0.25, abs=1e-6)  # weakest kept against strongest dropped
    assert strongest.edge_lead == pytest.approx(0.6 - 0.25, abs=1e-6)
    assert second.edges[2].edge_lead == pytest.approx(0.25, abs=1e-6)
    assert not second.edges[2].kept
    assert [edge.edge_margin for edge in first.edges] == [None, None]
    assert [edge.source for edge in first.kept] == [0, 1]


def test_betas_rank_edges_and_leave_the_operation_alone() -> None:
    shares = np.log([0.5, 0.5, 0.1, 0.3, 0.6])

    second = explain_cell(WEIGHTS, shares, THREE)[1]

    assert [edge.score for edge in second.edges] == pytest.approx([0.06, 0.15, 0.15], abs=1e-6)
    assert [edge.source for edge in second.dropped] == [0]
    assert second.edges[0].beta == pytest.approx(0.1)
    assert second.edges[0].primitive == "sep_conv_3x3"
    [rule] = [rule for rule in other_rules(WEIGHTS, shares, THREE) if rule.code == "betas_ignored"]
    assert rule.differing_edges == 1


def test_ties_go_to_the_first_operation_and_the_first_state() -> None:
    node = explain_cell(np.zeros((5, 3)), None, THREE)[1]

    assert [edge.place for edge in node.edges] == [0, 1, 2]
    assert [edge.primitive for edge in node.edges] == ["skip_connect"] * 3
    assert [edge.margin for edge in node.edges] == [0, 0, 0]
    assert node.edges[0].margin_is_small
    assert node.edges[0].edge_lead_is_small


def test_json_has_every_key_of_the_contract() -> None:
    edge = explain_cell(WEIGHTS, np.zeros(5), THREE)[1].as_json()["edges"][1]

    assert {"from", "primitive", "alpha", "beta", "kept", "margin", "edge_margin", "none", "last_changed_epoch"} <= set(
        edge
    )
    assert edge["from"] == 1
    assert sum(edge["weights"].values()) == pytest.approx(1)
    json.dumps(edge, allow_nan=False)
    assert "beta" not in explain_cell(WEIGHTS, None, THREE)[1].as_json()["edges"][1]


def test_a_space_without_none_says_so() -> None:
    edge = explain_cell(WEIGHTS[:, 1:], None, THREE[1:])[0].edges[0]

    assert edge.none is None
    assert {rule.code for rule in other_rules(WEIGHTS[:, 1:], None, THREE[1:])} == {"raw_alphas"}


def test_why_a_kept_edge_won() -> None:
    node = explain_cell(WEIGHTS, None, THREE)[1]

    assert why_this_edge(node.edges[0], node) == (
        "Sep 3×3 has the largest weight on this edge, 0.600, 0.300 ahead of skip. By best weight it is the strongest of the 3 edges "
        "into node 1, 0.350 ahead of the strongest dropped one, from node 0."
    )


def test_why_a_dropped_edge_lost_and_what_none_does() -> None:
    node = explain_cell(WEIGHTS, None, THREE)[1]

    assert why_this_edge(node.edges[2], node) == (
        "Skip has the largest weight on this edge, 0.250, 0.100 ahead of sep 3×3. Node 1 drops the edge: its best weight of 0.250 is "
        "0.250 behind the weakest kept one, skip from k−1. None holds more, 0.600, but takes part in the softmax only and is never "
        "chosen."
    )


def test_a_change_and_another_rule_are_told() -> None:
    changes = [EdgeChange(None)] * 5
    changes[edge_index(0, 1)] = EdgeChange(25, "skip_connect")
    betas = np.log([0.5, 0.5, 0.1, 0.3, 0.6])
    node = explain_cell(WEIGHTS, betas, THREE, changes=changes)[1]

    sentence = why_this_edge(node.edges[0], node, other_rules(WEIGHTS, betas, THREE))

    assert sentence.startswith("Sep 3×3 overtook skip in epoch 26 and leads by 0.300.")
    assert "alpha × beta of 0.060" in sentence
    assert sentence.endswith("node 1 would keep it.")
    assert node.edges[0].last_changed_epoch == 25


def test_a_change_away_from_a_third_operation_names_both_and_small_leads_are_not_called_nothing() -> None:
    alphas = np.log(np.tile([0.2, 0.4, 0.3998, 0.0002], (2, 1)))
    node = explain_cell(
        alphas,
        None,
        ("none", "skip_connect", "sep_conv_3x3", "avg_pool_3x3"),
        changes=[EdgeChange(3, "avg_pool_3x3")] * 2,
    )[0]

    assert why_this_edge(node.edges[0], node).startswith(
        "Skip overtook avg 3×3 in epoch 4 and leads sep 3×3 by less than 0.001, a small lead. Node 0 keeps both"
    )
