"""Drop path: while training, a node loses one of its inputs at random, image by image."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def drop_path(x: Tensor, probability: float, generator: torch.Generator | None = None) -> Tensor:
    """Zero (N, C, H, W) for each image with this probability; what stays is scaled by 1 / (1 - probability).

    One draw an image, from ``generator`` or torch's own on the device of ``x``. Returns a new tensor.

    Raises:
        ValueError: the probability is not in [0, 1).

    Source: Larsson et al., FractalNet, ICLR 2017; DARTS, cnn/utils.drop_path.
    """
    check_probability(probability)
    if probability == 0.0:
        return x
    keep = 1.0 - probability
    kept = x.new_empty((x.shape[0], 1, 1, 1)).bernoulli_(keep, generator=generator)
    return x / keep * kept


def is_dropped(operation: nn.Module) -> bool:
    """Whether drop path applies to an operation's output: to all but the plain identity.

    A skip connection of stride 2 is a factorized reduce and is dropped like any other (DARTS, model.Cell.forward).
    """
    return not isinstance(operation, nn.Identity)


def check_probability(probability: float) -> None:
    """Raises ValueError outside [0, 1)."""
    if not 0.0 <= probability < 1.0:
        raise ValueError(f"drop path probability {probability} is not in [0, 1).")
