"""How often each choice was sampled while a supernet was trained: the log's ``sampled`` events added up. No widgets."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.runs import Event, RunHistory
from engine.subnets import Coordinate


@dataclass(frozen=True)
class SampledNetworks:
    """What the steps of one or more epochs sampled.

    Attributes:
        networks: how many; the biggest and the smallest of each step do not count.
        first_epoch, last_epoch: of those counted, from 0.
        counts: by the place of a choice (``width[0]``) how often each of its values was sampled.
        macs_edges: edges of the bins of multiply-adds, ascending; ``macs_counts`` networks in each, one fewer.
        off_target: networks that missed the range of multiply-adds that was drawn for them.
    """

    networks: int
    first_epoch: int
    last_epoch: int
    counts: Mapping[str, Mapping[int, int]]
    macs_edges: tuple[float, ...] = ()
    macs_counts: tuple[int, ...] = ()
    off_target: int = 0

    def times(self, coordinate: Coordinate, value: int) -> int:
        """How often a value was sampled."""
        return self.counts.get(_bare(coordinate.place), {}).get(value, 0)

    def share(self, coordinate: Coordinate, value: int) -> float:
        """Which share of the networks had the value, 0 to 1."""
        total = sum(self.counts.get(_bare(coordinate.place), {}).values())
        return self.times(coordinate, value) / total if total else 0.0

    @property
    def mean_macs(self) -> float | None:
        """Mean of the middles of the bins, None without any."""
        total = sum(self.macs_counts)
        middles = [(low + high) / 2 for low, high in itertools.pairwise(self.macs_edges)]
        return sum(map(float.__mul__, middles, map(float, self.macs_counts))) / total if total else None


def sampled_networks(history: RunHistory, epoch: int | None = None, *, so_far: bool = True) -> SampledNetworks | None:
    """What was sampled up to the end of an epoch, or in that epoch alone; None where nothing was logged.

    Args:
        epoch: from 0; None is the newest.
        so_far: whether all epochs up to that one count.
    """
    # An end of an epoch that a killed run says once more replaces the first.
    by_epoch = {event.epoch: found for event in history.of_type("sampled") if (found := _of_event(event)) is not None}
    known = sorted(place for place in by_epoch if epoch is None or place <= epoch)
    if not known:
        return None
    chosen = [by_epoch[place] for place in (known if so_far else known[-1:])]
    newest = chosen[-1]
    counts: dict[str, Counter[int]] = {}
    for found in chosen:
        for place, values in found.counts.items():
            counts.setdefault(place, Counter()).update(values)
    # Bins are the space's own; should they differ, by another version's resume, only the newest can be added up.
    alike = [found for found in chosen if found.macs_edges == newest.macs_edges]
    return SampledNetworks(
        networks=sum(found.networks for found in chosen), first_epoch=chosen[0].first_epoch, last_epoch=newest.last_epoch, counts=counts,
        macs_edges=newest.macs_edges, macs_counts=tuple(map(sum, zip(*(found.macs_counts for found in alike), strict=True))),
        off_target=sum(found.off_target for found in chosen),
    )  # fmt: skip


def _bare(place: str) -> str:
    """``width[0]`` of ``width[0] (stem)``: the words for people may change between the writing of a log and its reading."""
    return place.partition(" (")[0]


def _of_event(event: Event) -> SampledNetworks | None:
    """The event's numbers; None for one of a damaged log."""
    data: Mapping[str, Any] = event.data
    try:
        counts = {
            _bare(str(place)): {int(value): int(times) for value, times in values.items()}
            for place, values in data["counts"].items()
        }
        edges = tuple(float(edge) for edge in data.get("macs_edges") or ())
        bins = tuple(int(times) for times in data.get("macs_counts") or ())
        networks, off_target = int(data["networks"]), int(data.get("off_target") or 0)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    if len(edges) != len(bins) + 1 or any(low >= high for low, high in itertools.pairwise(edges)):
        edges, bins = (), ()
    return SampledNetworks(networks, event.epoch, event.epoch, counts, edges, bins, off_target)
