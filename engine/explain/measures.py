"""Single numbers that sum up alphas and cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.explain.choices import Array
from engine.genotype.discretize import softmax
from engine.genotype.genotype import Cell
from engine.genotype.primitives import declaration


@dataclass(frozen=True)
class Entropy:
    """How undecided alphas are.

    Attributes:
        nats: entropy of an edge's softmax, mean over the edges; ln K is uniform, 0 is decided.
        share: the same over ln K, 0 to 1.
    """

    nats: float
    share: float


def mean_entropy(alphas: Array) -> Entropy:
    """Mean entropy of the edges' softmax over all K primitives, ``none`` included; alphas ``(edges, primitives)``."""
    weights = softmax(alphas.astype(np.float64))
    # 0 ln 0 is 0: the logarithm of an underflowed weight must not make nan of it.
    nats = float(-(weights * np.log(np.maximum(weights, np.finfo(np.float64).tiny))).sum(axis=1).mean())
    return Entropy(nats, nats / math.log(alphas.shape[1]))


def skip_count(cell: Cell) -> int:
    """Edges of the cell that are skip connections."""
    return sum(declaration(edge.primitive).family == "skip" for _, _, edge in cell.edges())


def edge_count(cell: Cell) -> int:
    """Edges of the cell: 8 for the papers' cells."""
    return sum(len(edges) for edges in cell.nodes)


def skip_share(cell: Cell) -> float:
    """Share of the cell's edges that are skip connections, 0 to 1."""
    return skip_count(cell) / edge_count(cell)


def weightless_share(cell: Cell) -> float:
    """Share of the cell's edges whose operation has no weights (skips and pools), 0 to 1."""
    return sum(
        declaration(edge.primitive).family in ("skip", "pool", "none") for _, _, edge in cell.edges()
    ) / edge_count(cell)
