"""The non-dominated networks: none beside them is both as cheap and as accurate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Row = TypeVar("Row")


def front(rows: Iterable[Row], cost: Callable[[Row], float], accuracy: Callable[[Row], float]) -> list[Row]:
    """Rows that are more accurate than every row that costs no more; cheapest first, so accuracy grows along it."""
    best: list[Row] = []
    for row in sorted(rows, key=lambda row: (cost(row), -accuracy(row))):
        if not best or accuracy(row) > accuracy(best[-1]):
            best.append(row)
    return best
