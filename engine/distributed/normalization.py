"""Batch norm over the joint batch of all ranks, on processors (gloo) and CUDA devices alike.

Each rank holds a share of the images; mean and variance are those of all shares together, and so are the two sums of
the backward pass. With losses that are the shares' parts of one joint loss every gradient is then the rank's part of
the gradient that one process would find on the joint batch. A scale may stand for folded alphas.
Shares may be of different sizes, and empty.
Source: Ioffe and Szegedy, ICML 2015, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from engine.distributed.ranks import ALONE, Ranks
from engine.errors import ConfigError, Fault


def joint_moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (C,), biased variance (C,) and the number of values a channel (a scalar) of (N, C, H, W) over all ranks.

    In float64 whatever the images' format: one message with the shares' own means and variances is then as exact as
    two passes.
    """
    own = torch.zeros(2 * x.shape[1] + 1, dtype=torch.float64, device=x.device)
    count = x.numel() // x.shape[1]
    if count:
        variance, mean = torch.var_mean(_wide(x), dim=(0, 2, 3), correction=0)
        mean, variance = mean.double(), variance.double()
        own = torch.cat([mean * count, (variance + mean.square()) * count, own.new_full((1,), count)])
    dist.all_reduce(own)
    total = own[-1]
    mean, square = (own[:-1] / total).chunk(2)
    return mean, (square - mean.square()).clamp_(min=0), total


def joint_batch_norm(
    x: Tensor,
    scale: Tensor | None,
    shift: Tensor | None,
    eps: float,
    running: tuple[Tensor, Tensor] | None,
    factor: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm of (N, C, H, W) by the statistics of all ranks' shares; moves the running ones as torch's does.

    Args:
        scale, shift: (C,), or None.
        running: mean and unbiased variance (C,), moved in place; None leaves them.
        factor: share of the new batch in them.

    Returns:
        The images, and the mean and the inverse deviation (C,) of the joint batch in float32 (float64 for such images).
    """
    found: tuple[Tensor, Tensor, Tensor] = _JointBatchNorm.apply(x, scale, shift, eps, running, factor)
    return found


def joint_batch_norm_gradient(
    gradient: Tensor, x: Tensor, scale: Tensor | None, mean: Tensor, inverse_deviation: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients with respect to the images, and this rank's parts of those of the scale and the shift (C,)."""
    dtype = x.dtype
    x, gradient = _wide(x), _wide(gradient)
    normalized = (x - _of_channels(mean, x)) * _of_channels(inverse_deviation, x)
    of_shift = gradient.sum(dim=(0, 2, 3), dtype=mean.dtype)
    of_scale = (gradient * normalized).sum(dim=(0, 2, 3), dtype=mean.dtype)
    count = mean.new_full((1,), x.numel() // x.shape[1])
    joint = torch.cat([of_shift, of_scale, count]).double()
    dist.all_reduce(joint)
    mean_gradient, along = (joint[:-1] / joint[-1]).to(mean.dtype).chunk(2)
    factor = inverse_deviation if scale is None else inverse_deviation * scale.to(mean.dtype)
    of_x = gradient - _of_channels(mean_gradient, x) - normalized * _of_channels(along, x)
    return of_x.mul_(_of_channels(factor, x)).to(dtype), of_scale, of_shift


class _JointBatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
        eps: float,
        running: tuple[Tensor, Tensor] | None,
        factor: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean64, variance, count = joint_moments(x)
        kind = torch.float64 if x.dtype == torch.float64 else torch.float32
        if running is not None:
            unbiased = variance * (count / (count - 1))
            running[0].lerp_(mean64.to(running[0].dtype), factor)
            running[1].lerp_(unbiased.to(running[1].dtype), factor)
        mean, inverse_deviation = mean64.to(kind), (variance + eps).rsqrt().to(kind)
        factors = inverse_deviation if scale is None else inverse_deviation * scale.to(kind)
        wide = _wide(x)
        images = (wide - _of_channels(mean, wide)) * _of_channels(factors, wide)
        if shift is not None:
            images += _of_channels(shift, wide)
        ctx.save_for_backward(x, scale, mean, inverse_deviation)
        ctx.shift_dtype = None if shift is None else shift.dtype
        ctx.mark_non_differentiable(mean, inverse_deviation)
        return images.to(x.dtype), mean, inverse_deviation

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, mean, inverse_deviation = ctx.saved_tensors
        of_x, of_scale, of_shift = joint_batch_norm_gradient(gradient, x, scale, mean, inverse_deviation)
        return (
            of_x,
            None if scale is None else of_scale.to(scale.dtype),
            None if ctx.shift_dtype is None else of_shift.to(ctx.shift_dtype),
            None,
            None,
            None,
        )


def _wide(x: Tensor) -> Tensor:
    """Numbers to compute with: float32 for shorter formats, as torch's own batch norm."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def _of_channels(values: Tensor, x: Tensor) -> Tensor:
    """(C,) against (N, C, H, W), in the images' format."""
    return values.to(x.dtype).view(1, -1, 1, 1)


def _joint_images(*arguments: Any) -> Tensor:
    return joint_batch_norm(*arguments)[0]


class RanksBatchNorm(nn.BatchNorm2d):
    """A batch norm that ``synchronize`` can switch to the joint batch; as ``nn.BatchNorm2d`` until then."""

    ranks: Ranks = ALONE
    eagerly: Callable[..., Tensor] = staticmethod(_joint_images)

    @property
    def is_joint(self) -> bool:
        """Whether the next pass normalizes by the joint batch."""
        return self.ranks.size > 1 and self.training

    def forward(self, input: Tensor) -> Tensor:
        if not self.is_joint:
            return super().forward(input)
        self._check_input_dim(input)
        factor, running = 0.0, None
        if self.training and self.track_running_stats and self.running_mean is not None:
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
            factor = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
            running = (self.running_mean, self.running_var)
        found: Tensor = self.eagerly(input, self.weight, self.bias, self.eps, running, factor)
        return found


def synchronize(network: nn.Module, ranks: Ranks) -> None:
    """Let every batch norm of a network normalize over the joint batch of all ranks; names of its state stay.

    ``ALONE`` switches them back.

    Raises:
        ConfigError: a batch norm that is neither torch's ``BatchNorm2d`` nor made here (a user's own primitive).
    """
    for name, module in network.named_modules():
        if type(module) is nn.BatchNorm2d and ranks.size > 1:
            module.__class__ = RanksBatchNorm  # The same module, so parameters, hooks and names are kept.
        if isinstance(module, RanksBatchNorm):
            module.ranks = ranks
            if ranks.size > 1:  # Not by a decorator above: that loads torch's compiler, seconds of every start.
                # A compiled graph cannot hold the exchange.
                module.eagerly = torch.compiler.disable(_joint_images)  # type: ignore[no-untyped-call]
        elif isinstance(module, _BatchNorm) and ranks.size > 1:
            fault = f"{name} is a {type(module).__name__}, which cannot be synchronized."
            raise ConfigError([Fault("sync_batch_norm", fault, "Use torch's BatchNorm2d there, or set it to false.")])
