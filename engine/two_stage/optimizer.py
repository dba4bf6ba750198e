"""The optimizer of the shared weights, and the bound on their gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.config.two_stage import TwoStageConfig

_SQUARES_DECAY = 0.9
"""Of RMSProp's mean square. Source: BigNAS section 4."""
_RMSPROP_EPS = math.sqrt(1e-3)
"""BigNAS trains with TensorFlow's RMSProp, whose networks of this family add 0.001 under the root. torch adds its number
beside the root: the root of 0.001 there gives small gradients the same step. torch's own 1e-8 would make the first steps
as large as the learning rate whatever the gradient."""


def weight_groups(network: nn.Module, weight_decay: float, *, decay_norms_and_biases: bool) -> list[dict[str, Any]]:
    """Parameter groups with and without weight decay: scales, shifts and biases (tensors of one dimension) go without
    unless asked for. Source: AttentiveNAS solver."""
    weights = list(network.parameters())
    if decay_norms_and_biases:
        return [{"params": weights, "weight_decay": weight_decay}]
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def make_optimizer(network: nn.Module, config: TwoStageConfig) -> torch.optim.Optimizer:
    """SGD or RMSProp as configured. Not torch's fused form: it takes gradients as contiguous, which those of sliced
    weights need not be."""
    groups = weight_groups(network, config.weight_decay, decay_norms_and_biases=config.decay_norms_and_biases)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(
            groups, lr=config.learning_rate, alpha=_SQUARES_DECAY, eps=_RMSPROP_EPS, momentum=config.momentum, foreach=True
        )  # fmt: skip
    is_nesterov = config.nesterov and config.momentum > 0
    return torch.optim.SGD(
        groups, lr=config.learning_rate, momentum=config.momentum, nesterov=is_nesterov, foreach=True
    )


def clip(weights: Sequence[Tensor], bound: float, by: str) -> Tensor:
    """Bound the gradient by ``value`` (each element) or ``norm``; returns its norm before. Weights without one are left out."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if by == "norm":
        torch.nn.utils.clip_grads_with_norm_(weights, bound, norm)
    else:
        torch.nn.utils.clip_grad_value_(weights, bound)
    return norm
