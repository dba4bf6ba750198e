"""From alphas to cells: the one function that engine and window both ask.

Source: DARTS section 2.4 and its code (model_search.Network.genotype); PC-DARTS multiplies each edge's row by its
normalized beta. ``none`` takes part in the softmax and in nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.genotype.genotype import INPUT_STATES, Cell, Edge, Genotype

Array = NDArray[np.float64]


class Alphas(Protocol):
    """Raw alphas ``(edges, primitives)`` and betas ``(edges,)`` of both kinds of cell; an ``AlphaRecord`` is one."""

    @property
    def normal(self) -> Array: ...
    @property
    def reduction(self) -> Array: ...
    @property
    def normal_betas(self) -> Array | None: ...
    @property
    def reduction_betas(self) -> Array | None: ...


def edge_offset(node: int) -> int:
    """Number of the first edge into a node: 0, 2, 5, 9, ... for nodes from 0."""
    return node * INPUT_STATES + node * (node - 1) // 2


def edge_index(source: int, node: int) -> int:
    """The row of the alphas for the edge from a state to a node."""
    return edge_offset(node) + source


def edge_list(nodes: int) -> list[tuple[int, int]]:
    """``(source, node)`` of every edge in the order of the alphas' rows; 14 for 4 nodes."""
    return [(source, node) for node in range(nodes) for source in range(INPUT_STATES + node)]


def node_count(edges: int) -> int:
    """How many nodes have this many edges in all.

    Raises:
        ValueError: no number of nodes has.
    """
    nodes = 0
    while edge_offset(nodes) < edges:
        nodes += 1
    if edge_offset(nodes) != edges or nodes == 0:
        raise ValueError(f"{edges} rows of alphas fit no number of nodes (2, 5, 9, 14, ... do).")
    return nodes


def softmax(values: Array, axis: int = -1) -> Array:
    """Softmax along an axis, in the precision of ``values``."""
    shifted = np.exp(values - values.max(axis=axis, keepdims=True))
    found: Array = shifted / shifted.sum(axis=axis, keepdims=True)
    return found


def edge_weights(betas: Array) -> Array:
    """Betas ``(edges,)`` normalized over the incoming edges of each node (PC-DARTS eq. 3)."""
    found = np.empty_like(betas)
    for node in range(node_count(len(betas))):
        rows = slice(edge_offset(node), edge_offset(node + 1))
        found[rows] = softmax(betas[rows])
    return found


def operation_weights(alphas: Array, betas: Array | None = None) -> Array:
    """What the discretization compares: softmax of each row, in float32 as the original does, times the edge's weight."""
    weights = softmax(alphas.astype(np.float32))
    if betas is not None:
        weights = weights * edge_weights(betas.astype(np.float32))[:, None]
    return np.asarray(weights, dtype=np.float64)


def discretize_cell(
    alphas: Array, primitives: Sequence[str], betas: Array | None = None, *, inputs_per_node: int = 2
) -> Cell:
    """The cell that alphas choose.

    Per node the ``inputs_per_node`` edges with the largest best operation are kept, in the order of that score; ties
    keep the lower input and the lower operation.

    Args:
        alphas: raw, ``(edges, primitives)``.
        betas: raw, ``(edges,)``; None without edge normalization.

    Raises:
        ValueError: shapes that do not fit together.
    """
    if alphas.ndim != 2 or alphas.shape[1] != len(primitives):
        raise ValueError(f"alphas of shape {alphas.shape} do not fit {len(primitives)} primitives.")
    nodes = node_count(len(alphas))
    allowed = [place for place, name in enumerate(primitives) if name != "none"]
    weights = operation_weights(alphas, betas)[:, allowed]
    found = []
    for node in range(nodes):
        rows = weights[edge_offset(node) : edge_offset(node + 1)]
        order = np.argsort(-rows.max(axis=1), kind="stable")[:inputs_per_node]
        found.append(tuple(Edge(primitives[allowed[int(rows[source].argmax())]], int(source)) for source in order))
    return Cell(tuple(found), tuple(range(INPUT_STATES, INPUT_STATES + nodes)))


def discretize(alphas: Alphas, primitives: Sequence[str], *, inputs_per_node: int = 2, name: str = "") -> Genotype:
    """Both cells that alphas (and betas) choose."""
    return Genotype(
        discretize_cell(alphas.normal, primitives, alphas.normal_betas, inputs_per_node=inputs_per_node),
        discretize_cell(alphas.reduction, primitives, alphas.reduction_betas, inputs_per_node=inputs_per_node),
        name=name,
        primitives=tuple(primitives),
    )
