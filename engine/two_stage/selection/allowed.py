"""The sub-networks that keep to the budget, and random ones among them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from engine.cost.subnets import subnet_cost, subnet_macs
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform
from engine.two_stage.selection.limits import Limits

PATIENCE = 200
"""Draws for one network before something else is done: a budget that fewer than one network in hundreds keeps to."""


_COSTS = ("macs", "parameters", "memory_bytes")


class Allowed:
    """The networks of a space within limits.

    Args:
        further: another condition, asked last since it may be slow (an estimate of latency).

    Attributes:
        is_limited: whether there is a budget at all.
    """

    def __init__(self, space: Space, limits: Limits, further: Callable[[Architecture], bool] | None = None) -> None:
        self.space = space
        self.limits = limits
        self._further = further
        self.is_limited = bool(limits.as_json()) or further is not None
        least, most = subnet_cost(smallest(space)), subnet_cost(biggest(space))
        # Of a limit of latency nothing is known before a network is timed: multiply-adds stand for it.
        bounded = [field for field in _COSTS if getattr(limits, field) is not None] or ["macs"]
        self._ranges = [
            (field, getattr(least, field), min(getattr(limits, field) or math.inf, getattr(most, field))) for field in bounded
        ]  # fmt: skip

    def share(self, architecture: Architecture) -> float:
        """How close a network comes to the budget: 0 for the smallest network, 1 at a limit, of several at the nearest."""
        cost = subnet_cost(architecture)
        return max(
            (getattr(cost, field) - least) / (most - least) if most > least else 1.0
            for field, least, most in self._ranges
        )

    def __contains__(self, architecture: Architecture) -> bool:
        if self.limits.macs is not None and subnet_macs(architecture) > self.limits.macs:
            return False
        if not self.limits.allow(subnet_cost(architecture)):
            return False
        return self._further is None or self._further(architecture)

    def draw(self, rng: random.Random) -> tuple[Architecture, bool]:
        """A random network, and whether it had to be lowered.

        Uniform among the allowed ones, by rejection; where ``PATIENCE`` draws meet none, the last one is lowered choice by
        choice until it is allowed. Such networks lie close below the budget, so they are no uniform sample.
        """
        drawn = uniform(self.space, rng)
        for _ in range(PATIENCE - 1):
            if drawn in self:
                return drawn, False
            drawn = uniform(self.space, rng)
        return self.lowered(drawn, rng), drawn not in self

    def lowered(self, architecture: Architecture, rng: random.Random) -> Architecture:
        """The network with random choices lowered by one until it is allowed; the smallest where nothing else is."""
        coordinates = self.space.coordinates()
        values = list(architecture.values())
        while (found := Architecture.from_values(self.space, values)) not in self:
            higher = [place for place, value in enumerate(values) if value > coordinates[place].choices[0]]
            if not higher:
                return found
            place = rng.choice(higher)
            choices = coordinates[place].choices
            values[place] = choices[choices.index(values[place]) - 1]
        return found
