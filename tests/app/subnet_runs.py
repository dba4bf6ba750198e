"""Two-stage runs with measured networks, made without an engine, for tests of the window."""

from __future__ import annotations

import json
import math
import random
import time
from pathlib import Path

from engine.cost.subnets import subnet_cost
from engine.runs import Event
from engine.runs.subnet_log import SUBNETS, SubnetRow
from engine.subnets import Architecture, space_named
from engine.subnets.architecture import biggest, smallest

SPACE = space_named("laptop")


def drawn(seed):
    """A network drawn from the laptop space."""
    draw = random.Random(seed)
    return Architecture.from_values(SPACE, [draw.choice(coordinate.choices) for coordinate in SPACE.coordinates()])


def row_of(architecture, accuracy, found_by="random", setting="one", latency=None, **more):
    cost = subnet_cost(architecture)
    return SubnetRow(
        architecture.as_json(), cost.macs, cost.parameters, cost.memory_bytes, accuracy, 0.1, found_by, setting, latency or {},
        more.get("t", time.time()),
    )  # fmt: skip


def rows_of(count, seed=0, setting="one"):
    """The smallest, the biggest and further networks, with accuracies that grow with cost, and noise."""
    draw = random.Random(seed)
    found = [(smallest(SPACE), "smallest"), (biggest(SPACE), "biggest")]
    found += [(drawn(1000 * seed + place), "random" if place % 2 else "evolution") for place in range(count - 2)]
    return [
        row_of(architecture, 80 + 3 * math.log(subnet_cost(architecture).macs / 1e5) + draw.gauss(0, 1.5), by, setting)
        for architecture, by in found[:count]
    ]


def append(folder: Path, rows):
    with (folder / SUBNETS).open("a", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row.as_json()) + "\n")


def epoch_events(epoch, accuracy=90.0):
    """What a training says at the end of an epoch."""
    step = 10 * (epoch + 1) - 1
    found = [
        Event(
            2.0 + epoch,
            step,
            epoch,
            "epoch",
            {
                "validation_accuracy_percent": accuracy,
                "smallest_validation_accuracy_percent": accuracy - 5,
                "seconds": 4.0,
            },
        )
    ]
    for role, architecture in (("smallest", smallest(SPACE)), ("biggest", biggest(SPACE)), ("sampled", drawn(5))):
        cost = subnet_cost(architecture)
        found.append(
            Event(2.0 + epoch, step, epoch, "subnet", {
                "role": role, "architecture": architecture.as_json(), "macs": cost.macs, "parameters": cost.parameters,
                "accuracy_percent": accuracy + epoch, "loss": 0.5,
            })
        )  # fmt: skip
    return [*found, Event(2.0 + epoch, step, epoch, "checkpoint", {"file": "checkpoint-last.pt", "best": True})]
