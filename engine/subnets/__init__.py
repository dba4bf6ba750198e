"""Sub-networks of a two-stage supernet as plain values: spaces, architectures, sampling, fronts. No torch."""

from engine.subnets.architecture import Architecture, architecture_from_json
from engine.subnets.named import NamedSubnet, named_subnets
from engine.subnets.shipped import space_named, space_names, spaces
from engine.subnets.space import Coordinate, Space, SpaceFileError, Stage, SubnetError, space_from_json

__all__ = [
    "Architecture",
    "Coordinate",
    "NamedSubnet",
    "Space",
    "SpaceFileError",
    "Stage",
    "SubnetError",
    "architecture_from_json",
    "named_subnets",
    "space_from_json",
    "space_named",
    "space_names",
    "spaces",
]
