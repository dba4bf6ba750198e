"""Passes through parts of a supernet's layers: the first channels, the centre of the kernel.

A narrower layer is the first output and input channels of the widest one; a smaller kernel is its centre, without a
transformation. Nothing is remembered from pass to pass: what is active is an argument.

Source: slices as BigNAS section 3.1 and the public code of AttentiveNAS.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from engine.distributed.normalization import RanksBatchNorm, joint_batch_norm
from engine.networks.drop_path import drop_path
from engine.networks.mbconv import BlockShape, ConvNorm, MBConv, SqueezeExcite, pool_shortcut


def part_of(widest: Tensor, shape: Sequence[int]) -> Tensor:
    """The part of a weight, a scale or a bias that a sub-network uses, as a view.

    Args:
        widest: (O,), (O, I) or (O, I, K, K).
        shape: of the part: the first (o, i) of the channels, the centre (k, k) of the kernel.
    """
    part = widest[tuple(slice(size) for size in shape[:2])]
    if len(shape) == 4 and shape[2:] != widest.shape[2:]:
        top, left = ((whole - size) // 2 for whole, size in zip(widest.shape[2:], shape[2:], strict=True))
        part = part[:, :, top : top + shape[2], left : left + shape[3]]
    return part


def convolve(x: Tensor, layer: nn.Conv2d, channels_out: int, kernel_size: int = 1) -> Tensor:
    """The layer's convolution of (N, C, H, W), C as it comes, to ``channels_out`` channels."""
    is_depthwise = layer.groups > 1
    channels_in = 1 if is_depthwise else x.shape[1]
    weight = part_of(layer.weight, (channels_out, channels_in, kernel_size, kernel_size))
    bias = None if layer.bias is None else part_of(layer.bias, (channels_out,))
    groups = channels_out if is_depthwise else 1
    return F.conv2d(x, weight, bias, layer.stride, kernel_size // 2, groups=groups)


def normalize(x: Tensor, layer: nn.BatchNorm2d) -> Tensor:
    """Batch norm of (N, C, H, W) by the batch's own statistics, of all ranks where the layer is synchronized."""
    scale, shift = part_of(layer.weight, x.shape[1:2]), part_of(layer.bias, x.shape[1:2])
    if isinstance(layer, RanksBatchNorm) and layer.is_joint:
        return joint_batch_norm(x, scale, shift, layer.eps, None, 0.0)[0]
    return F.batch_norm(x, None, None, scale, shift, training=True, eps=layer.eps)


def conv_norm(x: Tensor, layer: ConvNorm, channels_out: int, kernel_size: int = 1) -> Tensor:
    """As ``ConvNorm``, to ``channels_out`` channels."""
    x = normalize(convolve(x, layer.convolution, channels_out, kernel_size), layer.norm)
    return F.silu(x) if layer.activates else x


def squeeze_excite(x: Tensor, layer: SqueezeExcite, squeezed: int) -> Tensor:
    """As ``SqueezeExcite``, with ``squeezed`` channels inside."""
    means = x.mean((2, 3), keepdim=True)
    inside = F.relu(convolve(means, layer.reduce, squeezed))
    return x * F.hardsigmoid(convolve(inside, layer.expand, x.shape[1]))


def block_pass(x: Tensor, block: MBConv, shape: BlockShape, drop_connect: float = 0.0) -> Tensor:
    """As ``MBConv`` of this shape, cut out of a wider one.

    Args:
        drop_connect: how likely an image loses the branch, where the block keeps its shape.
    """
    branch = x
    if block.expand is not None:
        branch = conv_norm(branch, block.expand, shape.channels_inner)
    branch = conv_norm(branch, block.depthwise, shape.channels_inner, shape.kernel_size)
    if block.squeeze_excite is not None:
        branch = squeeze_excite(branch, block.squeeze_excite, shape.channels_squeezed)
    branch = conv_norm(branch, block.project, shape.channels_out)
    if drop_connect and shape.keeps_shape:
        branch = drop_path(branch, drop_connect)
    shortcut = pool_shortcut(x, shape.stride)
    if shape.channels_in != shape.channels_out:
        assert block.shortcut is not None
        shortcut = convolve(shortcut, block.shortcut, shape.channels_out)
    return shortcut + branch
