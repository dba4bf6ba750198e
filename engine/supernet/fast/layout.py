"""How the images of several edges lie side by side: E edges of C channels are one tensor (N, E·C, H, W).

In memory the pixels come last-but-one and the channels last (torch's ``channels_last``) wherever the input has it so:
convolutions, pools and batch norms of few channels are several times faster that way on a processor. torch loses that
order silently in ``repeat`` and reshapes, so the copies are spelled out here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def is_channels_last(x: Tensor) -> bool:
    """Whether (N, C, H, W) has its channels next to each other in memory."""
    return x.is_contiguous(memory_format=torch.channels_last)


def match_layout(x: Tensor, like: Tensor) -> Tensor:
    """``x`` dense in the memory order of ``like``; itself where it is already."""
    return x.contiguous(memory_format=torch.channels_last if is_channels_last(like) else torch.contiguous_format)


def pixels_by_channels(x: Tensor) -> Tensor:
    """(N, C, H, W) in channels-last order as the matrix (N·H·W, C): a view."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def images_of(pixels: Tensor, like: Tensor) -> Tensor:
    """The inverse of ``pixels_by_channels`` for images of the size of ``like``: a view."""
    images, _, height, width = like.shape
    return pixels.reshape(images, height, width, -1).permute(0, 3, 1, 2)


def divide_channels(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first ``count`` channels of (N, C, H, W) and the others, each dense in the memory order of ``x``."""
    found: tuple[Tensor, Tensor] = _Divide.apply(x, count)
    return found


class _Divide(torch.autograd.Function):
    """Going back it is one ``cat``, where two slices would fill and add two tensors of the whole size."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, count: int) -> tuple[Tensor, Tensor]:
        return match_layout(x[:, :count], x), match_layout(x[:, count:], x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return torch.cat(gradients, dim=1), None


def repeat_channels(x: Tensor, times: int) -> Tensor:
    """(N, C, H, W) to (N, times · C, H, W), the same channels again for each edge, in one copy."""
    if times == 1:
        return x
    images, channels, height, width = x.shape
    if is_channels_last(x):
        pixels = x.permute(0, 2, 3, 1).unsqueeze(3).expand(images, height, width, times, channels)
        return pixels.reshape(images, height, width, times * channels).permute(0, 3, 1, 2)
    return x.repeat(1, times, 1, 1)


def sum_repeats(x: Tensor, times: int) -> Tensor:
    """The gradient of ``repeat_channels``: (N, times · C, H, W) to (N, C, H, W)."""
    if times == 1:
        return x
    images, channels, height, width = x.shape
    if is_channels_last(x):
        pixels = x.permute(0, 2, 3, 1).reshape(images, height, width, times, channels // times)
        return pixels.sum(dim=3).permute(0, 3, 1, 2)
    return x.reshape(images, times, channels // times, height, width).sum(dim=1)


def on_gpu(x: Tensor) -> bool:
    """Whether the images lie on an NVIDIA GPU, whose fast ways are others than a processor's."""
    return x.device.type == "cuda"
