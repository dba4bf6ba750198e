"""``subnets.jsonl``: every sub-network of a two-stage run that was measured after its training, one JSON object a line.

``nascope select`` appends to it as it goes on, and reads it before: what was measured once at the same weights and the
same calibration is not measured again. The window's Pareto plot follows it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.subnets.front import front

SUBNETS = "subnets.jsonl"


@dataclass(frozen=True)
class SubnetRow:
    """One measured sub-network.

    Attributes:
        architecture: its record.
        macs, parameters, memory_bytes: as ``engine.cost.subnets`` counts them.
        accuracy_percent, loss: on the validation split, with batch-norm statistics calibrated for it.
        found_by: ``smallest``, ``biggest``, ``random``, ``coarse``, ``fine``, ``evolution`` or ``named``.
        setting: what the numbers depend on beside the architecture (checkpoint, images, calibration), as a short key: rows
            of one run compare only where it is equal.
        latency_ms: of one image, by the name of the device it was measured on.
        t: unix seconds.
    """

    architecture: Mapping[str, Any]
    macs: int
    parameters: int
    memory_bytes: int
    accuracy_percent: float
    loss: float
    found_by: str
    setting: str
    latency_ms: Mapping[str, float]
    t: float

    def as_json(self) -> dict[str, Any]:
        """The line."""
        return asdict(self)


def read_subnets(folder: Path) -> list[SubnetRow]:
    """The measured sub-networks of a run, oldest first; lines that cannot be read are left out."""
    return list(_rows(folder / SUBNETS))


def measured_alike(rows: Sequence[SubnetRow]) -> list[SubnetRow]:
    """The rows that compare with each other and with the newest: those of its setting, each architecture once."""
    if not rows:
        return []
    newest = {json.dumps(row.architecture, sort_keys=True): row for row in rows if row.setting == rows[-1].setting}
    return list(newest.values())


def front_of(rows: Sequence[SubnetRow]) -> list[SubnetRow]:
    """The rows that none beats in both multiply-adds and accuracy, cheapest first."""
    return front(rows, lambda row: row.macs, lambda row: row.accuracy_percent)


def append_subnet(folder: Path, row: SubnetRow) -> None:
    """Add a line.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    with (folder / SUBNETS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row.as_json(), allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def subnet_from_line(line: str) -> SubnetRow | None:
    """The row of a line; None for a line that is broken or no row."""
    try:
        found = json.loads(line)
        return SubnetRow(
            dict(found["architecture"]), int(found["macs"]), int(found["parameters"]), int(found["memory_bytes"]),
            float(found["accuracy_percent"]), float(found["loss"]), str(found["found_by"]), str(found["setting"]),
            {str(device): float(value) for device, value in dict(found.get("latency_ms") or {}).items()}, float(found["t"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _rows(path: Path) -> Iterator[SubnetRow]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in text.splitlines():
        row = subnet_from_line(line)
        if row is not None:
            yield row
