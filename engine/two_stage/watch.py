"""Watches the loss of the biggest network for a fall back to guessing, which large two-stage trainings are known for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.explain.diagnosis import Diagnosis

PROGRESS = 0.75
"""Share of the loss of guessing below which the training has learned something."""
GUESSING = 0.95
"""Share of it from which on the network is as good as untrained."""


class LossWatch:
    """Hears the mean loss of stretches of steps, and tells of a jump to about ln(classes) after progress, once a jump.

    Known from AttentiveNAS: the loss jumped to 6.9 = ln 1000, and the training began anew from there.
    """

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._best: float | None = None
        self._is_told = False

    def look(self, loss: float) -> Diagnosis | None:
        """Hear the mean loss of the newest steps."""
        guessing = math.log(self._classes)
        best = self._best
        if best is None or loss < best:
            self._best = loss
        if loss < PROGRESS * guessing:
            self._is_told = False
        # Not finite: the loop ends the run for that.
        is_jump = best is not None and best < PROGRESS * guessing and GUESSING * guessing <= loss < math.inf
        if best is None or not is_jump or self._is_told:
            return None
        self._is_told = True
        message = (
            f"The biggest network's loss jumped to {loss:.2f}, about that of guessing among {self._classes} classes "
            f"({guessing:.2f}), after it had been down to {best:.2f}: what was learned is most likely lost. checkpoint-best.pt "
            "has the weights of before. Start anew with a lower learning_rate, a longer warm-up or a smaller gradient_clip."
        )
        numbers = {"loss": loss, "best_loss": best, "guessing_loss": guessing, "classes": self._classes}
        return Diagnosis("reinitialized", "severe", message, numbers)

    def state_dict(self) -> dict[str, Any]:
        """What it has heard."""
        return {"best": self._best, "is_told": self._is_told}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on watching."""
        self._best, self._is_told = state["best"], state["is_told"]
