"""One network on several ranks: gradients of the joint batch by torch's DistributedDataParallel."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from engine.distributed import Ranks
from engine.distributed.normalization import synchronize
from engine.networks import OneNetwork, OneNetworkConfiguration, build_network

_SMALLEST_BATCH = 2


def spread(
    network: OneNetwork, config: OneNetworkConfiguration, image_shape: tuple[int, int, int], classes: int, ranks: Ranks
) -> nn.Module:
    """What a training pass calls: the network itself, or with several ranks a wrapper that averages its gradients.

    The ranks' mean is the joint batch's gradient where each weighs its loss by its share of the images times the
    number of ranks. Running statistics are not exchanged here; batch norms normalize jointly where it is configured.

    Args:
        image_shape: (image_channels, H, W).

    Raises:
        ConfigError: a batch norm that cannot be synchronized.
    """
    if ranks.size == 1:
        return network
    if config.sync_batch_norm:
        synchronize(network, ranks)
    idle = _has_idle_weights(config, image_shape, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # The newest torch has another name for it, 2.6 this one only.
        return DistributedDataParallel(network, broadcast_buffers=False, find_unused_parameters=idle)


def _has_idle_weights(config: OneNetworkConfiguration, image_shape: tuple[int, int, int], classes: int) -> bool:
    """Whether some weights get no gradient (a node that nothing reads, say), so that waiting for one would never end."""
    channels, height, width = image_shape
    try:
        with torch.device("meta"):
            network = build_network(config, classes, channels, height)
            logits, auxiliary = network(torch.empty(_SMALLEST_BATCH, channels, height, width))
        outputs = [logits.sum()] if auxiliary is None else [logits.sum(), auxiliary.sum()]
        gradients = torch.autograd.grad(outputs, list(network.parameters()), allow_unused=True)
    except (NotImplementedError, RuntimeError):  # A user's own primitive that cannot do without numbers.
        return True
    return any(gradient is None for gradient in gradients)
