"""Drop path: while training, a node loses one of its inputs at random, image by image."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def drop_path(x: Tensor, probability: float | Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Zero (N, C, H, W) for each image with this probability; what stays is scaled by 1 / (1 - probability).

    One draw an image, from ``generator`` or torch's own on the device of ``x``. Returns a new tensor.

    Args:
        probability: in [0, 1). As a tensor (a scalar on the device of ``x``, above 0) it may change without a compiled
            network being compiled anew; then it is not checked, which would wait for the device.

    Raises:
        ValueError: the probability is not in [0, 1).

    Source: Larsson et al., FractalNet, ICLR 2017; DARTS, cnn/utils.drop_path.
    """
    if isinstance(probability, Tensor):
        drawn = torch.rand((x.shape[0], 1, 1, 1), dtype=torch.float32, device=x.device, generator=generator)
        return x / (1.0 - probability) * (drawn >= probability).to(x.dtype)
    check_probability(probability)
    if probability == 0.0:
        return x
    kept = x.new_empty((x.shape[0], 1, 1, 1)).bernoulli_(1.0 - probability, generator=generator)
    return x / (1.0 - probability) * kept


def is_dropped(operation: nn.Module) -> bool:
    """Whether drop path applies to an operation's output: to all but the plain identity.

    A skip connection of stride 2 is a factorized reduce and is dropped like any other (DARTS, model.Cell.forward).
    """
    return not isinstance(operation, nn.Identity)


def check_probability(probability: float) -> None:
    """Raises ValueError outside [0, 1)."""
    if not 0.0 <= probability < 1.0:
        raise ValueError(f"drop path probability {probability} is not in [0, 1).")
