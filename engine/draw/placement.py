"""Heights of boxes and lines within their columns: close to what they connect, in order, never too near.

Each column in turn is a least-squares fit to its neighbours' heights under the order (isotonic regression with
distances), the columns are swept to and fro.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Protocol

from engine.draw.layers import Layers

SWEEPS = 24


class Distances(Protocol):
    """Clear heights between things of a column."""

    @property
    def gap(self) -> float: ...
    @property
    def clearance(self) -> float: ...


def place_rows(layers: Layers, sizes: Distances) -> None:
    """Give every vertex its ``y``; the picture's top may be anywhere."""
    pull = _pulls(layers)
    apart = [_distances(layers, layer, sizes) for layer in layers.layers]
    for layer, distances in zip(layers.layers, apart, strict=True):
        height, total = 0.0, sum(distances)
        for number, vertex in enumerate(layer):
            height += distances[number - 1] if number else 0.0
            layers.y[vertex] = height - total / 2
    count = len(layers.layers)
    sweeps = SWEEPS if len(layers.ranks) < 2000 else 4
    for sweep in range(sweeps):
        order = range(count) if sweep % 2 == 0 else range(count - 1, -1, -1)
        for rank in order:
            layer = layers.layers[rank]
            wanted, weights = [], []
            for vertex in layer:
                total = sum(weight for _, _, weight in pull[vertex])
                pulled = sum((layers.y[other] + offset) * weight for other, offset, weight in pull[vertex])
                wanted.append(pulled / total if total else layers.y[vertex])
                weights.append(total or 0.1)
            for vertex, y in zip(layer, fit_in_order(wanted, weights, apart[rank]), strict=True):
                layers.y[vertex] = y


def fit_in_order(wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]) -> list[float]:
    """The heights closest to the wanted ones (weighted squares) whose steps are at least ``distances``.

    Args:
        wanted, weights: ``(things,)``.
        distances: ``(things - 1,)``, smallest step from each thing to the next.

    Source: pool adjacent violators on ``wanted`` less the summed distances.
    """
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    blocks: list[tuple[float, float, int]] = []
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, mass, size = want - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other_mean, other_mass, other_size = blocks.pop()
            mean = (mean * mass + other_mean * other_mass) / (mass + other_mass)
            mass, size = mass + other_mass, size + other_size
        blocks.append((mean, mass, size))
    levels = [mean for mean, _, size in blocks for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _pulls(layers: Layers) -> list[list[tuple[int, float, float]]]:
    """For each vertex: who pulls it, by how much it wants to stand below that one, how strongly. Long lines want to be straight."""
    found: list[list[tuple[int, float, float]]] = [[] for _ in layers.ranks]
    for link in layers.links:
        dummies = layers.is_dummy[link.start] + layers.is_dummy[link.end]
        weight = (1.0, 6.0, 12.0)[dummies] * (0.35 if link.is_concat else 1.0)
        offset = layers.offset(link.edge)
        found[link.start].append((link.end, offset, weight))
        found[link.end].append((link.start, -offset, weight))
    return found


def _distances(layers: Layers, layer: list[int], sizes: Distances) -> list[float]:
    found = []
    for above, below in itertools.pairwise(layer):
        halves = (layers.heights[above] + layers.heights[below]) / 2
        lines = layers.is_dummy[above] + layers.is_dummy[below]
        clear = (sizes.gap, sizes.clearance + sizes.gap * 0.3, sizes.clearance * 1.3)[lines]
        found.append(halves + clear * (2.5 if layers.ranks[above] == 0 else 1.0))
    return found
