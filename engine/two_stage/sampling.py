"""Which networks a step samples: a function of the seed and the step, and, where candidates are scored, of their scores.

Nothing is kept from step to step, so that a resume needs a step number and nothing else; and every process of a run
draws the same. Source: BigNAS section 3.1 (uniform), AttentiveNAS section 3.2 and 3.3 (best-up, worst-up).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.config.two_stage import TwoStageConfig
from engine.cost.subnets import subnet_macs
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform
from engine.two_stage.prior import MacsPrior, bin_of, bin_step

Scores = Callable[[Sequence[Architecture]], Sequence[float]]
"""Scores of candidates, larger is better, in their order."""

ALWAYS_TRAINED = 2
"""Networks of every step that nobody samples: the biggest and the smallest."""
UNFITTED_CANDIDATES = 3
"""Candidates by loss while a predictor is not fitted yet, each a pass over the batch. Source: AttentiveNAS' default."""
_TRIES_FOR_ANOTHER = 100


@dataclass(frozen=True)
class Sampled:
    """What a step samples.

    Attributes:
        architectures: in the order that they are trained in.
        off_target: candidates that do not lie in the range of multiply-adds that was drawn for them.
    """

    architectures: tuple[Architecture, ...]
    off_target: int = 0


def samples_by_macs(config: TwoStageConfig) -> bool:
    """Whether a step draws a number of multiply-adds and scores candidates near it, rather than drawing uniformly."""
    return config.sampling != "uniform" and config.networks_per_step > ALWAYS_TRAINED


class Sampler:
    """Draws the networks of a step that are neither the biggest nor the smallest.

    Args:
        space: with the data's number of classes.
    """

    def __init__(self, config: TwoStageConfig, space: Space) -> None:
        self.space = space
        self.networks = config.networks_per_step - ALWAYS_TRAINED
        self._config = config
        self.prior = MacsPrior(space, flat=config.macs_prior == "flat") if samples_by_macs(config) else None

    def sample(self, step: int, scores: Scores, candidates: int | None = None) -> Sampled:
        """The networks of a step.

        Args:
            scores: asked once, for the candidates of all networks of the step; never where sampling is uniform.
            candidates: a network, where other than configured.
        """
        rng = random.Random(f"two-stage/{self._config.seed}/{step}")
        if self.prior is None:
            return Sampled(tuple(uniform(self.space, rng) for _ in range(self.networks)))
        count = candidates or self._config.candidates
        found: list[Architecture] = []
        off_target = 0
        for _ in range(self.networks):
            place = self.prior.draw_bin(rng)
            draws = [self.prior.draw(place, rng) for _ in range(count)]
            found += [draw.architecture for draw in draws]
            off_target += sum(not draw.is_met for draw in draws)
        values = scores(found)
        chosen = [
            self._choice(found[start : start + count], values[start : start + count])
            for start in range(0, len(found), count)
        ]
        return Sampled(tuple(chosen), off_target)

    def _choice(self, candidates: Sequence[Architecture], values: Sequence[float]) -> Architecture:
        """The best or the worst; of equals the first."""
        sign = 1 if self._config.sampling == "best-up" else -1
        return candidates[max(range(len(candidates)), key=lambda place: (sign * values[place], -place))]


def fixed_networks(
    space: Space, count: int, purpose: Literal["validation", "predictor"], seed: int
) -> tuple[Architecture, ...]:
    """Networks that a run measures: drawn uniformly, all different and none the biggest or smallest while the space lets."""
    rng = random.Random(f"two-stage/{seed}/{purpose}")
    found: list[Architecture] = []
    taken = {smallest(space).values(), biggest(space).values()}
    for _ in range(count):
        drawn = uniform(space, rng)
        for _ in range(_TRIES_FOR_ANOTHER):
            if drawn.values() not in taken:
                break
            drawn = uniform(space, rng)
        taken.add(drawn.values())
        found.append(drawn)
    return tuple(found)


class Tally:
    """Counts what the steps of an epoch sampled, for the ``sampled`` event."""

    def __init__(self, space: Space) -> None:
        self._places = tuple(coordinate.place for coordinate in space.coordinates())
        self._choices = tuple(coordinate.choices for coordinate in space.coordinates())
        self._step = bin_step(space)
        self._first = bin_of(subnet_macs(smallest(space)), self._step)
        self._bins = bin_of(subnet_macs(biggest(space)), self._step) - self._first + 1
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._networks = self._off_target = 0
        self._counters: list[Counter[int]] = [Counter() for _ in self._places]
        self._macs: Counter[int] = Counter()

    def add(self, sampled: Sampled) -> None:
        """Count the networks of a step."""
        self._networks += len(sampled.architectures)
        self._off_target += sampled.off_target
        for architecture in sampled.architectures:
            self._macs[bin_of(subnet_macs(architecture), self._step) - self._first] += 1
            for counter, value in zip(self._counters, architecture.values(), strict=True):
                counter[value] += 1

    def as_json(self) -> dict[str, Any]:
        """Fields of the event; choices that were never sampled are there with 0."""
        counts = {
            place: {str(value): counter[value] for value in values}
            for place, values, counter in zip(self._places, self._choices, self._counters, strict=True)
        }
        edges = [self._step * (2 * (self._first + place) - 1) // 2 for place in range(self._bins + 1)]
        macs = [self._macs[place] for place in range(self._bins)]
        return {
            "networks": self._networks, "counts": counts, "macs_edges": edges, "macs_counts": macs, "off_target": self._off_target,
        }  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint within an epoch."""
        return {
            "networks": self._networks, "off_target": self._off_target, "counters": [dict(counter) for counter in self._counters],
            "macs": dict(self._macs),
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self._networks, self._off_target = state["networks"], state["off_target"]
        self._counters = [Counter(counter) for counter in state["counters"]]
        self._macs = Counter(state["macs"])
