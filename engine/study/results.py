"""The table of a study: one row a method, with every number's kind and count beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config.study import RANDOM, StudyConfig
from engine.study.cells import CellFacts, cells_of
from engine.study.folder import StudyFolder, StudyStatus
from engine.study.state import MemberReader, MemberView, study_state, view_members
from engine.study.statistics import Correlation, Spread, paired, rank_correlation, spread


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        accuracy: on the study's split. Without a pick over the cells (each the mean of its retrainings), with a pick over
            the retraining seeds of the picked cell.
        search: validation accuracy of the supernets at the end of the searches; empty for random cells.
        short: validation accuracy of the short retrainings, where the study picks.
        states: how many members are in each state.
    """

    name: str
    method: str
    cells: tuple[CellFacts, ...]
    accuracy: Spread
    search: Spread
    short: Spread
    picked_seed: int | None
    states: dict[str, int]

    @property
    def parameters(self) -> Spread:
        """Of the retrained networks, as they train."""
        return spread([r.parameters for cell in self.cells for r in cell.retrainings if r.parameters is not None])

    @property
    def accuracies(self) -> dict[int, float]:
        """Accuracy by seed: of the searches, or of the picked cell's retrainings."""
        if self.picked_seed is None:
            return {cell.seed: cell.accuracy_percent for cell in self.cells if cell.accuracy_percent is not None}
        return {
            entry.seed: entry.accuracy_percent
            for cell in self.cells if cell.seed == self.picked_seed
            for entry in cell.retrainings if entry.accuracy_percent is not None
        }  # fmt: skip

    @property
    def tests_so_far(self) -> int:
        """How often test splits were touched, over all retrainings."""
        return sum(entry.tests_so_far for cell in self.cells for entry in cell.retrainings)

    def seconds(self, kind: str | None = None, device: str | None = None) -> float:
        """Time computed, of searches or retrainings, on processors or GPUs."""
        return sum(
            value for cell in self.cells for (what, where), value in cell.seconds.items()
            if kind in (None, what) and device in (None, where)
        )  # fmt: skip


@dataclass(frozen=True)
class StudyResults:
    """A study as it stands."""

    path: Path
    config: StudyConfig
    status: StudyStatus
    views: tuple[MemberView, ...]
    rows: tuple[Row, ...]

    @property
    def split(self) -> str:
        """Split that the accuracies are from."""
        return "test" if self.config.test else "validation"

    @property
    def state(self) -> str:
        """``finished`` where nothing is left, else what its process is doing."""
        return study_state(self.status, self.views)

    def correlation(self, row: str | None = None) -> Correlation:
        """Rank correlation over cells between the search's validation accuracy and the retraining, of one row or all.

        Without a pick the full retraining's accuracy, with one the short retraining's, since only it was made of all cells.
        """
        pairs = [
            (cell.search_percent, after)
            for entry in self.rows if row in (None, entry.name)
            for cell in entry.cells
            if cell.search_percent is not None and (after := self.after(cell)) is not None
        ]  # fmt: skip
        return rank_correlation([first for first, _ in pairs], [second for _, second in pairs])

    def after(self, cell: CellFacts) -> float | None:
        """What a cell reached when it was trained from scratch, by the measure that all cells have."""
        return cell.short_percent if self.config.pick is not None else cell.accuracy_percent

    def differences(self) -> list[tuple[str, str, Spread]]:
        """Paired differences of accuracy, seed by seed: every method minus every one below it in the table."""
        return [
            (first.name, second.name, paired(first.accuracies, second.accuracies))
            for place, first in enumerate(self.rows)
            for second in self.rows[place + 1 :]
        ]

    @property
    def failures(self) -> list[MemberView]:
        """Members that were given up."""
        return [view for view in self.views if view.state == "failed"]


