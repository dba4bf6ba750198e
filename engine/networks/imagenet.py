"""The discrete network for ImageNet: the stem makes an eighth of the image's size before the first cell."""

from __future__ import annotations

from engine.genotype.genotype import Genotype
from engine.networks.auxiliary import ImageNetAuxiliaryHead
from engine.networks.discrete import DiscreteNetwork
from engine.networks.stem import ImageNetStem


class ImageNetNetwork(DiscreteNetwork):
    """A ``DiscreteNetwork`` with the stem of ``ImageNetStem``; its first cell counts as one after a reduction.

    The mean over all pixels before the classifier is the original's 7×7 pool at 224 pixels, and fits other sizes too.

    Args:
        auxiliary: whether the head is built; its weights are then part of ``state_dict()``.
        others, errors: as ``DiscreteNetwork``.

    Source: DARTS, cnn/model.NetworkImageNet.
    """

    def __init__(
        self,
        genotype: Genotype,
        channels: int,
        classes: int,
        layers: int,
        *,
        auxiliary: bool = False,
        image_channels: int = 3,
        image_size: int = 224,
    ) -> None:
        head = ImageNetAuxiliaryHead if auxiliary else None
        super().__init__(ImageNetStem(image_channels, channels), head, genotype, channels, classes, layers, image_size)
