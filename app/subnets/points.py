"""Measured sub-networks as points of a plot: plain values, no widgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.run_model import RunModel
from engine.cost.subnets import subnet_cost
from engine.errors import NascopeError
from engine.runs.subnet_log import SubnetRow
from engine.subnets import Architecture, Space, architecture_from_json, space_from_json, space_named
from engine.subnets.front import front

LATENCY = "latency:"
"""Beginning of the name of a latency among the costs; the device follows."""


@dataclass(frozen=True)
class Point:
    """One measured network.

    Attributes:
        key: tells it from the others of its space.
        accuracy_percent: on the validation split, batch norms calibrated.
        found_by: as ``SubnetRow`` has it; ``sampled`` too, of the networks measured while training.
        latency_ms: by the name of the device.
    """

    key: str
    architecture: Architecture
    macs: int
    parameters: int
    memory_bytes: int
    accuracy_percent: float
    found_by: str
    latency_ms: Mapping[str, float] = field(default_factory=dict)

    def cost(self, name: str) -> float | None:
        """``macs``, ``parameters``, ``memory_bytes`` or ``latency:DEVICE``; None where that was not measured."""
        if name.startswith(LATENCY):
            return self.latency_ms.get(name.removeprefix(LATENCY))
        return float(getattr(self, name))


@dataclass(frozen=True)
class Points:
    """Networks that compare with each other.

    Attributes:
        entries: one a network, in the order they were measured.
        epoch: after which epoch of the training (from 0) they were measured; None for those of a selection.
    """

    entries: tuple[Point, ...] = ()
    epoch: int | None = None
    _fronts: dict[str, list[Point]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def front(self, cost: str = "macs") -> list[Point]:
        """Those that none beats, cheapest first."""
        if cost not in self._fronts:  # Asked for many times a change, of thousands of networks.
            known = [point for point in self.entries if point.cost(cost) is not None]
            self._fronts[cost] = front(
                known, lambda point: point.cost(cost) or 0.0, lambda point: point.accuracy_percent
            )
        return list(self._fronts[cost])

    def best_under(self, macs: float) -> Point | None:
        """The most accurate network of at most so many multiply-adds, the cheapest of equals; None where none costs so little."""
        fitting = [point for point in self.front() if point.macs <= macs]
        return fitting[-1] if fitting else None

    def at(self, key: str) -> Point | None:
        """The network of this key."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> dict[str, Point]:
        return {point.key: point for point in reversed(self.entries)}

    def role(self, name: str) -> Point | None:
        """The ``smallest`` or ``biggest`` network, where it was measured."""
        return next((point for point in self.entries if point.found_by == name), None)

    def devices(self) -> list[str]:
        """Devices that a latency was measured on."""
        return sorted({device for point in self.entries for device in point.latency_ms})


def point_of_row(row: SubnetRow) -> Point | None:
    """The point of a line of ``subnets.jsonl``; None for a record of no network, or numbers that are none."""
    return _point(
        row.architecture, row.macs, row.parameters, row.memory_bytes, row.accuracy_percent, row.found_by, row.latency_ms
    )


def points_of_rows(rows: Sequence[tuple[str, Point]]) -> Points:
    """The networks of the newest setting; of one that was measured twice the newest numbers, and every latency.

    Args:
        rows: setting and point, oldest first.
    """
    if not rows:
        return Points()
    setting = rows[-1][0]
    found: dict[str, Point] = {}
    for row_setting, point in rows:
        if row_setting != setting:
            continue
        before = found.get(point.key)
        if before is not None:
            point = Point(
                point.key, point.architecture, point.macs, point.parameters, point.memory_bytes, point.accuracy_percent,
                before.found_by if before.found_by in ("smallest", "biggest") else point.found_by,
                {**before.latency_ms, **point.latency_ms},
            )  # fmt: skip
        found[point.key] = point
    return Points(tuple(found.values()))


def points_of_training(model: RunModel) -> Points:
    """What the run measured after its newest epoch."""
    events = model.history.of_type("subnet")
    if not events:
        return Points()
    newest = [event.data for event in events if event.epoch == events[-1].epoch]
    found: dict[str, Point] = {}
    for data in newest:
        record = data.get("architecture")
        point = _point(
            record if isinstance(record, Mapping) else {}, data.get("macs"), data.get("parameters"), None, data.get("accuracy_percent"),
            str(data.get("role", "sampled")), {},
        )  # fmt: skip
        if point is not None:
            found.setdefault(point.key, point)
    return Points(tuple(found.values()), events[-1].epoch)


def space_of(model: RunModel) -> Space | None:
    """The run's space for its images' classes; None where a damaged configuration names none."""
    definition = model.config.get("space_definition")
    try:
        space = space_from_json(definition) if definition else space_named(str(model.config.get("space", "")))
    except NascopeError:
        return None
    classes = model.history.started.get("classes")
    return space.with_classes(len(classes)) if isinstance(classes, list) and len(classes) > 1 else space


def _point(
    record: Mapping[str, Any], macs: Any, parameters: Any, memory: Any, accuracy: Any, found_by: str, latency: Mapping[str, float]
) -> Point | None:  # fmt: skip
    if not isinstance(accuracy, int | float) or not math.isfinite(accuracy):
        return None
    try:
        architecture = architecture_from_json(dict(record))
    except NascopeError:
        return None
    if not all(isinstance(value, int) and value > 0 for value in (macs, parameters, memory)):
        cost = subnet_cost(architecture)
        macs, parameters, memory = cost.macs, cost.parameters, cost.memory_bytes
    known = {device: value for device, value in latency.items() if math.isfinite(value) and value > 0}
    return Point(architecture.key, architecture, macs, parameters, memory, float(accuracy), found_by, known)
