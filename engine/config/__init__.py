"""Configurations: declared once in here, by pydantic, and nowhere else."""

from engine.config.data_sets import DATA_SETS, DataReference, DataSet, absolute_data, parse_data
from engine.config.describe import FieldDescription, describe
from engine.config.fields import RunConfig
from engine.config.kinds import CONFIG_CLASSES, FIRST_STAGES, ONE_NETWORK
from engine.config.network import NetworkKind, network_kind
from engine.config.presets import METHODS, PRESETS, Method, method_names, retraining_method
from engine.config.protocols import PROTOCOLS, PaperProtocol, paper_protocol
from engine.config.resolve import (
    check,
    defaults,
    kind_of_method,
    known_method,
    parse_assignments,
    read_config_file,
    resolve,
)
from engine.config.retrain import RetrainConfig
from engine.config.search import SearchConfig
from engine.config.subnet import SubnetConfig
from engine.config.two_stage import TwoStageConfig

__all__ = [
    "CONFIG_CLASSES",
    "DATA_SETS",
    "FIRST_STAGES",
    "METHODS",
    "ONE_NETWORK",
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
    "SubnetConfig",
    "TwoStageConfig",
    "absolute_data",
    "check",
    "defaults",
    "describe",
    "kind_of_method",
    "known_method",
    "method_names",
    "network_kind",
    "paper_protocol",
    "parse_assignments",
    "parse_data",
    "read_config_file",
    "resolve",
    "retraining_method",
]
