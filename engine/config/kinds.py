"""The kinds of run and the configuration class of each."""

from __future__ import annotations

from engine.config.fields import RunConfig
from engine.config.retrain import RetrainConfig
from engine.config.search import SearchConfig

CONFIG_CLASSES: dict[str, type[RunConfig]] = {"search": SearchConfig, "retrain": RetrainConfig}
