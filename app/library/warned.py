"""Which warnings a run logged, read from its log piece by piece: only what was written since the last look."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import NascopeError
from engine.explain import skip_count
from engine.genotype import CellKind, Genotype
from engine.runs import RunFolder
from engine.runs.folder import EVENTS

_OF_INTEREST = re.compile(rb'"type":"(?:diagnosis|resumed)"')
_PIECE_BYTES = 2**20
_KIND: CellKind = "normal"
"""The cell whose skips the engine counts."""


@dataclass
class WarningsRead:
    """What was read of one log so far."""

    offset: int = 0
    rest: bytes = b""
    found: list[dict[str, Any]] = field(default_factory=list)

    def read_on(self, path: Path) -> None:
        """Read what is new in a run's log; one that became shorter is read from its start."""
        try:
            with (path / EVENTS).open("rb") as file:
                if file.seek(0, 2) < self.offset:
                    self.offset, self.rest, self.found = 0, b"", []
                file.seek(self.offset)
                while piece := file.read(_PIECE_BYTES):
                    self.offset += len(piece)
                    self._take(self.rest + piece)
        except OSError:
            return

    def standing(self, path: Path) -> str:
        """First sentence of the gravest warning that the run's present cells do not refute; empty where there is none."""
        genotype = None
        grave = sorted(self.found, key=lambda row: row.get("severity") != "severe")
        for row in grave:
            numbers = row.get("numbers")
            skips = numbers.get("skips") if isinstance(numbers, dict) else None
            if isinstance(skips, int):
                genotype = genotype or _cells(path)
                if genotype is not None and skip_count(genotype.cell(_KIND)) < skips:
                    continue
            return str(row.get("message") or row.get("code") or "").partition(". ")[0].rstrip(".")
        return ""

    def _take(self, text: bytes) -> None:
        *lines, self.rest = text.split(b"\n")
        for line in lines:
            if not _OF_INTEREST.search(line):
                continue
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if not isinstance(row, dict):
                continue
            if row.get("type") == "resumed":  # What it goes on with was logged before and does not count any more.
                self.found = [old for old in self.found if old.get("step", 0) < row.get("step", 0)]
            elif row.get("severity") in ("warning", "severe"):
                self.found = [old for old in self.found if old.get("code") != row.get("code")] + [row]


def _cells(path: Path) -> Genotype | None:
    try:
        return RunFolder(path).genotype()
    except NascopeError:  # A damaged file refutes nothing.
        return None
