"""Learning rates as closed forms of the epoch, so that a resume needs no scheduler state."""

from __future__ import annotations

import math


def cosine(epoch: int, epochs: int, base: float, minimum: float = 0.0) -> float:
    """Cosine schedule: ``base`` at epoch 0, constant within an epoch, just above ``minimum`` in the last.

    Source: DARTS train_search (CosineAnnealingLR under PyTorch 0.3, where epoch e gets the value at e).
    """
    return minimum + (base - minimum) * (1 + math.cos(math.pi * epoch / epochs)) / 2
