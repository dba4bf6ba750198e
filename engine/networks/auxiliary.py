"""The auxiliary head: a second classifier at two thirds of the depth that helps gradients while training."""

from __future__ import annotations

from collections import OrderedDict
from typing import ClassVar

from torch import Tensor, nn

from engine.errors import ConfigError, Fault

AUXILIARY_PREFIX = "auxiliary_head"
"""Name of the head in every network; its parameters are left out of published sizes."""

_CHANNELS = (128, 768)


class AuxiliaryHead(nn.Module):
    """(N, channels, H, W) to logits (N, classes), for features of ``sizes`` pixels a side.

    ReLU, mean of 5×5, 1×1 convolution, BN, ReLU, 2×2 convolution, BN (or none), ReLU, linear. The first ReLU is out of
    place, unlike the original's: it must not change the cell's output that the next cells, or the classifier of a very
    short network, read.

    Args:
        feature_size: side of the features in pixels.

    Raises:
        ConfigError: ``feature_size`` does not give the 2×2 that the last convolution needs.
    """

    sizes: ClassVar[range]
    """Sides in pixels that fit."""
    image_sizes: ClassVar[str]
    """The images that give them, in words."""
    stride: ClassVar[int]
    """Of the mean."""
    second_norm: ClassVar[bool]
    """Whether a batch norm follows the 2×2 convolution."""

    def __init__(self, channels: int, classes: int, feature_size: int) -> None:
        super().__init__()
        if feature_size not in self.sizes:
            raise ConfigError(
                [
                    Fault(
                        "auxiliary",
                        f"the auxiliary head needs features of {self.sizes[0]} to {self.sizes[-1]} pixels a side, "
                        f"found {feature_size}.",
                        f"Turn auxiliary off, or use images of {self.image_sizes}.",
                    )
                ]
            )
        middle, last = _CHANNELS
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            relu0=nn.ReLU(),
            pool=nn.AvgPool2d(5, stride=self.stride, count_include_pad=False),
            conv1=nn.Conv2d(channels, middle, 1, bias=False),
            bn1=nn.BatchNorm2d(middle),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(middle, last, 2, bias=False),
        )
        if self.second_norm:
            layers["bn2"] = nn.BatchNorm2d(last)
        layers["relu2"] = nn.ReLU()
        self.features = nn.Sequential(layers)
        self.classifier = nn.Linear(last, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits


class CifarAuxiliaryHead(AuxiliaryHead):
    """For features of 8 to 10 pixels. Source: DARTS, cnn/model.AuxiliaryHeadCIFAR."""

    sizes = range(8, 11)
    image_sizes = "29 to 40 pixels (32 in the papers)"
    stride = 3
    second_norm = True


class ImageNetAuxiliaryHead(AuxiliaryHead):
    """For features of 7 or 8 pixels.

    Source: DARTS, cnn/model.AuxiliaryHeadImageNet, which has no batch norm after its 2×2 convolution: a slip that its
    authors keep, so that their weights fit.
    """

    sizes = range(7, 9)
    image_sizes = "193 to 256 pixels (224 in the papers)"
    stride = 2
    second_norm = False
