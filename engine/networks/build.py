"""One way to a network of its own: from a configuration and what the data are like."""

from __future__ import annotations

from dataclasses import replace
from typing import overload

from engine.config import NetworkKind, RetrainConfig, SubnetConfig, network_kind
from engine.genotype import genotype_from_json
from engine.networks.cifar import CifarNetwork
from engine.networks.discrete import DiscreteNetwork
from engine.networks.imagenet import ImageNetNetwork
from engine.networks.subnet import SubnetNetwork

OneNetworkConfiguration = RetrainConfig | SubnetConfig
"""Configurations of runs that train one network: of the kinds ``engine.config.ONE_NETWORK``."""

OneNetwork = DiscreteNetwork | SubnetNetwork
"""What they train. Both give ``(logits, auxiliary logits or None)``, and ``order_memory``."""

NETWORKS: dict[NetworkKind, type[CifarNetwork] | type[ImageNetNetwork]] = {
    "cifar": CifarNetwork,
    "imagenet": ImageNetNetwork,
}


@overload
def build_network(config: RetrainConfig, classes: int, image_channels: int, image_size: int) -> DiscreteNetwork: ...
@overload
def build_network(config: SubnetConfig, classes: int, image_channels: int, image_size: int) -> SubnetNetwork: ...
@overload
def build_network(
    config: OneNetworkConfiguration, classes: int, image_channels: int, image_size: int
) -> OneNetwork: ...
def build_network(config: OneNetworkConfiguration, classes: int, image_channels: int, image_size: int) -> OneNetwork:
    """The network that a retraining trains, and that a test and an export load.

    Args:
        classes: of the data; a sub-network's record may have been written for another number.
        image_channels: of the images. A sub-network has a stem for three and repeats the one of grey images.
        image_size: side in pixels of the images, which decides about the stem of cells where the configuration leaves it
            open. A sub-network resizes images to its own resolution.

    Raises:
        GenotypeError: a primitive that is not registered.
        ConfigError: the auxiliary head does not fit the image size.
    """
    if isinstance(config, SubnetConfig):
        architecture = config.the_architecture()
        return SubnetNetwork(
            replace(architecture, space=architecture.space.with_classes(classes)), dropout=config.dropout, drop_connect=config.drop_connect,
            drop_connect_stages=config.drop_connect_stages, initialization=config.initialization, zero_gamma=config.zero_gamma,
        )  # fmt: skip
    return NETWORKS[network_kind(config.network, image_size)](
        genotype_from_json(config.genotype), config.channels, classes, config.layers, auxiliary=config.auxiliary,
        image_channels=image_channels, image_size=image_size,
    )  # fmt: skip
