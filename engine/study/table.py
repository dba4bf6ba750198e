"""A study's table as text and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from engine.study.cells import CellFacts, Retraining
from engine.study.results import Row, StudyResults
from engine.study.statistics import Correlation, Spread

WIDE = ("best", "worst", "short retraining, %", "parameters", "skips", "hours")
"""Columns that a narrow terminal has no room for."""


def columns(results: StudyResults) -> list[str]:
    """Heads of the table."""
    found = ["method", "cells", f"{results.split} accuracy, %", "best", "worst"]
    if results.config.pick is not None:
        found += ["picked", "short retraining, %"]
    return [*found, "search validation, %", "parameters", "skips", "hours", "members"]


def cells(results: StudyResults, row: Row) -> list[str]:
    """One row of the table as people read it."""
    found = [
        row.name, str(len(row.cells)), plus_minus(row.accuracy), one(row.accuracy.best), one(row.accuracy.worst),
    ]  # fmt: skip
    if results.config.pick is not None:
        found += ["–" if row.picked_seed is None else f"seed {row.picked_seed}", plus_minus(row.short)]
    parameters = row.parameters.mean
    skips = [f"{cell.skips[0]}+{cell.skips[1]}" for cell in row.cells if cell.skips is not None]
    return [
        *found, plus_minus(row.search), "–" if parameters is None else f"{parameters:,.0f}", skips_text(skips),
        f"{row.seconds() / 3600:.2f}", members_text(row.states),
    ]  # fmt: skip


def plus_minus(found: Spread) -> str:
    """«93.10 ± 0.52 (n=4)»; without a deviation for a single value."""
    if found.mean is None:
        return "–"
    deviation = f" ± {found.std:.2f}" if found.std is not None else ""
    return f"{found.mean:.2f}{deviation} (n={found.n})"


def one(value: float | None) -> str:
    """A percentage without its sign."""
    return "–" if value is None else f"{value:.2f}"


def skips_text(skips: Sequence[str]) -> str:
    """Skip connections of normal + reduction cell, one entry a cell, shortened."""
    return " ".join(skips[:6]) + (" …" if len(skips) > 6 else "") if skips else "–"


def members_text(states: dict[str, int]) -> str:
    """«6 of 6», and what else there is."""
    done, all_ = states.get("finished", 0), sum(states.values())
    rest = [f"{states[name]} {name}" for name in ("running", "failed", "blocked", "stopped") if states.get(name)]
    return ", ".join([f"{done} of {all_}", *rest])


def remarks(results: StudyResults) -> list[str]:
    """What must be read with the table."""
    found = [_over(results)]
    correlation = results.correlation()
    after = "short retraining" if results.config.pick is not None else "retraining"
    if correlation.n:
        cells = f"{correlation.n} cell{'s' * (correlation.n != 1)}"
        found.append(f"Rank correlation of search validation and {after} over {cells}: {correlation_text(correlation)}")
    for first, second, difference in results.differences():
        if difference.mean is not None:
            deviation = f" ± {difference.std:.2f}" if difference.std is not None else ""
            found.append(
                f"{first} minus {second}, paired by seed: {difference.mean:+.2f}{deviation} points (n={difference.n})."
            )
    splits = {cell.search_split for row in results.rows for cell in row.cells}
    if "alphas" in splits:
        found.append("Search validation is on the alphas' half, which the alphas have seen.")
    tests = sum(row.tests_so_far for row in results.rows)
    retrained = sum(
        bool(entry.tests_so_far) for row in results.rows for cell in row.cells for entry in cell.retrainings
    )
    if results.config.test and tests:
        extra = f" ({tests - retrained} more than one each: somebody tested by hand)" if tests > retrained else ""
        found.append(
            f"The test split was touched {tests} time{'s' * (tests != 1)}, for {retrained} retrained network{'s' * (retrained != 1)}{extra}."
        )
    found += [f"{view.member.id} failed: {view.error}" for view in results.failures]
    return found


def correlation_text(found: Correlation) -> str:
    """Both coefficients with what limits them."""
    if found.spearman is None or found.kendall is None:
        return found.caution or "–"
    numbers = f"Spearman {found.spearman:+.2f}, Kendall {found.kendall:+.2f}."
    return f"{numbers} {found.caution[:1].upper()}{found.caution[1:]}".strip()


def _over(results: StudyResults) -> str:
    if results.config.pick is not None:
        return (
            "Accuracy ± is over the retraining seeds of each method's picked cell: it says how well that cell trains again, "
            "not how well another search would do; for that see the short retraining ±, over all searches."
        )
    return "Accuracy ± is the sample standard deviation (n − 1) over cells, each from a search (or draw) and a retraining of its own."


_CSV = (
    "method", "row", "seed", "search_validation_percent", "search_validation_split", "short_validation_percent", "picked",
    "retrain_seed", "split", "accuracy_percent", "validation_percent", "parameters", "skips_normal", "skips_reduction",
    "search_seconds", "retrain_seconds", "tests_so_far", "run",
)  # fmt: skip


def as_csv(results: StudyResults) -> str:
    """One line a retraining (or a cell that has none yet), empty where a number is not known."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV, restval=None, lineterminator="\n")
    writer.writeheader()
    for row in results.rows:
        for cell in row.cells:
            about = _about_cell(results, row, cell)
            writer.writerows([about | _about_retraining(results, entry) for entry in cell.retrainings] or [about])
    return text.getvalue()


def _about_cell(results: StudyResults, row: Row, cell: CellFacts) -> dict[str, Any]:
    normal, reduction = cell.skips or (None, None)
    return {
        "method": row.method, "row": row.name, "seed": cell.seed, "search_validation_percent": cell.search_percent,
        "search_validation_split": cell.search_split, "short_validation_percent": cell.short_percent,
        "picked": cell.is_picked if results.config.pick is not None else None, "split": results.split,
        "skips_normal": normal, "skips_reduction": reduction, "search_seconds": _seconds(cell, "search"),
        "retrain_seconds": _seconds(cell, "retrain"),
    }  # fmt: skip


def _about_retraining(results: StudyResults, entry: Retraining) -> dict[str, Any]:
    return {
        "retrain_seed": entry.seed, "accuracy_percent": entry.accuracy_percent, "validation_percent": entry.validation_percent,
        "parameters": entry.parameters, "tests_so_far": entry.tests_so_far,
        "run": entry.run.relative_to(results.path).as_posix(),
    }  # fmt: skip


def _seconds(cell: CellFacts, kind: str) -> float:
    return round(sum(value for (what, _), value in cell.seconds.items() if what == kind), 3)
