"""In which epochs a search changed its mind: the cells of consecutive epochs compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import GenotypeError
from engine.genotype import CELL_KINDS, CellKind, Genotype
from engine.genotype.discretize import discretize
from engine.runs import AlphaRecord


@dataclass(frozen=True)
class CellChange:
    """Nodes whose inputs differ from those of the epoch before.

    Attributes:
        nodes: ``(kind of cell, node)``, nodes from 0.
    """

    epoch: int
    nodes: tuple[tuple[CellKind, int], ...]


class CellChanges:
    """The changes of a run, kept between calls: only epochs with new alphas are discretized."""

    def __init__(self) -> None:
        self._records: list[AlphaRecord] = []
        self._cells: list[Genotype | None] = []
        self._changes: list[CellChange | None] = []

    @property
    def changes(self) -> list[CellChange]:
        """The changes found so far, in order of epochs."""
        return [change for change in self._changes if change is not None]

    def update(
        self, records: Sequence[AlphaRecord], primitives: Sequence[str], *, budget_seconds: float = 0.008
    ) -> bool:
        """Look at the last records of each epoch.

        Args:
            records: one an epoch, in order.
            budget_seconds: a long run is looked at in several calls, so that the window never waits.

        Returns:
            Whether every record was looked at; call again where not.
        """
        known = min(len(self._records), len(records))
        # The newest epoch's record is replaced as it goes on, and a resume drops some from the end.
        while known and self._records[known - 1] is not records[known - 1]:
            known -= 1
        del self._records[known:], self._cells[known:], self._changes[known:]
        deadline = time.perf_counter() + budget_seconds
        for record in records[known:]:
            cells = _cells(record, primitives)
            before = self._cells[-1] if self._cells else None
            self._records.append(record)
            self._cells.append(cells)
            self._changes.append(_change(record.epoch, before, cells))
            if time.perf_counter() > deadline:
                break
        return len(self._records) == len(records)


def _cells(record: AlphaRecord, primitives: Sequence[str]) -> Genotype | None:
    try:
        return discretize(record, primitives)
    except (ValueError, GenotypeError):
        return None


def _change(epoch: int, before: Genotype | None, after: Genotype | None) -> CellChange | None:
    if before is None or after is None:
        return None
    nodes = tuple(
        (kind, node)
        for kind in CELL_KINDS
        for node, (old, new) in enumerate(zip(before.cell(kind).as_sets(), after.cell(kind).as_sets(), strict=False))
        if old != new
    )
    return CellChange(epoch, nodes) if nodes else None
