"""The discrete network for small images."""

from __future__ import annotations

from engine.genotype.genotype import Genotype
from engine.networks.auxiliary import CifarAuxiliaryHead
from engine.networks.discrete import DiscreteNetwork
from engine.networks.stem import CifarStem


class CifarNetwork(DiscreteNetwork):
    """A ``DiscreteNetwork`` whose first cell sees images of their own size.

    Args:
        auxiliary: whether the head is built; its weights are then part of ``state_dict()``.
        others, errors: as ``DiscreteNetwork``.

    Source: DARTS, cnn/model.NetworkCIFAR.
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
        image_size: int = 32,
    ) -> None:
        head = CifarAuxiliaryHead if auxiliary else None
        super().__init__(CifarStem(image_channels, channels), head, genotype, channels, classes, layers, image_size)
