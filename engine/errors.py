"""The small family of errors that a person can mend.

Each names what is wrong, where (a file, a field) and the mend. Anything else that is raised is a fault of
nascope itself and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class NascopeError(Exception):
    """Bad input or a surrounding that a person can put right.

    Attributes:
        what: the fault and what was found, one sentence.
        where: the file, field or run it concerns; None where there is none.
        mend: what to do about it; None where the sentence says it already.
    """

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        super().__init__(what, where, mend)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" {self.mend}" if self.mend else ""
        return f"{place}{self.what}{mend}"

    def as_dict(self) -> dict[str, str | None]:
        """``{what, where, mend}``, as ``--json`` and ``status.json`` show it."""
        return {"what": self.what, "where": self.where, "mend": self.mend}


class GenotypeError(NascopeError):
    """A genotype that cannot be read, or one that describes no cell."""


class DataError(NascopeError):
    """A data set that is missing, broken or does not fit the configuration."""


class RunError(NascopeError):
    """A run folder that cannot be opened, locked, resumed or steered."""


class DrawError(NascopeError):
    """A picture that cannot be written."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a configuration: the field, what was found, the mend."""

    field: str
    what: str
    mend: str | None = None

    def __str__(self) -> str:
        return f"{self.field}: {self.what}" + (f" {self.mend}" if self.mend else "")


class ConfigError(NascopeError):
    """Every fault of one configuration, collected before anything is raised.

    Attributes:
        faults: one for each wrong field, so that a form can mark them all.
    """

    def __init__(self, faults: Sequence[Fault], *, where: str | None = None) -> None:
        first = faults[0]
        if len(faults) == 1:
            super().__init__(first.what, where=f"{where}, {first.field}" if where else first.field, mend=first.mend)
        else:
            super().__init__("; ".join(map(str, faults)), where=where)
        self.faults = tuple(faults)
