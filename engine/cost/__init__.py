"""Parameters and multiply-adds in closed form, for cells, networks and supernets. No torch."""

from engine.cost.layers import Cost
from engine.cost.networks import NetworkCost, Part, fixed_cost, network_cost, operation_cost, supernet_cost
from engine.cost.settings import PAPER_CIFAR, PAPER_IMAGENET, PAPER_SETTINGS, NetworkSettings

__all__ = [
    "PAPER_CIFAR",
    "PAPER_IMAGENET",
    "PAPER_SETTINGS",
    "Cost",
    "NetworkCost",
    "NetworkSettings",
    "Part",
    "fixed_cost",
    "network_cost",
    "operation_cost",
    "supernet_cost",
]
