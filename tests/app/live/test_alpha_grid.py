from __future__ import annotations

import numpy as np
import pytest

from app.live.alpha_grid import Scale, edge_label, make_grid, round_up
from app.selection import Operation
from engine.genotype import DARTS_PRIMITIVES
from engine.genotype.discretize import discretize, edge_index, node_count
from engine.runs import AlphaRecord


def record_of(nodes: int, primitives: int, seed: int, *, betas: bool = False, scale: float = 1.0) -> AlphaRecord:
    draw = np.random.default_rng(seed)
    edges = sum(2 + node for node in range(nodes))
    normal, reduction = (scale * draw.standard_normal((edges, primitives)) for _ in range(2))
    extra = [draw.standard_normal(edges) if betas else None for _ in range(2)]
    return AlphaRecord(0, 0, normal, reduction, *extra)


@pytest.mark.parametrize("betas", [False, True])
@pytest.mark.parametrize("nodes", [1, 4, 6])
@pytest.mark.parametrize("primitives", [DARTS_PRIMITIVES, DARTS_PRIMITIVES[1:], DARTS_PRIMITIVES[3:6]])
def test_frames_are_the_operations_that_discretize_keeps(nodes: int, primitives: tuple[str, ...], betas: bool) -> None:
    record = record_of(nodes, len(primitives), nodes, betas=betas)
    genotype = discretize(record, primitives)

    for kind in ("normal", "reduction"):
        grid = make_grid(kind, record, primitives, "softmax", 1.0)  # type: ignore[arg-type]
        assert grid is not None
        cell = genotype.cell(kind)  # type: ignore[arg-type]
        assert {grid.operation(*place) for place in grid.chosen} == {
            Operation(kind, edge.source, node, edge.primitive) for node, _, edge in cell.edges()  # type: ignore[arg-type]
        }  # fmt: skip
        assert len(grid.edges) == record.normal.shape[0]
        assert node_count(len(grid.edges)) == nodes


def test_rows_are_named_by_their_states() -> None:
    grid = make_grid("normal", record_of(4, 8, 0), DARTS_PRIMITIVES, "softmax", 1.0)

    assert grid is not None
    assert grid.row_labels()[:5] == ["k−2 → 0", "k−1 → 0", "k−2 → 1", "k−1 → 1", "0 → 1"]
    assert edge_label(4, 3) == "2 → 3"
    assert grid.column_labels()[4] == "sep 3×3"


def test_place_and_operation_are_inverse() -> None:
    grid = make_grid("reduction", record_of(4, 8, 0), DARTS_PRIMITIVES, "softmax", 1.0)

    assert grid is not None
    for row in range(14):
        for column in range(8):
            assert grid.place(grid.operation(row, column)) == (row, column)
    assert grid.place(Operation("normal", 0, 0, "none")) is None
    assert grid.place(Operation("reduction", 4, 1, "none")) is None
    assert grid.place(Operation("reduction", 0, 0, "conv_7x1_1x7")) is None


def test_weighted_values_are_alpha_times_beta() -> None:
    record = record_of(4, 8, 1, betas=True)
    grid = make_grid("normal", record, DARTS_PRIMITIVES, "weighted", 1.0)

    assert grid is not None
    row = edge_index(1, 2)
    assert record.normal_betas is not None
    rows = [edge_index(source, 2) for source in range(4)]
    beta = np.exp(record.normal_betas[row]) / np.exp(record.normal_betas[rows]).sum()
    alpha = np.exp(record.normal[row]) / np.exp(record.normal[row]).sum()
    np.testing.assert_allclose(grid.values[row], alpha * beta)  # type: ignore[index]


def test_rank_counts_from_the_largest() -> None:
    record = record_of(4, 8, 2)
    grid = make_grid("normal", record, DARTS_PRIMITIVES, "raw", 3.0)

    assert grid is not None
    assert [grid.rank(3, column) for column in np.argsort(-record.normal[3])] == list(range(1, 9))


def test_broken_alphas_give_no_grid() -> None:
    record = record_of(4, 8, 3)
    record.normal[2, 2] = np.nan

    assert make_grid("normal", record, DARTS_PRIMITIVES, "softmax", 1.0) is None
    assert make_grid("reduction", record, DARTS_PRIMITIVES[:5], "softmax", 1.0) is None


def test_scale_is_the_running_maximum_at_round_steps() -> None:
    scale = Scale("normal", "softmax")
    fresh = [record_of(4, 8, seed, scale=1e-3) for seed in range(3)]
    # An undecided row of eight has 0.125 everywhere and stands in the middle of the scale.
    assert scale.top(fresh) == 0.25

    decided = record_of(4, 8, 9, scale=0.0)
    decided.normal[0, 0] = np.log(7 * 0.45 / 0.55)  # softmax 0.45
    assert scale.top([*fresh, decided]) == 0.5
    assert scale.top([*fresh, decided, fresh[0]]) == 0.5
    assert scale.top([*fresh, decided]) == 0.5
    assert scale.top([*fresh, fresh[0]]) == 0.25  # after a resume another record stands in its place


def test_round_steps() -> None:
    assert [round_up(value) for value in (0.1, 0.11, 0.42, 0.5, 0.81, 3.2)] == pytest.approx(
        [0.1, 0.15, 0.5, 0.5, 1.0, 4.0]
    )
