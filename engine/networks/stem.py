"""What stands before the first cell, and gives it both of its inputs."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from engine.config.network import NetworkKind

STEM_MULTIPLIER = 3
"""The stem for small images gives this many times the channels of the first cell; in a search that for ImageNet too."""


class CifarStem(nn.Sequential):
    """3×3 convolution and batch norm, no ReLU: (N, image_channels, H, W) to twice (N, 3 · channels, H, W), one tensor.

    Its batch norm is affine in the search as well (DARTS, model.NetworkCIFAR and model_search.Network).

    Attributes:
        channels_out: of both outputs.
        halves: whether the second output is half as large as the first, as after a reduction cell.
    """

    halves = False
    conv: nn.Conv2d
    bn: nn.BatchNorm2d

    def __init__(self, image_channels: int, channels: int) -> None:
        channels_out = STEM_MULTIPLIER * channels
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(image_channels, channels_out, 3, padding=1, bias=False), bn=nn.BatchNorm2d(channels_out)
            )
        )
        self.channels_out = channels_out

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        last: Tensor = self.bn(self.conv(images))
        return last, last

    def size_out(self, image_size: int) -> int:
        """Side in pixels of what the first cell sees as the last output."""
        return image_size


class ImageNetStem(nn.Module):
    """Three 3×3 convolutions of stride 2: (N, image_channels, H, W) to (N, channels, ⌈H/4⌉, ⌈W/4⌉) and, of the third, ⌈H/8⌉.

    Batch norms are affine in the search as well. The ReLU before the third convolution is out of place, so that the
    first output stays what it is (the original rectifies it; its readers rectify it first thing, so no number differs).

    Args:
        channels: of both outputs: C in a discrete network (DARTS, model.NetworkImageNet), 3 C in a search (PC-DARTS,
            model_search_imagenet).

    Attributes:
        channels_out: of both outputs.
        halves: whether the second output is half as large as the first, as after a reduction cell.
    """

    halves = True

    def __init__(self, image_channels: int, channels: int) -> None:
        super().__init__()
        middle = channels // 2
        self.stem0 = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(image_channels, middle, 3, stride=2, padding=1, bias=False),
                bn1=nn.BatchNorm2d(middle),
                relu=nn.ReLU(),
                conv2=nn.Conv2d(middle, channels, 3, stride=2, padding=1, bias=False),
                bn2=nn.BatchNorm2d(channels),
            )
        )
        self.stem1 = nn.Sequential(
            OrderedDict(
                relu=nn.ReLU(),
                conv=nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False),
                bn=nn.BatchNorm2d(channels),
            )
        )
        self.channels_out = channels

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        before_last: Tensor = self.stem0(images)
        return before_last, self.stem1(before_last)

    def size_out(self, image_size: int) -> int:
        """Side in pixels of what the first cell sees as the last output."""
        return -(-image_size // 8)


Stem = CifarStem | ImageNetStem


def search_stem(kind: NetworkKind, image_channels: int, channels: int) -> Stem:
    """The stem of a supernet whose first cell has ``channels``; both kinds give three times as many."""
    if kind == "imagenet":
        return ImageNetStem(image_channels, STEM_MULTIPLIER * channels)
    return CifarStem(image_channels, channels)
