"""What was measured: every network once, whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from engine.cost.subnets import subnet_cost
from engine.subnets import Architecture

Measure = Callable[[Architecture], tuple[float, float]]
"""Accuracy in percent and loss of a sub-network on the validation split, always the same for the same network."""


@dataclass(frozen=True)
class MeasuredNetwork:
    """A sub-network with what it costs and what it achieves.

    Attributes:
        macs, parameters, memory_bytes: as ``engine.cost.subnets`` counts them.
        accuracy_percent, loss: on the validation split.
        found_by: what asked for it first, as in ``subnets.jsonl``.
        latency_ms: of one image, by the name of the device.
    """

    architecture: Architecture
    macs: int
    parameters: int
    memory_bytes: int
    accuracy_percent: float
    loss: float
    found_by: str
    latency_ms: Mapping[str, float] = field(default_factory=dict)


def merit(network: MeasuredNetwork) -> tuple[float, float, int]:
    """By what a search orders networks, the larger the better: loss, then accuracy, then the cheaper one.

    Accuracy on a few hundred validation images moves in coarse steps and by chance, loss tells more of the same images. What
    a selection answers with is ordered by accuracy all the same.
    """
    return -network.loss, network.accuracy_percent, -network.macs


class Book:
    """The measured networks of one supernet at one setting.

    Args:
        known: what was measured before.
        keep: is told each newly measured network at once, before anything else happens.
    """

    def __init__(
        self,
        measure: Measure,
        *,
        known: Iterable[MeasuredNetwork] = (),
        keep: Callable[[MeasuredNetwork], None] = lambda network: None,
    ) -> None:
        self._measure = measure
        self._keep = keep
        self._networks = {network.architecture.values(): network for network in known}
        self.measured_now = 0

    def measured(self, architecture: Architecture, found_by: str) -> MeasuredNetwork:
        """The network, measured now where it was not before."""
        found = self._networks.get(architecture.values())
        if found is not None:
            return found
        cost = subnet_cost(architecture)
        accuracy, loss = self._measure(architecture)
        found = MeasuredNetwork(architecture, cost.macs, cost.parameters, cost.memory_bytes, accuracy, loss, found_by)
        self.note(found)
        self.measured_now += 1
        return found

    def note(self, network: MeasuredNetwork) -> None:
        """Keep a network, in the place of what was known of it."""
        self._networks[network.architecture.values()] = network
        self._keep(network)

    def networks(self) -> list[MeasuredNetwork]:
        """All of them, in the order in which they were measured."""
        return list(self._networks.values())
