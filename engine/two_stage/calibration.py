"""Calibration: batch-norm statistics of one sub-network, measured before it is evaluated.

A supernet has none of its own, and those of one sub-network fit no other: uncalibrated, accuracy is about chance.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from engine.distributed.ranks import ALONE, Ranks


@torch.no_grad()
def calibrate(network: nn.Module, batches: Iterable[Tensor], ranks: Ranks = ALONE) -> None:
    """Make every running statistic the plain mean over these batches; earlier ones are forgotten.

    Batch norms are in train mode, all else (dropout, drop connect) in eval mode; weights do not change, and no random
    number is drawn. Leaves the network in eval mode.

    Args:
        batches: images (N, C, H, W), as in training. Each batch counts the same, so they should have the same size. The
            variance is the unbiased one of each, as torch keeps it.
        ranks: processes that each give some of the batches, and all get the mean over all of them.

    Raises:
        ValueError: there are no batches.

    Source: AttentiveNAS, attentive_nas_static_model.reset_running_stats_for_calibration; BigNAS section 3.4.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    count = 0
    try:
        for norm in norms:
            norm.train()
            norm.reset_running_stats()
            norm.momentum = None  # torch's sign for a mean over all batches
        for images in batches:
            network(images)
            count += 1
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        network.eval()
    total = sum(ranks.all_say(count))
    if not total:
        raise ValueError("no batches to calibrate on.")
    if ranks.size > 1:
        statistics = [
            tensor for norm in norms for tensor in (norm.running_mean, norm.running_var) if tensor is not None
        ]
        for tensor in statistics:
            tensor.mul_(count / total)
        ranks.sum_(statistics)
        for norm in norms:
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.fill_(total)
