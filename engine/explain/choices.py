"""Why this cell: what every edge's alphas say, by how much a choice leads, and what other rules would choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.genotype.compare import differing_edges
from engine.genotype.discretize import (
    discretize_cell,
    edge_index,
    edge_offset,
    edge_weights,
    node_count,
    operation_weights,
)
from engine.genotype.genotype import INPUT_STATES, Cell, Edge

Array = NDArray[np.float64]

CLOSE_LEAD = 0.1
"""A lead below this share of the winner's weight is called small. Weights within 10 % are alphas within 0.1, and Adam
at DARTS' rate of 3e-4 moves an alpha by up to 0.12 in one epoch of 391 steps."""

INPUTS_PER_NODE = 2


@dataclass(frozen=True)
class EdgeExplanation:
    """One edge of the supernet and what its alphas say.

    Attributes:
        source: state that the edge reads.
        node: node that it enters, from 0.
        primitive: its best operation besides ``none``.
        alpha: softmax weight of that operation, 0 to 1 (``none`` takes its share).
        beta: weight of the edge among the node's edges, softmax of the betas; None without edge normalization.
        score: what the discretization compares: alpha, times beta where there is one.
        kept: whether the node keeps the edge.
        place: rank among the node's edges by score, 0 is the strongest.
        runner_up: second-best operation besides ``none``.
        runner_up_alpha: its softmax weight.
        none: softmax weight of ``none``; None where the space has no ``none``.
        edge_margin: score of the node's weakest kept edge minus that of its strongest dropped one; None where the node
            drops no edge.
        edge_lead: of a kept edge, its score minus that of the strongest dropped one; of a dropped edge, how far it is behind
            the weakest kept one (a positive number too); None where the node drops no edge.
        last_changed_epoch: epoch (from 0) since which choice and place in the cell are what they are; None where they
            never changed, or no history was given.
        previous_primitive: best operation before that change; None where the operation did not change.
        weights: softmax weight of every primitive, in the order of an alpha row.
    """

    source: int
    node: int
    primitive: str
    alpha: float
    beta: float | None
    score: float
    kept: bool
    place: int
    runner_up: str
    runner_up_alpha: float
    none: float | None
    edge_margin: float | None
    edge_lead: float | None
    last_changed_epoch: int | None
    previous_primitive: str | None
    weights: Mapping[str, float]

    @property
    def margin(self) -> float:
        """Lead of the best operation over the runner-up on this edge, in softmax weight."""
        return self.alpha - self.runner_up_alpha

    @property
    def margin_is_small(self) -> bool:
        """Whether the runner-up is within a tenth of the best operation."""
        return self.margin < CLOSE_LEAD * self.alpha

    @property
    def edge_lead_is_small(self) -> bool:
        """Whether keeping or dropping this edge hangs on a tenth of its score."""
        return self.edge_lead is not None and self.edge_lead < CLOSE_LEAD * self.score

    def as_json(self) -> dict[str, Any]:
        """The edge as ``nascope explain --json`` prints it."""
        found: dict[str, Any] = {"from": self.source, "primitive": self.primitive, "alpha": self.alpha}
        if self.beta is not None:
            found["beta"] = self.beta
        return found | {
            "score": self.score, "kept": self.kept, "place": self.place, "margin": self.margin, "runner_up": self.runner_up,
            "edge_margin": self.edge_margin, "none": self.none, "last_changed_epoch": self.last_changed_epoch,
            "weights": dict(self.weights),
        }  # fmt: skip


@dataclass(frozen=True)
class NodeExplanation:
    """All edges into one node, by source."""

    node: int
    edges: tuple[EdgeExplanation, ...]

    @property
    def kept(self) -> tuple[EdgeExplanation, ...]:
        """The edges that the cell keeps, strongest first."""
        return tuple(sorted((edge for edge in self.edges if edge.kept), key=lambda edge: edge.place))

    @property
    def dropped(self) -> tuple[EdgeExplanation, ...]:
        """The other edges, strongest first."""
        return tuple(sorted((edge for edge in self.edges if not edge.kept), key=lambda edge: edge.place))

    def as_json(self) -> dict[str, Any]:
        """The node as ``nascope explain --json`` prints it."""
        return {"node": self.node, "edges": [edge.as_json() for edge in self.edges]}


@dataclass(frozen=True)
class EdgeChange:
    """When an edge's choice, or its place in the cell, last changed."""

    epoch: int | None
    previous_primitive: str | None = None


