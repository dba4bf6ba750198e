"""Coarse to fine: first networks whose stages are all alike, then changes of single stages around the best of them.

Source: BigNAS section 3.3. The paper gives neither the grid nor how many networks are changed; here a choice of the grid is
low, middle or high in all stages at once, apart for depth, width, kernel size and expansion, and for each resolution.
"""

from __future__ import annotations

import itertools
import math
import random
from functools import partial

from engine.cost.subnets import subnet_macs
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.selection.book import merit
from engine.two_stage.selection.hunt import Hunt

RUNGS = 4
"""Without a budget: so many, evenly spaced in multiply-adds up to the biggest network, are worked for in turn."""

BEAM = 4
"""Under a budget: so many of the best networks are changed in turn. One alone may owe its place to chance."""

COARSE_SHARE = 4
"""One of so many evaluations goes into the grid under a budget, of which the part near the budget is measured; one of two
without, where it must reach from the smallest network to the biggest."""

NEAR_SHARE = 0.6
"""Of the grid's networks within a budget, the part that is closest to it."""

_LEVELS = (0.0, 0.5, 1.0)
_FIELDS = ("width", "depth", "kernel_size", "expand_ratio")


def coarse_to_fine(hunt: Hunt) -> None:
    """Spend all evaluations of a hunt: some on the grid, the rest around its best networks."""
    space = hunt.allowed.space
    hunt.ask(smallest(space), "smallest")
    most = biggest(space)
    if hunt.left and most in hunt.allowed:
        hunt.ask(most, "biggest")
    rungs = _rungs(hunt)
    for architecture in _near(hunt) if hunt.allowed.is_limited else _spread(hunt, rungs):
        if hunt.left:
            hunt.ask(architecture, "coarse")
    turn, idle = 0, 0
    while hunt.left and idle < max(BEAM, RUNGS):
        limit = rungs[turn % len(rungs)]
        under = [network for network in hunt.found if network.macs <= limit]  # The smallest always is.
        best = sorted(under, key=merit, reverse=True)[: BEAM if hunt.allowed.is_limited else 1]
        child = hunt.propose(partial(_changed, best[turn % len(best)].architecture, limit, hunt.rng))
        turn += 1
        idle = idle + 1 if child is None else 0
        if child is not None:
            hunt.ask(child, "fine")


def grid(space: Space) -> list[Architecture]:
    """Networks of one level (low, middle, high) in all stages, for every resolution and each kind of choice apart."""
    coordinates = space.coordinates()
    found: dict[tuple[int, ...], Architecture] = {}
    for resolution in space.resolution:
        for levels in itertools.product(_LEVELS, repeat=len(_FIELDS)):
            level_of = dict(zip(_FIELDS, levels, strict=True))
            values = [
                resolution if coordinate.field == "resolution" else _at_level(coordinate.choices, level_of[coordinate.field])
                for coordinate in coordinates
            ]  # fmt: skip
            found.setdefault(tuple(values), Architecture.from_values(space, values))
    return list(found.values())


def _rungs(hunt: Hunt) -> list[float]:
    """Limits of multiply-adds to work for: one that allows everything where a budget says what is wanted."""
    if hunt.allowed.is_limited:
        return [math.inf]
    least, most = subnet_macs(smallest(hunt.allowed.space)), subnet_macs(biggest(hunt.allowed.space))
    return [least + (most - least) * (rung + 1) // RUNGS for rung in range(RUNGS)]


def _at_level(choices: tuple[int, ...], level: float) -> int:
    return choices[round(level * (len(choices) - 1))]


def _near(hunt: Hunt) -> list[Architecture]:
    """Networks of the grid that come close to the budget, in random order."""
    within = [network for network in grid(hunt.allowed.space) if network in hunt.allowed and hunt.is_new(network)]
    within.sort(key=hunt.allowed.share, reverse=True)
    near = within[: math.ceil(NEAR_SHARE * len(within))]
    hunt.rng.shuffle(near)
    return near[: max(1, hunt.evaluations // COARSE_SHARE)]


def _spread(hunt: Hunt, rungs: list[float]) -> list[Architecture]:
    """Networks of the grid, alike many between each two rungs, in random order within."""
    between: list[list[Architecture]] = [[] for _ in rungs]
    for architecture in grid(hunt.allowed.space):
        if hunt.is_new(architecture):
            macs = subnet_macs(architecture)
            between[next(place for place, limit in enumerate(rungs) if macs <= limit)].append(architecture)
    for networks in between:
        hunt.rng.shuffle(networks)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*reversed(between)))
    return [architecture for architecture in turns if architecture is not None][: max(1, hunt.evaluations // 2)]


def _changed(parent: Architecture, limit: float, rng: random.Random) -> Architecture | None:
    """The parent with other choices in one part or two (of a stage, the stem, the head, the image); None over the limit."""
    coordinates = parent.space.coordinates()
    free = [place for place, coordinate in enumerate(coordinates) if len(coordinate.choices) > 1]
    if not free:
        return None
    parts = sorted({coordinates[place].part for place in free})
    chosen = rng.sample(parts, min(len(parts), rng.choice((1, 2))))
    values = list(parent.values())
    for place in free:
        if coordinates[place].part in chosen and rng.random() < 0.5:
            values[place] = rng.choice([choice for choice in coordinates[place].choices if choice != values[place]])
    found = Architecture.from_values(parent.space, values)
    return found if subnet_macs(found) <= limit else None
