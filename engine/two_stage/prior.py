"""The prior of best-up and worst-up sampling: which numbers of multiply-adds a space has, and which choices lead there.

AttentiveNAS reads both from a file that was made for its own space. Here they are made anew for the space at hand; they
are a function of the space alone, so that nothing needs to be stored.

Source: AttentiveNAS section 3.2; facebookresearch/AttentiveNAS sampler/attentive_nas_sampler.py.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.cost.subnets import subnet_macs
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest

DRAWS = 50_000
"""Uniform draws that the prior of a large space is counted from."""
LARGEST_COUNTED = 300_000
"""Spaces of no more architectures are counted whole instead: a few seconds."""
TRIES = 101
"""Draws for one range of multiply-adds; the last one is taken wherever it lies."""
_MOST_BINS = 100


def bin_step(space: Space) -> int:
    """Width of a range of multiply-adds: the smallest of 10, 25, 100, 250, ... that makes at most 100 ranges between
    the smallest and the biggest network. 25 million for AttentiveNAS' space, as in its code."""
    span = subnet_macs(biggest(space)) - subnet_macs(smallest(space))
    step, larger = 10, 25
    while span > _MOST_BINS * step:
        step, larger = larger, 10 * step
    return step


def bin_of(macs: int, step: int) -> int:
    """The range that a number lies in, counted from 0; halves go to the even one."""
    return round(macs / step)


@dataclass(frozen=True)
class Draw:
    """An architecture drawn for a range of multiply-adds.

    Attributes:
        tries: draws that it took.
        is_met: whether it lies in the range; else it is the last of ``TRIES``.
    """

    architecture: Architecture
    tries: int
    is_met: bool


class MacsPrior:
    """How often each range of multiply-adds occurs, and how often each choice occurs in it.

    Choices are drawn alone, given the range (the product of the margins, not the joint distribution), until the whole lies
    in the range.

    Args:
        flat: draw each range that occurs equally often, so that small and large networks are met as often as middle ones.
    """

    def __init__(self, space: Space, *, flat: bool = False) -> None:
        self.space = space
        self.step = bin_step(space)
        members: Counter[int] = Counter()
        choices: dict[int, list[Counter[int]]] = {}
        for architecture in _examples(space):
            place = bin_of(subnet_macs(architecture), self.step)
            members[place] += 1
            counters = choices.setdefault(place, [Counter() for _ in space.coordinates()])
            for counter, value in zip(counters, architecture.values(), strict=True):
                counter[value] += 1
        self.counts: dict[int, int] = dict(sorted(members.items()))
        """Architectures counted by range; range ``b`` is the numbers that ``step * b`` is nearest to."""
        self._bins = tuple(self.counts)
        self._cumulated = tuple(itertools.accumulate(1 if flat else count for count in self.counts.values()))
        self._conditionals = {
            place: tuple(_Cumulated.of(counter) for counter in counters) for place, counters in choices.items()
        }

    def draw_bin(self, rng: random.Random) -> int:
        """A range, as often as it occurs (or each equally often); one number of ``rng``."""
        return rng.choices(self._bins, cum_weights=self._cumulated)[0]

    def draw(self, place: int, rng: random.Random) -> Draw:
        """An architecture of a range; one number of ``rng`` a coordinate and try.

        Raises:
            KeyError: a range that does not occur.
        """
        conditionals = self._conditionals[place]
        for tries in range(1, TRIES + 1):
            values = [each.draw(rng) for each in conditionals]
            architecture = Architecture.from_values(self.space, values)
            is_met = bin_of(subnet_macs(architecture), self.step) == place
            if is_met or tries == TRIES:
                return Draw(architecture, tries, is_met)
        raise AssertionError("unreachable")


@dataclass(frozen=True)
class _Cumulated:
    """Values of a coordinate with their cumulated frequencies."""

    values: tuple[int, ...]
    weights: tuple[int, ...]

    @classmethod
    def of(cls, counter: Counter[int]) -> _Cumulated:
        values = tuple(sorted(counter))
        return cls(values, tuple(itertools.accumulate(counter[value] for value in values)))

    def draw(self, rng: random.Random) -> int:
        """As ``rng.choices``, whose checks take three times as long: a step may draw some ten thousand."""
        weights = self.weights
        return self.values[bisect.bisect(weights, rng.random() * weights[-1], 0, len(weights) - 1)]


def _examples(space: Space) -> Iterator[Architecture]:
    if space.size <= LARGEST_COUNTED:
        choices: Sequence[tuple[int, ...]] = [coordinate.choices for coordinate in space.coordinates()]
        for values in itertools.product(*choices):
            yield Architecture.from_values(space, values)
        return
    rng = random.Random("prior over multiply-adds")
    choices = [coordinate.choices for coordinate in space.coordinates()]
    for _ in range(DRAWS):
        yield Architecture.from_values(space, [rng.choice(each) for each in choices])
