"""Draws against those of the published code with the same seeds, and what a draw may give."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.subnets import Architecture, space_named, space_names
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import crossover, mutate, uniform

SPACE = space_named("attentive-nas")
# Printed by the published code of AlphaNet's evolutionary search on this space: random.seed(0), (1) and (2).
SAMPLE = Architecture(
    SPACE, 288, (24, 16, 32, 40, 72, 120, 216, 224, 1792), (1, 4, 4, 3, 7, 5, 1), (5, 3, 3, 5, 5, 3, 5), (1, 5, 6, 6, 4, 6, 6)
)  # fmt: skip
MUTANT = Architecture(
    SPACE, 192, (24, 16, 32, 40, 72, 112, 216, 224, 1792), (1, 4, 4, 3, 7, 6, 2), (5, 5, 3, 5, 5, 3, 5), (1, 5, 6, 6, 4, 6, 6)
)  # fmt: skip
CHILD = Architecture(
    SPACE, 192, (24, 16, 32, 40, 72, 112, 216, 224, 1792), (1, 4, 4, 3, 7, 6, 2), (5, 3, 3, 5, 5, 3, 5), (1, 5, 6, 6, 4, 6, 6)
)  # fmt: skip


def test_draws_are_those_of_the_published_code() -> None:
    assert uniform(SPACE, random.Random(0)) == SAMPLE
    assert mutate(SAMPLE, 0.2, random.Random(1)) == MUTANT
    assert crossover(SAMPLE, MUTANT, random.Random(2)) == CHILD


def test_uniform_draws_each_choice_alone_and_evenly() -> None:
    rng, draws = random.Random(3), 6000
    found = [uniform(SPACE, rng).values() for _ in range(draws)]

    for place, coordinate in enumerate(SPACE.coordinates()):
        counts = Counter(values[place] for values in found)
        assert set(counts) == set(coordinate.choices)
        share = 1 / len(coordinate.choices)
        # Six standard deviations of a binomial count: once in 10^9.
        room = 6 * (draws * share * (1 - share)) ** 0.5
        assert all(abs(count - draws * share) <= room for count in counts.values())


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_mutation_never_draws_the_same_value(probability: float) -> None:
    child = mutate(SAMPLE, probability, random.Random(0))

    for coordinate, before, after in zip(SPACE.coordinates(), SAMPLE.values(), child.values(), strict=True):
        assert (before != after) == (probability == 1.0 and len(coordinate.choices) > 1)


def test_mutation_changes_as_often_as_it_is_told() -> None:
    rng, free = random.Random(5), sum(len(coordinate.choices) > 1 for coordinate in SPACE.coordinates())
    changed = [
        sum(a != b for a, b in zip(SAMPLE.values(), mutate(SAMPLE, 0.2, rng).values(), strict=True)) for _ in range(3000)
    ]  # fmt: skip

    # Mean of 3000 binomials (free, 0.2); six standard deviations.
    assert sum(changed) / 3000 == pytest.approx(0.2 * free, abs=6 * (free * 0.16 / 3000) ** 0.5)


@given(st.sampled_from(space_names()), st.integers(0, 2**32))
def test_crossover_takes_every_choice_from_a_parent(name: str, seed: int) -> None:
    space, rng = space_named(name), random.Random(seed)
    child = crossover(smallest(space), biggest(space), rng)

    pairs = zip(child.values(), smallest(space).values(), biggest(space).values(), strict=True)
    assert all(value in parents for value, *parents in pairs)
    assert crossover(child, child, rng) == child
