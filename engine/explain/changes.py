"""When the cell changed: choices of every edge followed through the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.explain.choices import INPUTS_PER_NODE, Array, EdgeChange, NodeExplanation, explain_cell
from engine.genotype.discretize import Alphas, discretize, discretize_cell, edge_index, operation_weights
from engine.genotype.genotype import CellKind


class EpochAlphas(Alphas, Protocol):
    """Alphas as they stood at the end of an epoch; an ``AlphaRecord`` is one."""

    @property
    def epoch(self) -> int: ...


def alphas_of(record: Alphas, kind: CellKind) -> tuple[Array, Array | None]:
    """Alphas and betas of one kind of cell."""
    return (record.normal, record.normal_betas) if kind == "normal" else (record.reduction, record.reduction_betas)


def edge_changes(
    records: Sequence[EpochAlphas], kind: CellKind, primitives: Sequence[str], *, inputs_per_node: int = INPUTS_PER_NODE
) -> tuple[EdgeChange, ...]:
    """For every edge, in the order of the alphas' rows, when its best operation or whether it is kept last changed.

    Args:
        records: one an epoch, in order (``RunHistory.alphas_by_epoch``).

    Returns:
        One an edge; empty without records. An edge that is as it was in the first record has no epoch.
    """
    if not records:
        return ()
    allowed = [place for place, name in enumerate(primitives) if name != "none"]
    found: list[EdgeChange] = []
    last: list[tuple[str, bool]] = []
    for record in records:
        alphas, betas = alphas_of(record, kind)
        cell = discretize_cell(alphas, primitives, betas, inputs_per_node=inputs_per_node)
        kept = {edge_index(edge.source, node) for node, _, edge in cell.edges()}
        best = operation_weights(alphas, betas)[:, allowed].argmax(axis=1)
        choices = [(primitives[allowed[int(column)]], row in kept) for row, column in enumerate(best)]
        if len(choices) != len(last):
            found = [EdgeChange(None)] * len(choices)
        else:
            for row, (before, now) in enumerate(zip(last, choices, strict=True)):
                if before != now:
                    found[row] = EdgeChange(record.epoch, before[0] if before[0] != now[0] else None)
        last = choices
    return tuple(found)


def cell_change_epochs(
    records: Sequence[EpochAlphas], primitives: Sequence[str], *, inputs_per_node: int = INPUTS_PER_NODE
) -> tuple[int, ...]:
    """Epochs at whose end either cell differs from the epoch before: the slider's ticks.

    Args:
        records: one an epoch, in order.
    """
    found = []
    before = None
    for record in records:
        genotype = discretize(record, primitives, inputs_per_node=inputs_per_node)
        if before is not None and not genotype.same_cells(before):
            found.append(record.epoch)
        before = genotype
    return tuple(found)


def mean_weight_by_epoch(records: Sequence[EpochAlphas], kind: CellKind, primitives: Sequence[str], name: str) -> Array:
    """Softmax weight of one primitive, mean over the edges, for each record: ``(records,)``, 0 to 1."""
    if name not in primitives:
        return np.zeros(len(records))
    column = list(primitives).index(name)
    return np.array(
        [operation_weights(alphas_of(record, kind)[0])[:, column].mean() for record in records], dtype=np.float64
    )


def explain_records(
    records: Sequence[EpochAlphas], kind: CellKind, primitives: Sequence[str], *, inputs_per_node: int = INPUTS_PER_NODE
) -> tuple[NodeExplanation, ...]:
    """One kind of cell explained as it stands in the last of these records, with when each edge last changed.

    Args:
        records: one an epoch, in order; empty gives no explanation. For an earlier epoch give the records up to it.
    """
    if not records:
        return ()
    changes = edge_changes(records, kind, primitives, inputs_per_node=inputs_per_node)
    return explain_cell(*alphas_of(records[-1], kind), primitives, changes=changes, inputs_per_node=inputs_per_node)