def read_results(path: Path, *, config: StudyConfig | None = None, reader: MemberReader | None = None) -> StudyResults:
    """The table of a study's folder as its runs stand.

    Raises:
        ConfigError: its ``study.json`` was damaged.
    """
    folder = StudyFolder(path)
    config = config or folder.config()
    status = folder.status()
    reader = reader or MemberReader(path)
    running = (
        frozenset(name for name, note in status.members.items() if "job" in note) if status.alive else frozenset[str]()
    )
    views = view_members(config, reader, picks=status.picks, noted=status.members, running=running)
    rows = tuple(_row(config, reader, views, status, name) for name in config.rows)
    return StudyResults(path, config, status, tuple(views), rows)


def _row(config: StudyConfig, reader: MemberReader, views: Sequence[MemberView], status: StudyStatus, name: str) -> Row:
    cells = tuple(cells_of(config, reader, list(views), name))
    states: dict[str, int] = {}
    for view in views:
        if view.member.row == name:
            states[view.state] = states.get(view.state, 0) + 1
    picked = status.picks.get(name) if config.pick is not None else None
    if config.pick is not None:
        found = [r.accuracy_percent for cell in cells if cell.seed == picked for r in cell.retrainings]
    else:
        found = [cell.accuracy_percent for cell in cells]
    return Row(
        name, config.method(name).method, cells, _spread(found), _spread([cell.search_percent for cell in cells]),
        _spread([cell.short_percent for cell in cells]), picked, states,
    )  # fmt: skip


def _spread(values: Sequence[float | None]) -> Spread:
    return spread([value for value in values if value is not None])


def results_json(results: StudyResults) -> dict[str, Any]:
    """The document of ``nascope study --json``; the same for the same finished runs, whenever it is asked."""
    return {
        "study": str(results.path), "state": results.state, "data": results.config.data, "split": results.split,
        "over": "retrainings of the picked cell" if results.config.pick is not None else "cells",
        "methods": [_row_json(results, row) for row in results.rows],
        "correlation": {
            "between": ["search_validation_percent", "short_validation_percent" if results.config.pick else "accuracy_percent"],
            **results.correlation().as_json(),
        },
        "differences": [
            {"first": first, "second": second, "n": found.n, "mean_percent": found.mean, "std_percent": found.std}
            for first, second, found in results.differences()
        ],
        "failed": [{"member": view.member.id, "error": view.error} for view in results.failures],
    }  # fmt: skip


def _row_json(results: StudyResults, row: Row) -> dict[str, Any]:
    is_random = row.name == RANDOM
    return {
        "name": row.name, "method": row.method, "seeds": len(row.cells), "split": results.split,
        "accuracy_percent_mean": row.accuracy.mean, "accuracy_percent_std": row.accuracy.std, "accuracy_count": row.accuracy.n,
        "accuracy_percent_best": row.accuracy.best, "accuracy_percent_worst": row.accuracy.worst,
        "accuracy_percent": {str(seed): value for seed, value in row.accuracies.items()},
        "search_validation_percent_mean": row.search.mean, "search_validation_percent_std": row.search.std,
        "search_validation_split": next((cell.search_split for cell in row.cells if cell.search_split), None),
        "short_validation_percent_mean": row.short.mean, "short_validation_percent_std": row.short.std,
        "picked_seed": row.picked_seed,
        "parameters_mean": row.parameters.mean,
        "skip_connections": [list(cell.skips) if cell.skips else None for cell in row.cells],
        "correlation": None if is_random else results.correlation(row.name).as_json(),
        "search_hours": row.seconds("search") / 3600, "retrain_hours": row.seconds("retrain") / 3600,
        "gpu_hours": row.seconds(device="gpu") / 3600,
        "cpu_core_hours": sum(cell.core_seconds for cell in row.cells) / 3600,
        "tests_so_far": row.tests_so_far, "members": row.states,
        "runs": [
            {
                "seed": cell.seed, "search_validation_percent": cell.search_percent,
                "short_validation_percent": cell.short_percent, "picked": cell.is_picked if results.config.pick else None,
                "retrainings": [
                    {"seed": entry.seed, "run": str(entry.run), "accuracy_percent": entry.accuracy_percent,
                     "validation_percent": entry.validation_percent, "parameters": entry.parameters,
                     "tests_so_far": entry.tests_so_far}
                    for entry in cell.retrainings
                ],
            }
            for cell in row.cells
        ],
    }  # fmt: skip
