"""What differs between two genotypes. The order of a node's inputs has no effect on its function and is no difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from engine.genotype.genotype import CELL_KINDS, Cell, CellKind, Edge, Genotype
from engine.genotype.graph import state_name
from engine.genotype.primitives import declaration


@dataclass(frozen=True)
class NodeDifference:
    """A node whose inputs differ: what only the first genotype has, and what only the second has."""

    kind: CellKind
    node: int
    only_first: tuple[Edge, ...]
    only_second: tuple[Edge, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, edges as ``[primitive, source]``."""
        return {
            "kind": self.kind,
            "node": self.node,
            "only_first": [[edge.primitive, edge.source] for edge in self.only_first],
            "only_second": [[edge.primitive, edge.source] for edge in self.only_second],
        }

    def __str__(self) -> str:
        return f"{self.kind}, node {self.node}: {_edges(self.only_first)} against {_edges(self.only_second)}"


@dataclass(frozen=True)
class ConcatDifference:
    """A kind of cell whose outputs are made of other states."""

    kind: CellKind
    first: tuple[int, ...]
    second: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"kind": self.kind, "concat_first": list(self.first), "concat_second": list(self.second)}

    def __str__(self) -> str:
        return f"{self.kind}: the output joins states {list(self.first)} against {list(self.second)}"


def differences(first: Genotype, second: Genotype) -> tuple[NodeDifference | ConcatDifference, ...]:
    """Everything that differs, normal cell first, nodes in order, a differing concat after the nodes. Empty: same function."""
    found: list[NodeDifference | ConcatDifference] = []
    for kind in CELL_KINDS:
        left, right = first.cell(kind), second.cell(kind)
        found += _node_differences(kind, left, right)
        if left.concat != right.concat:
            found.append(ConcatDifference(kind, left.concat, right.concat))
    return tuple(found)


def changed_nodes(first: Genotype | None, second: Genotype) -> list[tuple[CellKind, int]]:
    """``(kind, node)`` of the nodes whose inputs differ: the ``changed`` field of genotype events.

    Without a first genotype nothing has changed.
    """
    if first is None:
        return []
    return [
        (difference.kind, difference.node)
        for difference in differences(first, second)
        if isinstance(difference, NodeDifference)
    ]


def differing_edges(first: Cell, second: Cell) -> int:
    """How many edges would have to be exchanged to make one cell the other; 0 to 8 for the papers' cells."""
    return sum(
        max(len(difference.only_first), len(difference.only_second))
        for difference in _node_differences("normal", first, second)
    )


def _node_differences(kind: CellKind, first: Cell, second: Cell) -> list[NodeDifference]:
    found = []
    for node in range(max(len(first.nodes), len(second.nodes))):
        left, right = (Counter(cell.nodes[node]) if node < len(cell.nodes) else Counter() for cell in (first, second))
        if left != right:
            found.append(NodeDifference(kind, node, tuple((left - right).elements()), tuple((right - left).elements())))
    return found


def _edges(edges: tuple[Edge, ...]) -> str:
    return (
        " and ".join(f"{declaration(edge.primitive).label} from {state_name(edge.source)}" for edge in edges)
        or "nothing"
    )
