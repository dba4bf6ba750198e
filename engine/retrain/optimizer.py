"""The optimizer of one network: SGD, for sub-networks with Nesterov's momentum and weights that do not decay."""

from __future__ import annotations

import torch
from torch import nn

from engine.config import SubnetConfig
from engine.networks import OneNetworkConfiguration
from engine.two_stage.optimizer import weight_groups


def make_optimizer(network: nn.Module, config: OneNetworkConfiguration, device: torch.device) -> torch.optim.SGD:
    """SGD over all weights of a network on this device; the learning rate is set before each step.

    A network of cells decays all its weights, as in the papers' scripts. Batch norms and biases of a sub-network do not
    decay unless it is set. Source: DARTS train.py; AttentiveNAS, its solver.
    """
    decays_all = config.decay_norms_and_biases if isinstance(config, SubnetConfig) else True
    groups = weight_groups(network, config.weight_decay, decay_norms_and_biases=decays_all)
    return torch.optim.SGD(
        groups, lr=config.learning_rate, momentum=config.momentum,
        nesterov=isinstance(config, SubnetConfig) and config.nesterov and config.momentum > 0,
        # torch 2.14.1's fused SGD takes memory as it lies; ``backward`` gives gradients the weights' own order.
        fused=True if device.type in ("cpu", "cuda") else None,
    )  # fmt: skip
