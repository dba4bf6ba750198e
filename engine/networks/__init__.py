"""Networks of their own: discrete ones, built from a genotype, and sub-networks, built from a record."""

from engine.networks.build import NETWORKS, OneNetwork, OneNetworkConfiguration, build_network
from engine.networks.cifar import CifarNetwork
from engine.networks.discrete import DiscreteNetwork, parameter_count
from engine.networks.drop_path import drop_path
from engine.networks.imagenet import ImageNetNetwork
from engine.networks.layout import auxiliary_place, reduction_places
from engine.networks.subnet import SubnetNetwork

__all__ = [
    "NETWORKS",
    "CifarNetwork",
    "DiscreteNetwork",
    "ImageNetNetwork",
    "OneNetwork",
    "OneNetworkConfiguration",
    "SubnetNetwork",
    "auxiliary_place",
    "build_network",
    "drop_path",
    "parameter_count",
    "reduction_places",
]
