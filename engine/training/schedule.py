"""Learning rates of the weights as closed forms of the epoch, so that a resume needs no scheduler state.

Epochs count from 0, a rate holds for its whole epoch. PyTorch 0.3's schedulers, under which the papers ran, give
epoch e the value at e; those of today would skip epoch 0's where scripts call them first.
"""

from __future__ import annotations

import math

from engine.config import RunConfig
from engine.config.fields import OneNetworkConfig

_LINEAR_TAIL = 5
"""Epochs at the end of the linear schedule that share what would be its last step."""


def learning_rate(config: RunConfig, epoch: int) -> float:
    """The rate of an epoch as the configuration has it: its warm-up, then its schedule (a search's is cosine).

    The schedule counts from epoch 0 and is only hidden by the warm-up, as in PC-DARTS' scripts for ImageNet.
    """
    if epoch < config.learning_rate_warmup_epochs:
        return config.learning_rate * (epoch + 1) / config.learning_rate_warmup_epochs
    schedule = config.learning_rate_schedule if isinstance(config, OneNetworkConfig) else "cosine"
    match schedule:
        case "cosine":
            return cosine(epoch, config.epochs, config.learning_rate, config.learning_rate_min)
        case "linear":
            return linear(epoch, config.epochs, config.learning_rate, config.learning_rate_min)
        case "exponential":
            assert isinstance(config, OneNetworkConfig)
            return config.learning_rate * config.learning_rate_decay**epoch


def cosine(epoch: int, epochs: int, base: float, minimum: float = 0.0) -> float:
    """Cosine schedule: ``base`` at epoch 0, constant within an epoch, just above ``minimum`` in the last.

    Source: DARTS train_search (CosineAnnealingLR under PyTorch 0.3, where epoch e gets the value at e).
    """
    return minimum + (base - minimum) * (1 + math.cos(math.pi * epoch / epochs)) / 2


def linear(epoch: int, epochs: int, base: float, minimum: float = 0.0) -> float:
    """Straight from ``base`` at epoch 0 to ``minimum`` five epochs before the end, but for the last of its steps, which
    those five epochs go down in equal parts. With five epochs or fewer straight to the end.

    Source: PC-DARTS train_imagenet.adjust_lr.
    """
    left = epochs - epoch
    if epochs <= _LINEAR_TAIL:
        share = left / epochs
    elif left > _LINEAR_TAIL:
        share = (left - _LINEAR_TAIL) / (epochs - _LINEAR_TAIL)
    else:
        share = left / ((epochs - _LINEAR_TAIL) * _LINEAR_TAIL)
    return minimum + (base - minimum) * share
