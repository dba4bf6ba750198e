"""How a sitting ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a sitting ended.

    Attributes:
        exit_code: 0 done, 1 failed, 3 stopped by order, 130 by Ctrl-C, 143 by SIGTERM.
        epochs: whole epochs trained, over all sittings.
        metrics: the newest numbers.
        error: ``{what, where, mend}`` of a failure.
    """

    state: str
    exit_code: int
    epochs: int
    metrics: dict[str, Any] = field(default_factory=dict)
    error: dict[str, str | None] | None = None
