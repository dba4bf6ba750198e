"""Coarse to fine: first networks whose stages are all alike, then changes of single stages around the best of them.

Source: BigNAS section 3.3. The paper gives neither the grid nor how many networks are changed; here a choice of the grid is
low, middle or high in all stages at once, apart for depth, width, kernel size and expansion, and for each resolution.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from functools import partial

from engine.cost.subnets import subnet_macs
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.selection.book import MeasuredNetwork
from engine.two_stage.selection.hunt import Hunt

RUNGS = 4
"""Budgets between the smallest network and the limit, evenly spaced in multiply-adds, that are worked for."""

_LEVELS = (0.0, 0.5, 1.0)
_FIELDS = ("width", "depth", "kernel_size", "expand_ratio")


def coarse_to_fine(hunt: Hunt) -> None:
    """Spend all evaluations of a hunt: half of them on the grid, the rest around its best networks."""
    space = hunt.allowed.space
    rungs = _Rungs(space, hunt.allowed.limits.macs)
    rungs.add(hunt.ask(smallest(space), "smallest"))
    most = biggest(space)
    if hunt.left and most in hunt.allowed:
        rungs.add(hunt.ask(most, "biggest"))
    for architecture in _spread(hunt, rungs, max(1, hunt.evaluations // 2)):
        if hunt.left:
            rungs.add(hunt.ask(architecture, "coarse"))
    turn, idle = 0, 0
    while hunt.left and idle < len(rungs.limits):
        limit, best = rungs.at(turn)
        turn += 1
        child = hunt.propose(partial(_changed, best, limit, hunt.rng))
        idle = idle + 1 if child is None else 0
        if child is not None:
            rungs.add(hunt.ask(child, "fine"))


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


class _Rungs:
    """The best network under each of several budgets; of equally accurate ones the cheaper."""

    def __init__(self, space: Space, limit: int | None) -> None:
        least = subnet_macs(smallest(space))
        most = min(limit or 10**18, subnet_macs(biggest(space)))
        self.is_limited = limit is not None
        self.limits = [least + (most - least) * (rung + 1) // RUNGS for rung in range(RUNGS)]
        self._best: list[MeasuredNetwork | None] = [None] * RUNGS

    def add(self, network: MeasuredNetwork) -> None:
        """Keep it under each budget that it keeps to and where it is the best."""
        for place, limit in enumerate(self.limits):
            before = self._best[place]
            if network.macs <= limit and (before is None or _merit(network) > _merit(before)):
                self._best[place] = network

    def at(self, turn: int) -> tuple[int, Architecture]:
        """Whose turn it is: the rungs one after the other; with a budget of the person's every second turn is for that one."""
        rung = turn % RUNGS
        if self.is_limited and turn % 2 == 0:
            rung = RUNGS - 1
        elif self.is_limited:
            rung = turn // 2 % (RUNGS - 1)
        best = self._best[rung]
        assert best is not None  # The smallest network is under every budget, and is added first.
        return self.limits[rung], best.architecture


def _merit(network: MeasuredNetwork) -> tuple[float, int]:
    return network.accuracy_percent, -network.macs


def _at_level(choices: tuple[int, ...], level: float) -> int:
    return choices[round(level * (len(choices) - 1))]


def _spread(hunt: Hunt, rungs: _Rungs, count: int) -> Iterator[Architecture]:
    """Networks of the grid within the budget, alike many between each two rungs, in random order within."""
    between: list[list[Architecture]] = [[] for _ in rungs.limits]
    for architecture in grid(hunt.allowed.space):
        if architecture in hunt.allowed and hunt.is_new(architecture):
            macs = subnet_macs(architecture)
            between[next(place for place, limit in enumerate(rungs.limits) if macs <= limit)].append(architecture)
    for networks in between:
        hunt.rng.shuffle(networks)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*reversed(between)))
    return itertools.islice((architecture for architecture in turns if architecture is not None), count)


def _changed(parent: Architecture, limit: int, rng: random.Random) -> Architecture | None:
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
