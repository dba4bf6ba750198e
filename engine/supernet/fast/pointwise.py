"""1×1 convolutions of E edges side by side, and their two gradients.

Where channels are last the images are a matrix of pixels by channels, and the convolution is one product with it: for
one edge that is faster than torch's convolution of so few channels on a processor. On a GPU it is for several edges
as well, with their weights along the diagonal of one matrix: the zeros cost less than a convolution in groups. Else
several edges are one convolution in E groups.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.supernet.fast.layout import images_of, is_channels_last, on_gpu, pixels_by_channels

_MOST_CHANNELS = 512
"""Of all edges together: beyond, the zeros cost more than they save."""


def pointwise(x: Tensor, weight: Tensor, groups: int) -> Tensor:
    """(N, E·C, H, W), weight (E·C, C, 1, 1), E groups to (N, E·C, H, W)."""
    if _is_matrix(x, groups):
        return images_of(pixels_by_channels(x) @ _matrix(weight, groups).t(), x)
    return F.conv2d(x, weight, groups=groups)


def pointwise_input_gradient(gradient: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Gradient of ``pointwise`` with respect to ``x``: a 1×1 convolution with the transposed weight."""
    if _is_matrix(gradient, groups):
        return images_of(pixels_by_channels(gradient) @ _matrix(weight, groups), gradient)
    channels = weight.shape[1]
    transposed = weight.view(groups, channels, channels).transpose(1, 2).reshape(weight.shape)
    return F.conv2d(gradient, transposed, groups=groups)


def pointwise_weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Gradient of ``pointwise`` with respect to ``weight``, which gives nothing but its shape."""
    if _is_matrix(x, groups):
        product = pixels_by_channels(gradient).t() @ pixels_by_channels(x)
        return product.view(weight.shape) if groups == 1 else _blocks(product, groups).reshape(weight.shape)
    found: Tensor = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], groups, [False, True, False]
    )[1]
    return found


def _is_matrix(x: Tensor, groups: int) -> bool:
    return is_channels_last(x) and (groups == 1 or (on_gpu(x) and x.shape[1] <= _MOST_CHANNELS))


def _matrix(weight: Tensor, groups: int) -> Tensor:
    """The weights (E·C, C, 1, 1) of E edges along the diagonal of (E·C, E·C)."""
    if groups == 1:
        return weight.flatten(1)
    found = weight.new_zeros(weight.shape[0], weight.shape[0])
    _blocks(found, groups).copy_(weight.view(groups, -1, weight.shape[1]))
    return found


def _blocks(matrix: Tensor, groups: int) -> Tensor:
    """The E blocks (E, C, C) along the diagonal of (E·C, E·C): a view."""
    channels = matrix.shape[0] // groups
    return matrix.view(groups, channels, groups, channels).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
