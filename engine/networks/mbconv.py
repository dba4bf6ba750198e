"""The MBConv block of two-stage spaces, and which blocks an architecture has.

Source: AttentiveNAS (Wang et al., CVPR 2021), its modules as they are public; MobileNetV3 (squeeze-and-excitation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from engine.cost.subnets import rounded_to_8
from engine.networks.drop_path import drop_path
from engine.subnets import Architecture, Space

DropConnectStages = Literal["last-two", "all"]


@dataclass(frozen=True)
class BlockShape:
    """All that decides about one block's layers.

    Attributes:
        channels_in, channels_inner, channels_out: of its input, between its 1x1 convolutions, and of its output.
        expands: whether it has the first of those; without, ``channels_inner`` is ``channels_in``.
        kernel_size: of the depthwise convolution.
        stride: of the depthwise convolution and of the shortcut.
        channels_squeezed: inside squeeze-and-excitation, 0 where it has none.
        place: number of the block among those of the space's biggest network, from 0.
    """

    channels_in: int
    channels_inner: int
    channels_out: int
    expands: bool
    kernel_size: int
    stride: int
    channels_squeezed: int
    place: int

    @property
    def keeps_shape(self) -> bool:
        """Whether the shortcut is the input itself; only then drop connect may take the branch away."""
        return self.channels_in == self.channels_out and self.stride == 1


def block_shapes(architecture: Architecture) -> list[list[BlockShape]]:
    """The blocks of each stage, in the order of the pass."""
    stages, channels, first_place = [], architecture.width[0], 0
    for index, stage in enumerate(architecture.space.stages):
        width, expansion = architecture.width[index + 1], architecture.expand_ratio[index]
        blocks = []
        for number in range(architecture.depth[index]):
            inner = channels if expansion == 1 else rounded_to_8(channels * expansion)
            squeezed = rounded_to_8(inner // 4) if stage.squeeze_excite else 0
            blocks.append(
                BlockShape(
                    channels, inner, width, expansion != 1, architecture.kernel_size[index], 1 if number else stage.stride, squeezed,
                    first_place + number,
                )
            )  # fmt: skip
            channels = width
        stages.append(blocks)
        first_place += stage.depth[-1]
    return stages


def drop_connect_rates(space: Space, rate: float, stages: DropConnectStages) -> list[float]:
    """How likely an image loses the branch of each block of the biggest network, by ``BlockShape.place``.

    It grows in equal parts from 0 to just below ``rate``; ``last-two`` leaves it 0 before the last two stages.

    Source: AttentiveNAS, attentive_nas_dynamic_model.set_dropout_rate.
    """
    depths = [stage.depth[-1] for stage in space.stages]
    total, first = sum(depths), 0 if stages == "all" else sum(depths[:-2])
    return [rate * place / total if place >= first else 0.0 for place in range(total)]


def pool_shortcut(x: Tensor, stride: int) -> Tensor:
    """(N, C, H, W) to (N, C, ⌈H / stride⌉, ⌈W / stride⌉) by averages of ``stride`` x ``stride`` pixels.

    Sides that the stride does not divide are padded evenly, with zeros that count: by 1 where a stride of 2 meets an odd
    side.
    """
    if stride == 1:
        return x
    padding = [(-side % stride + 1) // 2 for side in x.shape[2:]]
    return F.avg_pool2d(x, stride, stride, padding)


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm, and swish if ``activates``: (N, C, H, W) to (N, D, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel_size: int, *, stride: int = 1, groups: int = 1, activates: bool = True
    ) -> None:  # fmt: skip
        super().__init__()
        self.convolution = nn.Conv2d(
            channels_in, channels_out, kernel_size, stride, kernel_size // 2, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(channels_out)
        self.activates = activates

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.convolution(x))
        return F.silu(x) if self.activates else x


class SqueezeExcite(nn.Module):
    """Weighs the channels of (N, C, H, W) by what their means say: 1x1, ReLU, 1x1, hard sigmoid."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(x.mean((2, 3), keepdim=True)))))


class MBConv(nn.Module):
    """Inverted residual: 1x1 expansion, depthwise, squeeze-and-excitation, 1x1 projection, plus a shortcut in every block.

    (N, C, H, W) to (N, D, ⌈H / stride⌉, ⌈W / stride⌉). The shortcut pools where the stride is above 1, and has a 1x1
    convolution without batch norm where the widths differ.

    Args:
        shape: widths, kernel, stride.
        drop_connect: how likely an image loses the branch while training, where the block keeps its shape.
        always_projects: build the shortcut's convolution between equal widths too, as a supernet needs for its narrower
            networks.
    """

    def __init__(self, shape: BlockShape, drop_connect: float = 0.0, *, always_projects: bool = False) -> None:
        super().__init__()
        inner, squeezed = shape.channels_inner, shape.channels_squeezed
        self.stride = shape.stride
        self.drop_connect = drop_connect if shape.keeps_shape else 0.0
        self.expand = ConvNorm(shape.channels_in, inner, 1) if shape.expands else None
        self.depthwise = ConvNorm(inner, inner, shape.kernel_size, stride=shape.stride, groups=inner)
        self.squeeze_excite = SqueezeExcite(inner, squeezed) if squeezed else None
        self.project = ConvNorm(inner, shape.channels_out, 1, activates=False)
        projects = always_projects or shape.channels_in != shape.channels_out
        self.shortcut = nn.Conv2d(shape.channels_in, shape.channels_out, 1, bias=False) if projects else None

    def forward(self, x: Tensor) -> Tensor:
        branch = x if self.expand is None else self.expand(x)
        branch = self.depthwise(branch)
        if self.squeeze_excite is not None:
            branch = self.squeeze_excite(branch)
        branch = self.project(branch)
        if self.training and self.drop_connect:
            branch = drop_path(branch, self.drop_connect)
        shortcut = pool_shortcut(x, self.stride)
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        return shortcut + branch
