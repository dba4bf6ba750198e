"""Batch norms whose scale is the weight of the operation that they end.

A supernet's batch norms have no scale of their own (else it could undo the alpha). Every primitive with weights ends in
one, and alpha · BN(x) is BN(x) with alpha as its scale: the product costs nothing, and the gradient of alpha is
the scale's gradient, which batch norm finds on its way.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.distributed.normalization import RanksBatchNorm, joint_batch_norm, joint_batch_norm_gradient
from engine.supernet.fast.stacking import stack


class EdgesNorm(RanksBatchNorm):
    """The batch norms of E edges side by side: running statistics (E·C,), no scale, no shift."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norms: Sequence[nn.Module]) -> None:
        of_edges = [norm for norm in norms if isinstance(norm, nn.BatchNorm2d)]
        first = of_edges[0]
        super().__init__(sum(norm.num_features for norm in of_edges), first.eps, first.momentum, affine=False)
        self.running_mean = stack([norm.running_mean for norm in of_edges if norm.running_mean is not None])
        self.running_var = stack([norm.running_var for norm in of_edges if norm.running_var is not None])

    def update_factor(self) -> float:
        """Share of the new batch in the running statistics; 0 where they are to stand still."""
        if not (self.training and self.track_running_stats):
            return 0.0
        return 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum


def normalize(x: Tensor, norm: EdgesNorm, scale: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm of (N, C, H, W) times ``scale`` (C,); moves the running statistics as torch's does.

    The counter of batches is the supernet's business: it moves all of them at once.

    Returns:
        The images, and the mean and the inverse deviation (C,) of the batch (empty in eval mode).

    Raises:
        ValueError: one value a channel, in training; as torch.
    """
    if norm.is_joint:
        return _normalize_jointly(x, norm, scale)
    if norm.training and x.numel() == x.shape[1]:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {tuple(x.shape)}.")
    factor = norm.update_factor()
    stands_still = norm.training and factor == 0.0  # Without running statistics torch normalizes with the batch.
    running = (None, None) if stands_still else (norm.running_mean, norm.running_var)
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.native_batch_norm(
        x, scale, None, *running, norm.training, factor, norm.eps
    )
    return found


def normalize_again(x: Tensor, norm: EdgesNorm, mean: Tensor, inverse_deviation: Tensor, *, training: bool) -> Tensor:
    """What ``normalize`` gave without a scale, in one pass, now that the statistics are known.

    Args:
        training: the mode of ``norm`` at the time of ``normalize``.
    """
    if not training:
        return F.batch_norm(x, norm.running_mean, norm.running_var, eps=norm.eps)
    per_channel = inverse_deviation.to(x.dtype).view(1, -1, 1, 1)
    return torch.addcmul((-mean * inverse_deviation).to(x.dtype).view(1, -1, 1, 1), x, per_channel)


def normalize_gradient(
    gradient: Tensor,
    x: Tensor,
    norm: EdgesNorm,
    scale: Tensor | None,
    mean: Tensor,
    inverse_deviation: Tensor,
    *,
    training: bool,
) -> tuple[Tensor, Tensor | None]:
    """Gradients of ``normalize`` with respect to ``x`` and ``scale``; ``training`` as for ``normalize_again``."""
    if training and norm.ranks.size > 1:
        found = joint_batch_norm_gradient(gradient, x, scale, mean, inverse_deviation)
        return found[0], found[1].to(scale.dtype) if scale is not None else None
    if scale is not None:
        # torch 2.14.1 reads a scale as if it were dense in the channels-last backward pass on processors, and gives
        # silently wrong input gradients for any other.
        assert scale.is_contiguous()
    of_x, of_scale, _ = torch.ops.aten.native_batch_norm_backward(
        gradient, x, scale, norm.running_mean, norm.running_var, mean, inverse_deviation,
        training, norm.eps, [True, scale is not None, False],
    )  # fmt: skip
    return of_x, of_scale if scale is not None else None


def _normalize_jointly(x: Tensor, norm: EdgesNorm, scale: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """``normalize`` over the shares of all ranks."""
    factor = norm.update_factor()
    running = (norm.running_mean, norm.running_var) if factor else None
    return joint_batch_norm(x, scale, None, norm.eps, running, factor)
