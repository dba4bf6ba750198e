"""One sub-network of a two-stage space as a network of its own."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.mbconv import ConvNorm, DropConnectStages, MBConv, block_shapes, drop_connect_rates
from engine.subnets import Architecture

Initialization = Literal["default", "he-fan-out"]


class Head(nn.Module):
    """Feature map (N, C, H, W) to features (N, L).

    ``v3``: 1x1 convolution to ``head_expansion`` times C with batch norm and swish, global mean, 1x1 convolution to L
    without batch norm or bias, swish. ``v1``: 1x1 convolution to L with batch norm and swish, global mean.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        space, channels, features = architecture.space, architecture.width[-2], architecture.width[-1]
        inner = channels * space.head_expansion if space.head == "v3" else features
        self.expand = ConvNorm(channels, inner, 1)
        self.mix = nn.Conv2d(inner, features, 1, bias=False) if space.head == "v3" else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.expand(x).mean((2, 3), keepdim=True)
        if self.mix is not None:
            x = F.silu(self.mix(x))
        return x.flatten(1)


class SubnetNetwork(nn.Module):
    """Images (N, C, H, W) to ``(logits (N, classes), None)``; the None stands where other networks have auxiliary logits.

    Images of another side than ``architecture.resolution`` are resized (``prepare_images``).

    Args:
        architecture: what to build; its space says how many classes.
        dropout: before the classifier, while training.
        drop_connect: of the last block's branch, less in earlier ones (``drop_connect_rates``), while training.
        drop_connect_stages: whose blocks have it.
        initialization, zero_gamma: as ``initialize``.

    Attributes:
        channels_last: memory order that images are brought to; weights in that order too make it faster
            (``order_memory`` does both).
        drop_path_probability: what a retraining sets in networks of cells; not looked at here.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        dropout: float = 0.0,
        drop_connect: float = 0.0,
        drop_connect_stages: DropConnectStages = "last-two",
        initialization: Initialization = "default",
        zero_gamma: bool = True,
    ) -> None:
        super().__init__()
        space = architecture.space
        self.architecture = architecture
        self.channels_last = False
        self.drop_path_probability = 0.0
        self.dropout = dropout
        rates = drop_connect_rates(space, drop_connect, drop_connect_stages)
        self.stem = ConvNorm(space.image_channels, architecture.width[0], 3, stride=space.first_stride)
        self.stages = nn.Sequential(
            *(nn.Sequential(*(MBConv(shape, rates[shape.place]) for shape in stage)) for stage in block_shapes(architecture))
        )  # fmt: skip
        self.head = Head(architecture)
        self.classifier = nn.Linear(architecture.width[-1], space.classes)
        initialize(self, initialization, zero_gamma=zero_gamma)

    def order_memory(self, channels_last: bool) -> None:
        """Lay weights and the images to come out with their channels last in memory, or not; no number changes."""
        self.channels_last = channels_last
        self.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        x = prepare_images(images, self.architecture)
        x = x.contiguous(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)
        x = self.head(self.stages(self.stem(x)))
        if self.training and self.dropout:
            x = F.dropout(x, self.dropout)
        return self.classifier(x), None


def prepare_images(images: Tensor, architecture: Architecture) -> Tensor:
    """(N, C, H, W) to (N, 3, R, R) of the architecture's resolution R: bicubic, without antialiasing; grey is repeated.

    Source: AttentiveNAS, attentive_nas_dynamic_model.forward, in training and in evaluation alike.
    """
    side, channels = architecture.resolution, architecture.space.image_channels
    if images.shape[2] != side or images.shape[3] != side:
        images = F.interpolate(images, (side, side), mode="bicubic", align_corners=False)
    return images.expand(-1, channels, -1, -1) if images.shape[1] == 1 else images


def initialize(network: nn.Module, initialization: Initialization, *, zero_gamma: bool) -> None:
    """Give the weights of a fresh sub-network or supernet the values that they begin with.

    Args:
        initialization: ``default``: as torch made them. ``he-fan-out``: each convolution's weights normal with variance
            2 / (k * k * output channels), of depthwise ones too, and its bias 0.
        zero_gamma: begin the last batch norm of every block at 0, so that each block begins as its shortcut.

    Source: BigNAS section 3.2; the fan-out as public ports of it count it.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and initialization == "he-fan-out":
            fan_out = math.prod(module.kernel_size) * module.out_channels
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, MBConv) and zero_gamma:
            nn.init.zeros_(module.project.norm.weight)
