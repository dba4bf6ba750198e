"""Alphas of one kind of cell as a table for heatmaps: values, scale, ranks, and which operations the cell keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.selection import Operation
from engine.genotype import CellKind, declaration
from engine.genotype.discretize import discretize_cell, edge_index, edge_list, edge_weights, node_count, softmax
from engine.runs import AlphaRecord

Array = NDArray[np.float64]

Mode = Literal["softmax", "raw", "weighted"]
"""softmax: of each row. raw: alphas as the optimizer holds them. weighted: softmax times the edge's normalized beta."""

_ROUND = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def state_label(state: int) -> str:
    """«k−2», «k−1» or the node's number."""
    return ("k−2", "k−1")[state] if state < 2 else str(state - 2)


def edge_label(source: int, node: int) -> str:
    """«k−2 → 0»."""
    return f"{state_label(source)} → {node}"


@dataclass(frozen=True)
class AlphaGrid:
    """What a heatmap shows.

    Attributes:
        edges: ``(source, node)`` of each row.
        values: in the chosen mode, ``(edges, primitives)``; None before the first alphas.
        raw, weights: alphas, and their softmax by rows, same shape.
        betas: normalized edge weights, ``(edges,)``, where the method has them.
        chosen: ``(row, column)`` of the operations that the discretized cell keeps.
        low, high: values of the colour scale's ends.
    """

    kind: CellKind
    edges: tuple[tuple[int, int], ...]
    primitives: tuple[str, ...]
    mode: Mode = "softmax"
    values: Array | None = None
    raw: Array | None = None
    weights: Array | None = None
    betas: Array | None = None
    chosen: frozenset[tuple[int, int]] = frozenset()
    low: float = 0.0
    high: float = 1.0

    def operation(self, row: int, column: int) -> Operation:
        """The operation of a cell."""
        source, node = self.edges[row]
        return Operation(self.kind, source, node, self.primitives[column])

    def place(self, operation: Operation | None) -> tuple[int, int] | None:
        """Row and column of an operation; None where it does not stand here."""
        if operation is None or operation.kind != self.kind or operation.primitive not in self.primitives:
            return None
        row = edge_index(operation.source, operation.node)
        if not 0 <= row < len(self.edges) or self.edges[row] != (operation.source, operation.node):
            return None
        return row, self.primitives.index(operation.primitive)

    def rank(self, row: int, column: int) -> int:
        """1 for the largest weight of the edge; ties in the order of the primitives."""
        assert self.weights is not None
        return int(np.flatnonzero(np.argsort(-self.weights[row], kind="stable") == column)[0]) + 1

    def row_labels(self) -> list[str]:
        """«k−2 → 0» and so on."""
        return [edge_label(source, node) for source, node in self.edges]

    def column_labels(self) -> list[str]:
        """«sep 3×3» and so on."""
        return [declaration(name).label for name in self.primitives]

    def share(self, value: float) -> float:
        """Place of a value on the colour scale, 0 to 1."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def empty_grid(kind: CellKind, nodes: int, primitives: Sequence[str]) -> AlphaGrid:
    """Rows and columns without values."""
    return AlphaGrid(kind, tuple(edge_list(nodes)), tuple(primitives))


def make_grid(
    kind: CellKind, record: AlphaRecord, primitives: Sequence[str], mode: Mode, top: float
) -> AlphaGrid | None:
    """The table of a record; None where it is not finite or its shape does not fit the primitives.

    Args:
        mode: ``weighted`` falls back to ``softmax`` where there are no betas.
        top: the scale's end, from ``Scale``.
    """
    raw, betas = record.of(kind)
    if not np.isfinite(raw).all():
        return None
    try:
        cell = discretize_cell(raw, primitives, betas)
        edges = tuple(edge_list(node_count(len(raw))))
    except (ValueError, IndexError):
        return None
    names = tuple(primitives)
    weights = softmax(raw)
    normalized = edge_weights(betas) if betas is not None else None
    values = raw if mode == "raw" else weights
    if mode == "weighted" and normalized is not None:
        values = weights * normalized[:, None]
    chosen = frozenset((edge_index(edge.source, node), names.index(edge.primitive)) for node, _, edge in cell.edges())
    return AlphaGrid(
        kind, edges, names, mode, values, raw, weights, normalized, chosen, low=-top if mode == "raw" else 0.0, high=top
    )


class Scale:
    """The end of the colour scale: the largest value of the run so far, rounded up, so that it moves in steps only.

    It never falls below twice the value of an undecided row (0.1 for raw alphas): a fresh search shall not look decided.
    """

    def __init__(self, kind: CellKind, mode: Mode) -> None:
        self._kind = kind
        self._mode: Mode = mode
        self._seen: list[AlphaRecord] = []
        self._maxima: list[float] = []

    def top(self, records: Sequence[AlphaRecord]) -> float:
        """The end of the scale for a run with these records; only new ones are looked at."""
        known = min(len(self._seen), len(records))
        # A resume drops records from the end: go back to the last one that is still the same.
        while known and self._seen[known - 1] is not records[known - 1]:
            known -= 1
        del self._seen[known:], self._maxima[known:]
        for record in records[known:]:
            before = self._maxima[-1] if self._maxima else 0.0
            self._seen.append(record)
            self._maxima.append(max(before, self._maximum(record)))
        primitives = records[-1].of(self._kind)[0].shape[1] if records else 8
        least = {"raw": 0.1, "softmax": 2 / primitives, "weighted": 1 / primitives}[self._mode]
        found = round_up(max(self._maxima[-1] if self._maxima else 0.0, least))
        return found if self._mode == "raw" else min(found, 1.0)

    def _maximum(self, record: AlphaRecord) -> float:
        raw, betas = record.of(self._kind)
        if not raw.size or not np.isfinite(raw).all():
            return 0.0
        if self._mode == "raw":
            return float(np.abs(raw).max())
        largest = softmax(raw).max(axis=1)
        if self._mode == "weighted" and betas is not None and len(betas) == len(largest):
            largest = largest * edge_weights(betas)
        return float(largest.max())


def round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(factor for factor in _ROUND if factor * power >= value * (1 - 1e-9)) * power)
