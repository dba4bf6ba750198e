"""The few numbers that a table of seeds is judged by. Each says how many values it is from, and is None where they do not do."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

FEW = 5
"""Fewer pairs than this say next to nothing about a rank correlation: with four, one in twelve orders is ±1 by luck."""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) of some values.

    Attributes:
        std: None for fewer than two values.
    """

    n: int
    mean: float | None
    std: float | None
    best: float | None
    worst: float | None


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard deviation, largest and smallest."""
    if not values:
        return Spread(0, None, None, None, None)
    std = stdev(values) if len(values) > 1 else None
    return Spread(len(values), fmean(values), std, max(values), min(values))


@dataclass(frozen=True)
class Correlation:
    """Rank correlation of two lists.

    Attributes:
        spearman, kendall: None with fewer than three pairs, or where one side has a single value.
        caution: what limits it, empty where nothing does.
    """

    n: int
    spearman: float | None
    kendall: float | None
    caution: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> Correlation:
    """Spearman's rho and Kendall's tau-b (scipy's, with ties)."""
    n = len(first)
    if n < 3:
        return Correlation(n, None, None, f"{n} pair{'s' * (n != 1)}: no rank correlation.")
    if len(set(first)) < 2 or len(set(second)) < 2:
        return Correlation(n, None, None, "all values of one side are equal: no rank correlation.")
    from scipy import stats  # Half a second to load, and only a finished table asks for it.

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rho, tau = float(stats.spearmanr(first, second).statistic), float(stats.kendalltau(first, second).statistic)
    caution = f"{n} pairs are too few to trust it." if n < FEW else ""
    return Correlation(n, rho, tau, caution)


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Spread:
    """Spread of the differences first - second over the seeds that both have."""
    return spread([first[seed] - second[seed] for seed in first if seed in second])