def explain_cell(
    alphas: Array,
    betas: Array | None,
    primitives: Sequence[str],
    *,
    changes: Sequence[EdgeChange] | None = None,
    inputs_per_node: int = INPUTS_PER_NODE,
) -> tuple[NodeExplanation, ...]:
    """Explain every edge of one kind of cell.

    Args:
        alphas: raw, ``(edges, primitives)``.
        betas: raw, ``(edges,)``; None without edge normalization.
        changes: one an edge, from ``edge_changes``.

    Raises:
        ValueError: shapes that do not fit together.
    """
    cell = discretize_cell(alphas, primitives, betas, inputs_per_node=inputs_per_node)
    weights = operation_weights(alphas)
    scores = operation_weights(alphas, betas)
    edge_shares = None if betas is None else edge_weights(betas.astype(np.float32)).astype(np.float64)
    allowed = [place for place, name in enumerate(primitives) if name != "none"]
    none = primitives.index("none") if "none" in primitives else None
    found = []
    for node in range(node_count(len(alphas))):
        rows = range(edge_offset(node), edge_offset(node + 1))
        best_scores = scores[rows.start : rows.stop][:, allowed].max(axis=1)
        # Stable, as the discretization sorts: a tie keeps the lower state first.
        order = [int(source) for source in np.argsort(-best_scores, kind="stable")]
        kept = {edge.source for edge in cell.nodes[node]}
        weakest_kept = strongest_dropped = None
        if len(order) > len(kept):
            weakest_kept, strongest_dropped = (float(best_scores[order[len(kept) + step]]) for step in (-1, 0))
        edges = []
        for source, row in enumerate(rows):
            ranked = sorted(allowed, key=lambda column, row=row: (-scores[row, column], column))  # type: ignore[misc]
            best, second = ranked[0], ranked[min(1, len(ranked) - 1)]
            score = float(best_scores[source])
            margin = lead = None
            if weakest_kept is not None and strongest_dropped is not None:
                margin = weakest_kept - strongest_dropped
                lead = score - strongest_dropped if source in kept else weakest_kept - score
            change = changes[row] if changes is not None else EdgeChange(None)
            edges.append(
                EdgeExplanation(
                    source=source, node=node, primitive=primitives[best], alpha=float(weights[row, best]),
                    beta=None if edge_shares is None else float(edge_shares[row]), score=score,
                    kept=source in kept, place=order.index(source), runner_up=primitives[second],
                    runner_up_alpha=float(weights[row, second]), none=None if none is None else float(weights[row, none]),
                    edge_margin=margin, edge_lead=lead, last_changed_epoch=change.epoch, previous_primitive=change.previous_primitive,
                    weights={name: float(weights[row, column]) for column, name in enumerate(primitives)},
                )
            )  # fmt: skip
        found.append(NodeExplanation(node, tuple(edges)))
    return tuple(found)


RuleCode = Literal["raw_alphas", "none_competes", "betas_ignored"]


@dataclass(frozen=True)
class OtherRule:
    """The cell that another way of choosing makes of the same alphas.

    Attributes:
        code: ``raw_alphas`` ranks edges by their largest raw alpha instead of its softmax (pt.darts does);
            ``none_competes`` lets the weight of ``none`` speak for an edge; ``betas_ignored`` leaves the edges' weights out.
        title: in words, for lists.
        differing_edges: how many edges of the cell it would exchange.
    """

    code: RuleCode
    title: str
    cell: Cell
    differing_edges: int


def other_rules(
    alphas: Array, betas: Array | None, primitives: Sequence[str], *, inputs_per_node: int = INPUTS_PER_NODE
) -> tuple[OtherRule, ...]:
    """What other rules would choose; only those that could differ (no ``none`` in the space, no betas: fewer rules)."""
    chosen = discretize_cell(alphas, primitives, betas, inputs_per_node=inputs_per_node)
    allowed = [place for place, name in enumerate(primitives) if name != "none"]
    scores = operation_weights(alphas, betas)
    found: list[tuple[RuleCode, str, Cell]] = []
    raw = alphas.astype(np.float32)[:, allowed].max(axis=1).astype(np.float64)
    found.append(
        ("raw_alphas", "edges ranked by raw alphas", _ranked_by(raw, scores, primitives, allowed, inputs_per_node))
    )
    if len(allowed) < len(primitives):
        with_none = scores.max(axis=1)
        found.append(
            ("none_competes", "none counted in an edge's score", _ranked_by(with_none, scores, primitives, allowed, inputs_per_node))
        )  # fmt: skip
    if betas is not None:
        found.append(
            ("betas_ignored", "the edges' weights left out", discretize_cell(alphas, primitives, inputs_per_node=inputs_per_node))
        )  # fmt: skip
    return tuple(OtherRule(code, title, cell, differing_edges(chosen, cell)) for code, title, cell in found)


def _ranked_by(
    edge_scores: Array, scores: Array, primitives: Sequence[str], allowed: Sequence[int], inputs_per_node: int
) -> Cell:
    """The cell whose edges are kept by these scores ``(edges,)``; the operation of an edge is chosen as ever."""
    nodes = []
    for node in range(node_count(len(edge_scores))):
        rows = edge_scores[edge_offset(node) : edge_offset(node + 1)]
        order = np.argsort(-rows, kind="stable")[:inputs_per_node]
        nodes.append(
            tuple(
                Edge(primitives[allowed[int(scores[edge_index(int(source), node), allowed].argmax())]], int(source))
                for source in order
            )
        )
    return Cell(tuple(nodes), tuple(range(INPUT_STATES, INPUT_STATES + len(nodes))))
