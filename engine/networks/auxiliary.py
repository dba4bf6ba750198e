"""The auxiliary head: a second classifier at two thirds of the depth that helps gradients while training."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from engine.errors import ConfigError, Fault

AUXILIARY_PREFIX = "auxiliary_head"
"""Name of the head in every network; its parameters are left out of published sizes."""

_CHANNELS = (128, 768)


class CifarAuxiliaryHead(nn.Module):
    """(N, channels, H, W) to logits (N, classes), for features of 8 to 10 pixels a side.

    ReLU, mean of 5×5 with stride 3, 1×1 convolution, BN, ReLU, 2×2 convolution, BN, ReLU, linear.

    Args:
        feature_size: side of the features in pixels.

    Raises:
        ConfigError: ``feature_size`` does not give the 2×2 that the last convolution needs.

    Source: DARTS, cnn/model.AuxiliaryHeadCIFAR. The first ReLU is out of place here: it must not change the cell's
    output that the next cells, or the classifier of a very short network, read.
    """

    def __init__(self, channels: int, classes: int, feature_size: int) -> None:
        super().__init__()
        if not 8 <= feature_size <= 10:
            raise ConfigError(
                [
                    Fault(
                        "auxiliary",
                        f"the auxiliary head needs features of 8 to 10 pixels a side, found {feature_size}.",
                        "Turn auxiliary off, or use images of 29 to 40 pixels (32 in the papers).",
                    )
                ]
            )
        middle, last = _CHANNELS
        self.features = nn.Sequential(
            OrderedDict(
                relu0=nn.ReLU(),
                pool=nn.AvgPool2d(5, stride=3, count_include_pad=False),
                conv1=nn.Conv2d(channels, middle, 1, bias=False),
                bn1=nn.BatchNorm2d(middle),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(middle, last, 2, bias=False),
                bn2=nn.BatchNorm2d(last),
                relu2=nn.ReLU(),
            )
        )
        self.classifier = nn.Linear(last, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits
