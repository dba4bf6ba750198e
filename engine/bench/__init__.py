"""What a search step costs on this machine: time, memory, operations, beside the textbook supernet."""

from engine.bench.images import DataShape, shape_of_data
from engine.bench.measuring import measure
from engine.bench.result import BenchResult, Ratios, SupernetMeasures

__all__ = ["BenchResult", "DataShape", "Ratios", "SupernetMeasures", "measure", "shape_of_data"]
