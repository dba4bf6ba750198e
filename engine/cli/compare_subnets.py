"""What ``nascope compare`` says of two-stage runs: the best network of each within the same budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.cost.quantities import in_words
from engine.runs import RunFolder
from engine.runs.subnet_log import SubnetRow, front_of, measured_alike, read_subnets

_MOST_BUDGETS = 6


@dataclass(frozen=True)
class Front:
    """What was measured of a run; ``best`` are the networks that none beats, cheapest first."""

    folder: RunFolder
    measured: int
    best: Sequence[SubnetRow]

    @classmethod
    def of(cls, folder: RunFolder) -> Front:
        """Of the newest weights; empty for a run without sub-networks."""
        rows = measured_alike(read_subnets(folder.path))
        return cls(folder, len(rows), front_of(rows))

    def within(self, macs: int) -> float | None:
        """Validation accuracy in % of the best measured network with at most so many multiply-adds."""
        fitting = [row.accuracy_percent for row in self.best if row.macs <= macs]
        return fitting[-1] if fitting else None

    def as_json(self) -> dict[str, Any]:
        """One entry of ``fronts``, best first."""
        return {
            "run": str(self.folder.path),
            "measured": self.measured,
            "front": [row.as_json() for row in reversed(self.best)],
        }


def budgets(fronts: Sequence[Front]) -> list[int]:
    """Multiply-adds to compare at: those of the fronts' networks, evenly thinned, the least and the most among them."""
    costs = sorted({row.macs for front in fronts for row in front.best})
    if len(costs) <= _MOST_BUDGETS:
        return costs
    step = (len(costs) - 1) / (_MOST_BUDGETS - 1)
    return [costs[round(place * step)] for place in range(_MOST_BUDGETS)]


def best_within(fronts: Sequence[Front]) -> dict[str, list[Any]]:
    """Rows of the table: the accuracy that each run reaches within each budget; empty where nothing was measured."""
    found: dict[str, list[Any]] = {
        f"{in_words(macs)} multiply-adds": [_percent(front.within(macs)) for front in fronts]
        for macs in budgets(fronts)
    }
    return {**found, "networks measured": [front.measured or None for front in fronts]} if found else {}


def _percent(accuracy: float | None) -> str | None:
    return None if accuracy is None else f"{accuracy:.2f} %"
