"""The trainer for a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from engine.config import RetrainConfig, RunConfig, SearchConfig
from engine.data import load_data
from engine.retrain.trainer import RetrainTrainer
from engine.search.random_search import RandomSearch
from engine.search.trainer import SearchTrainer
from engine.training.trainer import Trainer


def make_trainer(
    config: RunConfig,
    device: torch.device,
    progress: Callable[[str, int, int], None],
    decided: Mapping[str, Any] | None = None,
) -> Trainer:
    """Read the data and build the trainer.

    Args:
        decided: what an earlier sitting decided for this machine.
        progress: hears ``(what, done, total)`` while data are read; may raise to stop.

    Raises:
        DataError, GenotypeError, ConfigError: input that does not fit.
    """
    if isinstance(config, SearchConfig) and config.order == 0:
        return RandomSearch(config)
    data = load_data(config, device, progress=progress)
    if isinstance(config, SearchConfig):
        return SearchTrainer(config, data, device, decided)
    if isinstance(config, RetrainConfig):
        return RetrainTrainer(config, data, device)
    raise TypeError(f"no trainer for {type(config).__name__}")
