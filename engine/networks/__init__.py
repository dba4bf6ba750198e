"""Discrete networks, built from a genotype."""

from engine.networks.build import NETWORKS, build_network
from engine.networks.cifar import CifarNetwork
from engine.networks.discrete import DiscreteNetwork, parameter_count
from engine.networks.drop_path import drop_path
from engine.networks.imagenet import ImageNetNetwork
from engine.networks.layout import auxiliary_place, reduction_places

__all__ = [
    "NETWORKS",
    "CifarNetwork",
    "DiscreteNetwork",
    "ImageNetNetwork",
    "auxiliary_place",
    "build_network",
    "drop_path",
    "parameter_count",
    "reduction_places",
]
