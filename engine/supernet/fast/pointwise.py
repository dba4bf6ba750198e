"""1×1 convolutions of E edges side by side, and their two gradients.

For one edge on a processor the images are a matrix of pixels by channels, and the convolution is one product with it:
that is faster than torch's convolution of so few channels. Several edges are one convolution in E groups.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.supernet.fast.layout import images_of, is_channels_last, pixels_by_channels


def pointwise(x: Tensor, weight: Tensor, groups: int) -> Tensor:
    """(N, E·C, H, W), weight (E·C, C, 1, 1), E groups to (N, E·C, H, W)."""
    if _is_matrix(x, groups):
        return images_of(pixels_by_channels(x) @ weight.flatten(1).t(), x)
    return F.conv2d(x, weight, groups=groups)


def pointwise_input_gradient(gradient: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Gradient of ``pointwise`` with respect to ``x``: a 1×1 convolution with the transposed weight."""
    if _is_matrix(gradient, groups):
        return images_of(pixels_by_channels(gradient) @ weight.flatten(1), gradient)
    channels = weight.shape[1]
    transposed = weight.view(groups, channels, channels).transpose(1, 2).reshape(weight.shape)
    return F.conv2d(gradient, transposed, groups=groups)


def pointwise_weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Gradient of ``pointwise`` with respect to ``weight``, which gives nothing but its shape."""
    if _is_matrix(x, groups):
        return (pixels_by_channels(gradient).t() @ pixels_by_channels(x)).view(weight.shape)
    found: Tensor = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], groups, [False, True, False]
    )[1]
    return found


def _is_matrix(x: Tensor, groups: int) -> bool:
    return groups == 1 and x.device.type == "cpu" and is_channels_last(x)
