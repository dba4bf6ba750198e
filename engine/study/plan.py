"""What a study consists of: its members, in the order in which they are worked on, and what each waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.config.study import StudyConfig

MemberKind = Literal["search", "short", "retrain", "test"]


@dataclass(frozen=True)
class Member:
    """One search, short retraining, full retraining or test.

    Attributes:
        id: its place below the study's folder; a test's is that of its retraining and ``/test``.
        row: name of the method's row.
        seed: of the search that the cell is from; None for a retraining whose cell is not picked yet.
        own_seed: of the run itself.
        needs: ids of the members that must have finished before.
    """

    id: str
    kind: MemberKind
    row: str
    seed: int | None
    own_seed: int
    needs: tuple[str, ...] = ()

    def folder(self, study: Path) -> Path:
        """The run's folder; a test works on its retraining's."""
        return study / (self.id.removesuffix("/test") if self.kind == "test" else self.id)

    @property
    def search_id(self) -> str:
        """Id of the search that its cell is from."""
        return f"{self.row}/seed-{self.seed}/search"


def members(config: StudyConfig, picks: Mapping[str, int] | None = None) -> list[Member]:
    """Every member of a study.

    Seed by seed through all methods, so that a study that was cut short compares what it has.

    Args:
        picks: seed of the picked cell by row, where the study picks and has done so. A row that has not picked yet has
            members without a seed, which wait.
    """
    longest = max(len(config.seeds_of(row)) for row in config.rows)
    found: list[Member] = []
    for place in range(longest):
        for row in config.rows:
            seeds = config.seeds_of(row)
            if place < len(seeds):
                found += _of_cell(config, row, seeds[place])
    if config.pick is not None:
        for row in config.rows:
            found += _of_picked(config, row, (picks or {}).get(row))
    return found


def _of_cell(config: StudyConfig, row: str, seed: int) -> list[Member]:
    place = f"{row}/seed-{seed}"
    search = Member(f"{place}/search", "search", row, seed, seed)
    if config.pick is not None:
        return [search, Member(f"{place}/short", "short", row, seed, seed, (search.id,))]
    return [search, *_retrainings(config, row, seed, (search.id,))]


def _of_picked(config: StudyConfig, row: str, seed: int | None) -> list[Member]:
    needs = tuple(f"{row}/seed-{other}/short" for other in config.seeds_of(row))
    return _retrainings(config, row, seed, needs)


def _retrainings(config: StudyConfig, row: str, seed: int | None, needs: tuple[str, ...]) -> list[Member]:
    place = f"{row}/picked" if seed is None else f"{row}/seed-{seed}"
    found = []
    for own_seed in config.retrain_seeds_of(seed if seed is not None else 0):
        retrain = Member(f"{place}/retrain-{own_seed}", "retrain", row, seed, own_seed, needs)
        found.append(retrain)
        if config.test:
            found.append(Member(f"{retrain.id}/test", "test", row, seed, own_seed, (retrain.id,)))
    return found
