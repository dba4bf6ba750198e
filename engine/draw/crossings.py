"""The order of boxes and lines in each column: few crossings, by barycentres, swaps and several fixed restarts.

Source of the scheme: Sugiyama, Tagawa and Toda, 1981; swaps as in Gansner and others, 1993.
"""

from __future__ import annotations

import random
from bisect import bisect_right, insort

from engine.draw.layers import Layers
from engine.genotype.genotype import INPUT_STATES

WORK = 60_000
"""Links looked at in all restarts together: about 50 ms. Counted, not timed, so that pictures do not depend on the clock."""
RESTARTS = 16
SWEEPS = 8


def order_layers(layers: Layers) -> int:
    """Put the vertices of each rank in order; returns the number of crossings left. k−2 stays above k−1."""
    links = max(len(layers.links), 1)
    restarts = max(1, min(RESTARTS, WORK // (links * SWEEPS * 6)))
    by_rank = _links_by_rank(layers)
    best: tuple[int, float] | None = None
    found = [list(layer) for layer in layers.layers]
    for restart in range(restarts):
        order = _start(layers, restart)
        for sweep in range(SWEEPS):
            _barycentres(layers, order, downwards=sweep % 2 == 0)
            if links <= 1000:
                _swaps(layers, order)
            score = _score(order, by_rank)
            if best is None or score < best:
                best, found = score, [list(layer) for layer in order]
    layers.layers[:] = found
    return best[0] if best else 0


def crossings(layers: Layers) -> int:
    """Crossings between neighbouring ranks in the present order."""
    return _score(layers.layers, _links_by_rank(layers))[0]


def _links_by_rank(layers: Layers) -> list[list[tuple[int, int]]]:
    found: list[list[tuple[int, int]]] = [[] for _ in layers.layers]
    for link in layers.links:
        found[layers.ranks[link.start]].append((link.start, link.end))
    return found


def _start(layers: Layers, restart: int) -> list[list[int]]:
    order = [list(layer) for layer in layers.layers]
    if restart:
        chance = random.Random(restart)
        for layer in order[1:]:
            chance.shuffle(layer)
    return order


def _score(order: list[list[int]], by_rank: list[list[tuple[int, int]]]) -> tuple[int, float]:
    """Crossings, then how far lines wander (for equal crossings)."""
    place = {vertex: (number, len(layer)) for layer in order for number, vertex in enumerate(layer)}
    total, wander = 0, 0.0
    for links in by_rank:
        seen: list[int] = []
        for a, b in sorted((place[a][0], place[b][0]) for a, b in links):
            total += len(seen) - bisect_right(seen, b)
            insort(seen, b)
            wander += abs(a - b)
    return total, wander


def _barycentres(layers: Layers, order: list[list[int]], *, downwards: bool) -> None:
    ranks = range(1, len(order)) if downwards else range(len(order) - 2, 0, -1)
    neighbours = layers.before if downwards else layers.after
    for rank in ranks:
        beside = order[rank - 1 if downwards else rank + 1]
        place = {vertex: number for number, vertex in enumerate(beside)}
        stay = {vertex: number * len(beside) / max(len(order[rank]), 1) for number, vertex in enumerate(order[rank])}

        def centre(vertex: int, place: dict[int, int] = place, stay: dict[int, float] = stay) -> float:
            found = [place[other] for other in neighbours[vertex]]
            return sum(found) / len(found) if found else stay[vertex]

        order[rank].sort(key=centre)


def _swaps(layers: Layers, order: list[list[int]]) -> None:
    """Swap neighbours in a column as long as that removes crossings."""
    place = {vertex: number for layer in order for number, vertex in enumerate(layer)}
    improved, rounds = True, 0
    while improved and rounds < 6:
        improved, rounds = False, rounds + 1
        for rank, layer in enumerate(order):
            if rank == 0 and len(layer) == INPUT_STATES:
                continue
            for number in range(len(layer) - 1):
                above, below = layer[number], layer[number + 1]
                now = then = 0
                for neighbours in (layers.before, layers.after):
                    for a in neighbours[above]:
                        for b in neighbours[below]:
                            now += place[a] > place[b]
                            then += place[a] < place[b]
                if then < now:
                    layer[number], layer[number + 1] = below, above
                    place[above], place[below] = number + 1, number
                    improved = True
