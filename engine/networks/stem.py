"""What stands before the first cell."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

STEM_MULTIPLIER = 3
"""The stem for small images gives this many times the channels of the first cell."""


class CifarStem(nn.Sequential):
    """3×3 convolution and batch norm, no ReLU: (N, image_channels, H, W) to (N, 3 · channels, H, W).

    Its batch norm is affine in the search as well (DARTS, model.NetworkCIFAR and model_search.Network).
    """

    def __init__(self, image_channels: int, channels: int) -> None:
        channels_out = STEM_MULTIPLIER * channels
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(image_channels, channels_out, 3, padding=1, bias=False), bn=nn.BatchNorm2d(channels_out)
            )
        )
        self.channels_out = channels_out
