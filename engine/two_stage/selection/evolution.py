"""Evolution: the best network of each range of multiply-adds is kept, changed and crossed with others.

Source: AlphaNet, parallel_supernet_evo_search (for AttentiveNAS as well). Done differently: rounds are small, since networks
are measured one after the other and each round can profit from the one before; every child is measured, also of the last
round; no network is measured twice; parents are ordered by ``merit``, and those that a cheaper network beats have no
children. Under a budget the first generation is drawn near it, and the few best of all ranges are the parents: with few
evaluations this is what makes evolution better than chance.
"""

from __future__ import annotations

from functools import partial

from engine.cost.subnets import subnet_macs
from engine.subnets.architecture import Architecture, biggest, smallest
from engine.subnets.front import front
from engine.subnets.sample import crossover, mutate
from engine.two_stage.selection.book import MeasuredNetwork, merit
from engine.two_stage.selection.hunt import Hunt

MUTATION = 0.2
"""Probability of each choice to be replaced."""

FIRST_SHARE = 4
"""One of so many evaluations goes into the first generation, which is random."""

PARENTS = 6
"""Networks that have children under a budget."""

ROUNDS = 12
"""About so many rounds follow."""


def evolution(hunt: Hunt) -> None:
    """Spend all evaluations of a hunt; ends early where nothing new is met within the budget."""
    archive = Archive(hunt)
    archive.add(hunt.ask(smallest(hunt.allowed.space), "smallest"))
    most = biggest(hunt.allowed.space)
    if hunt.left and most in hunt.allowed:
        archive.add(hunt.ask(most, "biggest"))
    first = max(4, hunt.evaluations // FIRST_SHARE)
    while hunt.left and len(hunt.found) < first:
        drawn = hunt.near()
        if drawn is None:
            break
        archive.add(hunt.ask(drawn, "random"))
    size = max(2, (hunt.evaluations - first) // ROUNDS)
    while hunt.left:
        parents = archive.parents()
        children = 0
        for number in range(min(size, hunt.left)):
            child = hunt.propose(partial(_child, hunt, parents, number % 2 == 0))
            if child is not None:
                archive.add(hunt.ask(child, "evolution"))
                children += 1
        if not children:
            return


class Archive:
    """The best network of each range of multiply-adds."""

    def __init__(self, hunt: Hunt, bins: int | None = None) -> None:
        space = hunt.allowed.space
        self._least = subnet_macs(smallest(space))
        most = min(hunt.allowed.limits.macs or 10**18, subnet_macs(biggest(space)))
        count = bins or max(8, min(128, hunt.evaluations // 2))
        self._step = max(1, -(-(most - self._least + 1) // count))
        self._is_limited = hunt.allowed.is_limited
        self._best: dict[int, MeasuredNetwork] = {}

    def add(self, network: MeasuredNetwork) -> None:
        """Keep it where it is the best of its range."""
        place = (network.macs - self._least) // self._step
        before = self._best.get(place)
        if before is None or merit(network) > merit(before):
            self._best[place] = network

    def parents(self) -> list[Architecture]:
        """Who may have children: under a budget the few best, whatever they cost; else all but those that a cheaper one
        beats, cheapest first."""
        if self._is_limited:
            found = sorted(self._best.values(), key=merit, reverse=True)[:PARENTS]
        else:
            found = front(self._best.values(), lambda network: network.macs, lambda network: -network.loss)
        return [network.architecture for network in found]


def _child(hunt: Hunt, parents: list[Architecture], is_mutated: bool) -> Architecture:
    if is_mutated:
        return mutate(hunt.rng.choice(parents), MUTATION, hunt.rng)
    return crossover(hunt.rng.choice(parents), hunt.rng.choice(parents), hunt.rng)
