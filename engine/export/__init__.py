"""A network out of nascope: ONNX, torch.export, plain weights, and one readable module that needs torch alone."""

from engine.export.source import ExportedNetwork, fresh_network, trained_network
from engine.export.write import NETWORK_FORMATS, Options, Written, write_network

__all__ = [
    "NETWORK_FORMATS",
    "ExportedNetwork",
    "Options",
    "Written",
    "fresh_network",
    "trained_network",
    "write_network",
]
