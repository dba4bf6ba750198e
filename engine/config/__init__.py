"""Configurations: declared once in here, by pydantic, and nowhere else."""

from engine.config.data_sets import DATA_SETS, DataReference, DataSet, absolute_data, parse_data
from engine.config.describe import FieldDescription, describe
from engine.config.fields import RunConfig
from engine.config.kinds import CONFIG_CLASSES
from engine.config.presets import METHODS, PRESETS, Method
from engine.config.resolve import check, defaults, known_method, parse_assignments, read_config_file, resolve
from engine.config.retrain import RetrainConfig
from engine.config.search import SearchConfig

__all__ = [
    "CONFIG_CLASSES",
    "DATA_SETS",
    "METHODS",
    "PRESETS",
    "DataReference",
    "DataSet",
    "FieldDescription",
    "Method",
    "RetrainConfig",
    "RunConfig",
    "SearchConfig",
    "absolute_data",
    "check",
    "defaults",
    "describe",
    "known_method",
    "parse_assignments",
    "parse_data",
    "read_config_file",
    "resolve",
]
