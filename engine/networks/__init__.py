"""Discrete networks, built from a genotype."""

from engine.networks.cifar import CifarNetwork, parameter_count
from engine.networks.drop_path import drop_path
from engine.networks.layout import auxiliary_place, reduction_places

__all__ = ["CifarNetwork", "auxiliary_place", "drop_path", "parameter_count", "reduction_places"]
