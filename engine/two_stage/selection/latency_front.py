"""Selection under a limit of latency: sums of block times screen, whole networks decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.predictor import rank_correlation
from engine.two_stage.selection.book import MeasuredNetwork
from engine.two_stage.selection.select import non_dominated

Milliseconds = Callable[[Architecture], float]

SLACK = 1.05
"""Networks that are expected to be this much over the limit are still tried: the expectation is no better than that."""

MOST_WHOLE = 64
"""Whole networks that are timed for one selection at most."""


class LatencyScreen:
    """What a network's latency is expected to be: the sum of its block times, fitted to the two extreme networks' own.

    Blocks timed one by one neither share caches nor overlap, so sums are off by a factor and an offset; the smallest and
    the biggest network, timed whole, give both.
    """

    def __init__(self, space: Space, block_sum: Milliseconds, whole: Milliseconds) -> None:
        least, most = smallest(space), biggest(space)
        self.smallest_ms, biggest_ms = whole(least), whole(most)
        low, high = block_sum(least), block_sum(most)
        is_usable = high > low and biggest_ms > self.smallest_ms
        self._factor = (biggest_ms - self.smallest_ms) / (high - low) if is_usable else self.smallest_ms / low
        self._offset = self.smallest_ms - self._factor * low
        self._block_sum = block_sum

    def expected_ms(self, architecture: Architecture) -> float:
        """Of one image, in milliseconds."""
        return self._offset + self._factor * self._block_sum(architecture)

    def lets_through(self, limit_ms: float) -> Callable[[Architecture], bool]:
        """Whether a network is worth a try under a limit; the smallest always is."""
        return lambda architecture: self.expected_ms(architecture) <= max(limit_ms * SLACK, self.smallest_ms)


@dataclass(frozen=True)
class LatencyFront:
    """The front under a limit of latency.

    Attributes:
        device: where it was timed.
        networks: the most accurate first, each with its latency.
        dropped: networks that were expected to keep to the limit, and did not.
        rank_correlation: Spearman's, of expected and timed latencies; None below three networks.
    """

    device: str
    networks: tuple[MeasuredNetwork, ...]
    dropped: int
    rank_correlation: float | None


def front_within(
    networks: Sequence[MeasuredNetwork], limit_ms: float, device: str, screen: LatencyScreen, whole: Milliseconds,
    keep: Callable[[MeasuredNetwork], None],
) -> LatencyFront:  # fmt: skip
    """Time the networks of the front whole, drop those over the limit, and go on until the front holds.

    Args:
        device: under whose name a latency is kept; networks that have one already are not timed again.
        keep: is told each network with its latency.
    """
    left = list(networks)
    timed: dict[tuple[int, ...], float] = {}
    dropped = 0
    while True:
        found = non_dominated(left)
        unknown = [network for network in found if network.architecture.values() not in timed]
        if not unknown or len(timed) >= MOST_WHOLE:
            break
        for network in unknown[: MOST_WHOLE - len(timed)]:
            timed[network.architecture.values()] = milliseconds = network.latency_ms.get(device) or whole(
                network.architecture
            )
            if device not in network.latency_ms:
                keep(replace(network, latency_ms={**network.latency_ms, device: milliseconds}))
        before = len(left)
        left = [network for network in left if timed.get(network.architecture.values(), 0.0) <= limit_ms]
        dropped += before - len(left)
    known = [network for network in found if network.architecture.values() in timed]
    pairs = [
        (screen.expected_ms(network.architecture), timed[network.architecture.values()])
        for network in networks
        if network.architecture.values() in timed
    ]
    correlation = rank_correlation(*zip(*pairs, strict=True)) if len(pairs) >= 3 else None
    return LatencyFront(
        device,
        tuple(
            replace(network, latency_ms={**network.latency_ms, device: timed[network.architecture.values()]})
            for network in known
        ),
        dropped,
        correlation,
    )
