"""Configurations: declared once in here, by pydantic, and nowhere else."""

from engine.config.data_sets import DATA_SETS, DataReference, DataSet, absolute_data, parse_data
from engine.config.describe import FieldDescription, describe
from engine.config.fields import RunConfig
from engine.config.kinds import CONFIG_CLASSES
from engine.config.network import NetworkKind, network_kind
from engine.config.presets import METHODS, PRESETS, Method, retraining_method
from engine.config.protocols import PROTOCOLS, PaperProtocol, paper_protocol
from engine.config.resolve import check, defaults, known_method, parse_assignments, read_config_file, resolve
from engine.config.retrain import RetrainConfig
from engine.config.search import SearchConfig

__all__ = [
    "CONFIG_CLASSES",
    "DATA_SETS",
    "METHODS",
    "PRESETS",
    "PROTOCOLS",
    "DataReference",
    "DataSet",
    "FieldDescription",
    "Method",
    "NetworkKind",
    "PaperProtocol",
    "RetrainConfig",
    "RunConfig",
    "SearchConfig",
    "absolute_data",
    "check",
    "defaults",
    "describe",
    "known_method",
    "network_kind",
    "paper_protocol",
    "parse_assignments",
    "parse_data",
    "read_config_file",
    "resolve",
    "retraining_method",
]
