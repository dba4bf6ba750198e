"""One way to a discrete network: from a configuration and what the data are like."""

from __future__ import annotations

from engine.config import NetworkKind, RetrainConfig, network_kind
from engine.genotype import genotype_from_json
from engine.networks.cifar import CifarNetwork
from engine.networks.discrete import DiscreteNetwork
from engine.networks.imagenet import ImageNetNetwork

NETWORKS: dict[NetworkKind, type[CifarNetwork] | type[ImageNetNetwork]] = {
    "cifar": CifarNetwork,
    "imagenet": ImageNetNetwork,
}


def build_network(config: RetrainConfig, classes: int, image_channels: int, image_size: int) -> DiscreteNetwork:
    """The network that a retraining trains, and that a test and an export load.

    Args:
        image_size: side in pixels of the images, which decides about the stem where the configuration leaves it open.

    Raises:
        GenotypeError: a primitive that is not registered.
        ConfigError: the auxiliary head does not fit the image size.
    """
    return NETWORKS[network_kind(config.network, image_size)](
        genotype_from_json(config.genotype), config.channels, classes, config.layers, auxiliary=config.auxiliary,
        image_channels=image_channels, image_size=image_size,
    )  # fmt: skip
