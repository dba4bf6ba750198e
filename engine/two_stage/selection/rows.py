"""Measured networks as rows of a run's ``subnets.jsonl``, and back."""

from __future__ import annotations

import time
from pathlib import Path

from engine.cost.subnets import subnet_cost
from engine.errors import NascopeError
from engine.runs.subnet_log import SubnetRow, append_subnet, read_subnets
from engine.subnets import Space, architecture_from_json
from engine.two_stage.selection.book import MeasuredNetwork


def known_networks(folder: Path, space: Space, setting: str) -> list[MeasuredNetwork]:
    """What was measured at this setting, oldest first; of one network the newest row, with the latencies of all of them.

    Costs are counted anew. Rows of other settings, other spaces or without sense are left out.
    """
    found: dict[tuple[int, ...], MeasuredNetwork] = {}
    for row in read_subnets(folder):
        if row.setting != setting:
            continue
        try:
            architecture = architecture_from_json(dict(row.architecture), space=space)
        except NascopeError:
            continue
        cost = subnet_cost(architecture)
        before = found.get(architecture.values())
        latency = {**(before.latency_ms if before is not None else {}), **row.latency_ms}
        found[architecture.values()] = MeasuredNetwork(
            architecture, cost.macs, cost.parameters, cost.memory_bytes, row.accuracy_percent, row.loss, row.found_by, latency
        )  # fmt: skip
    return list(found.values())


def keep_network(folder: Path, setting: str, network: MeasuredNetwork) -> None:
    """Append a network's row.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    row = SubnetRow(
        network.architecture.as_json(), network.macs, network.parameters, network.memory_bytes, network.accuracy_percent,
        network.loss, network.found_by, setting, dict(network.latency_ms), time.time(),
    )  # fmt: skip
    append_subnet(folder, row)
