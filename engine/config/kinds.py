"""The kinds of run and the configuration class of each."""

from __future__ import annotations

from engine.config.fields import RunConfig
from engine.config.retrain import RetrainConfig
from engine.config.search import SearchConfig
from engine.config.subnet import SubnetConfig
from engine.config.two_stage import TwoStageConfig

CONFIG_CLASSES: dict[str, type[RunConfig]] = {
    "search": SearchConfig,
    "retrain": RetrainConfig,
    "two-stage": TwoStageConfig,
    "subnet": SubnetConfig,
}

FIRST_STAGES = ("search", "two-stage")
"""Kinds that ``nascope search`` starts: they have a method."""

ONE_NETWORK = ("retrain", "subnet")
"""Kinds that ``nascope retrain`` starts: one discrete network, which can be tested and exported."""
