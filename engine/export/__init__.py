"""A network out of nascope: ONNX, torch.export, plain weights, and one readable module that needs torch alone."""

from engine.export.source import (
    ExportedCells,
    ExportedNetwork,
    ExportedSubnet,
    cut_out_network,
    exported_subnet,
    fresh_network,
    fresh_subnet,
    trained_network,
)
from engine.export.write import NETWORK_FORMATS, Options, Written, write_network

__all__ = [
    "NETWORK_FORMATS",
    "ExportedCells",
    "ExportedNetwork",
    "ExportedSubnet",
    "Options",
    "Written",
    "cut_out_network",
    "exported_subnet",
    "fresh_network",
    "fresh_subnet",
    "trained_network",
    "write_network",
]
