"""When choices changed, on alphas that change at known epochs."""

from __future__ import annotations

import numpy as np
import pytest

from engine.explain import EdgeChange, cell_change_epochs, edge_changes, explain_records, mean_weight_by_epoch
from engine.runs import AlphaRecord

THREE = ("none", "skip_connect", "sep_conv_3x3")
NONE, SKIP, SEP = range(3)


def record(epoch: int, *, favourite: int = SEP, weak_source: int = 2) -> AlphaRecord:
    """Two nodes; edge 0 prefers ``favourite``, the others sep; node 1 drops the edge from ``weak_source``."""
    alphas = np.zeros((5, 3))
    alphas[:, SEP] = 2.0
    alphas[0] = 0
    alphas[0, favourite] = 2.0
    alphas[2 + weak_source, SEP] = 1.0
    still = np.zeros((5, 3))
    still[:, SKIP] = 1.0
    return AlphaRecord(epoch * 10 + 9, epoch, alphas, still)


RECORDS = [
    record(0),
    record(1),
    record(2, favourite=SKIP),
    record(3, favourite=SKIP, weak_source=0),
    record(4, favourite=SKIP, weak_source=0),
]


def test_last_change_of_every_edge_is_found() -> None:
    assert edge_changes(RECORDS, "normal", THREE) == (
        EdgeChange(2, "sep_conv_3x3"),  # its operation changed
        EdgeChange(None),
        EdgeChange(3),  # dropped since epoch 3, with the same operation
        EdgeChange(None),
        EdgeChange(3),
    )
    assert edge_changes(RECORDS, "reduction", THREE) == (EdgeChange(None),) * 5


def test_only_the_last_change_counts() -> None:
    records = [record(0), record(1, favourite=SKIP), record(5), record(6)]

    assert edge_changes(records, "normal", THREE)[0] == EdgeChange(5, "skip_connect")


def test_ticks_stand_where_either_cell_changed() -> None:
    assert cell_change_epochs(RECORDS, THREE) == (2, 3)
    assert cell_change_epochs(RECORDS[:1], THREE) == ()


def test_an_explanation_knows_its_history() -> None:
    nodes = explain_records(RECORDS, "normal", THREE)

    assert [edge.last_changed_epoch for node in nodes for edge in node.edges] == [2, None, 3, None, 3]
    assert explain_records([], "normal", THREE) == ()


def test_an_earlier_epoch_is_explained_by_the_records_up_to_it() -> None:
    nodes = explain_records(RECORDS[:3], "normal", THREE)

    assert [edge.last_changed_epoch for node in nodes for edge in node.edges] == [2, None, None, None, None]


def test_mean_weight_is_the_softmax_of_one_primitive() -> None:
    weights = mean_weight_by_epoch(RECORDS[:1], "reduction", THREE, "skip_connect")

    assert weights == pytest.approx([np.e / (np.e + 2)])
    assert mean_weight_by_epoch(RECORDS, "normal", THREE, "dil_conv_3x3").tolist() == [0] * 5
