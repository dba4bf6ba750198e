"""What a diagnosis is, and what it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from engine.explain.changes import EpochAlphas
from engine.explain.choices import Array

Severity = Literal["info", "warning", "severe"]


@dataclass(frozen=True)
class Diagnosis:
    """Something that a person should know about a run.

    Attributes:
        code: steady name, for programs and for «told already».
        severity: ``info`` explains, ``warning`` asks for a look, ``severe`` means that the result is most likely useless.
        message: what was seen, what it usually means, what to do.
        numbers: the numbers behind it.
    """

    code: str
    severity: Severity
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, as events and ``explain --json`` hold them."""
        return {"code": self.code, "severity": self.severity, "message": self.message, "numbers": dict(self.numbers)}


class HistorySeries(Protocol):
    """One number over the steps; a ``Series`` is one."""

    @property
    def steps(self) -> Array: ...
    @property
    def values(self) -> Array: ...


class History(Protocol):
    """What is needed of a run's events; a ``RunHistory`` is one."""

    @property
    def started(self) -> Mapping[str, Any]: ...
    @property
    def series(self) -> Mapping[str, HistorySeries]: ...
    def alphas_by_epoch(self) -> Sequence[EpochAlphas]: ...
