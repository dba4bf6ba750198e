"""Drawing and changing architectures: uniform, mutation, crossover.

Every draw goes through a ``random.Random`` that the caller seeds, one call of it a coordinate in the order of records, so
that a seed gives the same architectures everywhere. Source: AlphaNet parallel_supernet_evo_search.
"""

from __future__ import annotations

import random

from engine.subnets.architecture import Architecture
from engine.subnets.space import Space


def uniform(space: Space, rng: random.Random) -> Architecture:
    """Each choice drawn alone, uniformly."""
    return Architecture.from_values(space, [rng.choice(coordinate.choices) for coordinate in space.coordinates()])


def mutate(parent: Architecture, probability: float, rng: random.Random) -> Architecture:
    """Each choice replaced with this probability by another one; choices without an alternative stay."""
    values = []
    for coordinate, value in zip(parent.space.coordinates(), parent.values(), strict=True):
        others = [choice for choice in coordinate.choices if choice != value]
        is_changed = rng.random() < probability and others
        values.append(rng.choice(others) if is_changed else value)
    return Architecture.from_values(parent.space, values)


def crossover(first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
    """Each choice from either parent, evenly."""
    pairs = zip(first.values(), second.values(), strict=True)
    return Architecture.from_values(first.space, [one if rng.random() < 0.5 else other for one, other in pairs])
