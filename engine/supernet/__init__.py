"""The weight-sharing cell network that a search trains."""

from engine.supernet.base import Supernet
from engine.supernet.build import Variant, build_supernet
from engine.supernet.cell import CellWeights
from engine.supernet.fast.network import FastSupernet
from engine.supernet.reference import ReferenceSupernet

__all__ = ["CellWeights", "FastSupernet", "ReferenceSupernet", "Supernet", "Variant", "build_supernet"]
