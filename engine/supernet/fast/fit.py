"""What brings a cell's input to its channels: ReLU, 1×1 convolution, batch norm."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine.primitives import ReLUConvBN
from engine.supernet.fast.layout import images_of, is_channels_last, pixels_by_channels


class FastReLUConvBN(ReLUConvBN):
    """``ReLUConvBN`` as a product of matrices where the channels are last in memory; takes the textbook's own layers."""

    conv: nn.Conv2d
    bn: nn.BatchNorm2d

    def __init__(self, textbook: ReLUConvBN) -> None:
        nn.Module.__init__(self)
        for name, layer in textbook.named_children():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        if x.device.type == "cpu" and is_channels_last(x):
            x = images_of(pixels_by_channels(x) @ self.conv.weight.flatten(1).t(), x)
        else:
            x = self.conv(x)
        found: Tensor = self.bn(x)
        return found
