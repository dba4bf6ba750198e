"""The weight-sharing cell network that a search trains."""

from engine.supernet.cell import CellWeights
from engine.supernet.reference import Supernet

__all__ = ["CellWeights", "Supernet"]
