"""The best cells under a budget of multiply-adds, from the alphas of a search.

Best means: the largest sum, over all kept edges of both cells, of what the discretization compares (the softmax weight
of an edge's operation, times the edge's weight where there are betas). Without a budget that sum is largest for the
cells that ``discretize`` chooses, so a budget that they keep to changes nothing.

The search is exact. Costs of operations add up, so each node offers a front of choices none of which is both dearer and
worse than another; fronts of nodes join to that of a cell, and the two cells meet in the budget alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.cost.layers import Cost
from engine.cost.networks import fixed_cost, operation_cost
from engine.cost.primitives import CustomCounter
from engine.cost.quantities import in_words
from engine.cost.settings import NetworkSettings
from engine.errors import NascopeError
from engine.genotype.discretize import Alphas, Array, discretize, edge_index, edge_offset, node_count, operation_weights
from engine.genotype.genotype import CELL_KINDS, INPUT_STATES, Cell, CellKind, Edge, Genotype

INPUTS_PER_NODE = 2

_Node = tuple[Edge, ...]


@dataclass(frozen=True)
class BudgetChoice:
    """The cells chosen under a budget, beside those chosen without.

    Attributes:
        genotype: within the budget.
        macs: of its network.
        score: sum over both cells' kept edges of what the discretization compares.
        unconstrained, unconstrained_macs, unconstrained_score: the same of the cells that ``discretize`` chooses.
        budget: multiply-adds that were allowed.
    """

    genotype: Genotype
    macs: int
    score: float
    unconstrained: Genotype
    unconstrained_macs: int
    unconstrained_score: float
    budget: int


def best_under_budget(
    alphas: Alphas,
    primitives: Sequence[str],
    settings: NetworkSettings,
    budget: int,
    *,
    inputs_per_node: int = INPUTS_PER_NODE,
    name: str = "",
    custom: CustomCounter | None = None,
) -> BudgetChoice:
    """The cells of the largest score whose network takes at most ``budget`` multiply-adds.

    Of several with the same score a cheaper one is taken; beyond that the choice follows the order of states and
    primitives, so it is the same every time.

    Args:
        settings: of the network that has to keep to the budget.
        budget: multiply-adds of the whole network for one image.

    Raises:
        NascopeError: even the cheapest cells take more.
        GenotypeError: a primitive without a cost.
        ValueError: alphas that do not fit the primitives.
    """
    free = discretize(alphas, primitives, inputs_per_node=inputs_per_node, name=name)
    table = _Table(alphas, primitives, settings, custom)
    fixed = fixed_cost(settings, len(free.normal.nodes)).macs
    free_macs, free_score = fixed + table.macs(free), table.score(free)
    if free_macs <= budget:
        return BudgetChoice(free, free_macs, free_score, free, free_macs, free_score, budget)
    cheapest = fixed + sum(_cheapest(table, kind, inputs_per_node) for kind in CELL_KINDS)
    if cheapest > budget:
        raise NascopeError(
            f"no cells of this search fit into {in_words(budget)} multiply-adds: the cheapest network of "
            f"{settings.channels} channels and {settings.layers} cells takes {cheapest:,} ({in_words(cheapest)}).",
            where="budget",
            mend="Raise the budget, or take fewer channels or cells.",
        )
    fronts = {kind: _cell_front(table, kind, inputs_per_node, budget - fixed) for kind in CELL_KINDS}
    normal, reduction = _best_pair(fronts["normal"], fronts["reduction"], budget - fixed)
    concat = free.normal.concat
    genotype = Genotype(Cell(normal, concat), Cell(reduction, concat), name=name, primitives=tuple(primitives))
    return BudgetChoice(
        genotype, fixed + table.macs(genotype), table.score(genotype), free, free_macs, free_score, budget
    )


class _Table:
    """What every operation scores, and what it costs in all cells of its kind."""

    def __init__(
        self, alphas: Alphas, primitives: Sequence[str], settings: NetworkSettings, custom: CustomCounter | None
    ) -> None:
        self.primitives = tuple(primitives)
        self.nodes = node_count(len(alphas.normal))
        self._weights: Mapping[CellKind, Array] = {
            "normal": operation_weights(alphas.normal, alphas.normal_betas),
            "reduction": operation_weights(alphas.reduction, alphas.reduction_betas),
        }
        self._costs: dict[tuple[CellKind, str, bool], Cost] = {
            (kind, primitive, from_input): operation_cost(
                settings, kind, primitive, 0 if from_input else INPUT_STATES, custom
            )
            for kind in CELL_KINDS
            for primitive in self.primitives
            for from_input in (True, False)
            if primitive != "none"
        }

    def edge_macs(self, kind: CellKind, edge: Edge) -> int:
        """In all cells of the kind together."""
        return self._costs[kind, edge.primitive, edge.source < INPUT_STATES].macs

    def edge_score(self, kind: CellKind, node: int, edge: Edge) -> float:
        """What the discretization compares."""
        row = edge_index(edge.source, node)
        return float(self._weights[kind][row, self.primitives.index(edge.primitive)])

    def macs(self, genotype: Genotype) -> int:
        """Of all operations."""
        return sum(self.edge_macs(kind, edge) for kind in CELL_KINDS for _, _, edge in genotype.cell(kind).edges())

    def score(self, genotype: Genotype) -> float:
        """Sum over all edges."""
        return sum(
            self.edge_score(kind, node, edge) for kind in CELL_KINDS for node, _, edge in genotype.cell(kind).edges()
        )

    def edge_front(self, kind: CellKind, source: int, node: int) -> list[Edge]:
        """The operations of an edge none of which is both dearer and worse than another, the cheapest first."""
        edges = [Edge(primitive, source) for primitive in self.primitives if primitive != "none"]
        edges.sort(key=lambda edge: (self.edge_macs(kind, edge), -self.edge_score(kind, node, edge)))
        found: list[Edge] = []
        for edge in edges:
            if not found or self.edge_score(kind, node, edge) > self.edge_score(kind, node, found[-1]):
                found.append(edge)
        return found


@dataclass(frozen=True)
class _Front:
    """Choices none of which is both dearer and worse than another: costs and scores both rise.

    Attributes:
        macs, scores: ``(choices,)``.
        cells: the nodes of each choice.
    """

    macs: NDArray[np.int64]
    scores: Array
    cells: list[tuple[_Node, ...]]


def _node_front(table: _Table, kind: CellKind, node: int, inputs_per_node: int, most: int) -> _Front:
    sources = range(edge_offset(node + 1) - edge_offset(node))
    fronts = [table.edge_front(kind, source, node) for source in sources]
    choices = [
        tuple(sorted(edges, key=lambda edge: -table.edge_score(kind, node, edge)))  # a node lists its inputs by score
        for kept in itertools.combinations(fronts, min(inputs_per_node, len(fronts)))
        for edges in itertools.product(*kept)
    ]
    macs = np.array([sum(table.edge_macs(kind, edge) for edge in edges) for edges in choices], dtype=np.int64)
    scores = np.array([sum(table.edge_score(kind, node, edge) for edge in edges) for edges in choices])
    kept = _undominated(macs, scores, most)
    return _Front(macs[kept], scores[kept], [(choices[place],) for place in kept])


def _cell_front(table: _Table, kind: CellKind, inputs_per_node: int, most: int) -> _Front:
    """All sensible cells of a kind whose operations take at most ``most``."""
    found = _Front(np.zeros(1, dtype=np.int64), np.zeros(1), [()])
    for node in range(table.nodes):
        own = _node_front(table, kind, node, inputs_per_node, most)
        macs = np.add.outer(found.macs, own.macs).ravel()
        scores = np.add.outer(found.scores, own.scores).ravel()
        kept = _undominated(macs, scores, most)
        width = len(own.macs)
        cells = [found.cells[place // width] + own.cells[place % width] for place in kept]
        found = _Front(macs[kept], scores[kept], cells)
    return found


def _undominated(macs: NDArray[np.int64], scores: Array, most: int) -> list[int]:
    """Places of the choices within ``most`` that score more than everything as cheap, from the cheapest on."""
    order = np.lexsort((-scores, macs))
    order = order[macs[order] <= most]
    if not len(order):
        return []
    sorted_scores = scores[order]
    before = np.concatenate(([-np.inf], np.maximum.accumulate(sorted_scores)[:-1]))
    return [int(place) for place in order[sorted_scores > before]]


def _cheapest(table: _Table, kind: CellKind, inputs_per_node: int) -> int:
    """What the operations of the cheapest cell take."""
    found = 0
    for node in range(table.nodes):
        costs = sorted(
            min(table.edge_macs(kind, edge) for edge in table.edge_front(kind, source, node))
            for source in range(INPUT_STATES + node)
        )
        found += sum(costs[:inputs_per_node])
    return found


def _best_pair(normal: _Front, reduction: _Front, most: int) -> tuple[tuple[_Node, ...], tuple[_Node, ...]]:
    """The two cells that score most together within ``most``; of equals the cheaper pair."""
    # For each normal cell the best reduction cell is the dearest that the rest still pays for.
    partner = np.searchsorted(reduction.macs, most - normal.macs, side="right") - 1
    allowed = np.flatnonzero(partner >= 0)
    scores = normal.scores[allowed] + reduction.scores[partner[allowed]]
    macs = normal.macs[allowed] + reduction.macs[partner[allowed]]
    best = int(np.lexsort((macs, -scores))[0])
    place = int(allowed[best])
    return normal.cells[place], reduction.cells[int(partner[place])]
