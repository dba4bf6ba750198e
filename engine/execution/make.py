"""The trainer for a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from engine.config import RetrainConfig, RunConfig, SearchConfig, SubnetConfig, TwoStageConfig
from engine.data import load_data
from engine.distributed import ALONE, Ranks, first_goes
from engine.retrain.trainer import RetrainTrainer
from engine.search.random_search import RandomSearch
from engine.search.trainer import SearchTrainer
from engine.training.resuming import read_as_before
from engine.training.trainer import Trainer
from engine.two_stage.trainer import TwoStageTrainer


def make_trainer(
    config: RunConfig,
    device: torch.device,
    progress: Callable[[str, int, int], None],
    decided: Mapping[str, Any] | None = None,
    ranks: Ranks = ALONE,
) -> Trainer:
    """Read the data and build the trainer.

    Args:
        decided: what an earlier sitting decided for this machine.
        ranks: the processes that train together; rank 0 reads first, so that what it fetches is there for the others.
        progress: hears ``(what, done, total)`` while data are read; may raise to stop.

    Raises:
        DataError, GenotypeError, ConfigError: input that does not fit.
    """
    if isinstance(config, SearchConfig) and config.order == 0:
        return RandomSearch(config)
    config = read_as_before(config, decided or {})
    data = first_goes(ranks, lambda: load_data(config, device, progress=progress), "data")
    if isinstance(config, SearchConfig):
        return SearchTrainer(config, data, device, decided, ranks)
    if isinstance(config, TwoStageConfig):
        return TwoStageTrainer(config, data, device, decided, ranks)
    if isinstance(config, RetrainConfig | SubnetConfig):
        return RetrainTrainer(config, data, device, decided, ranks)
    raise TypeError(f"no trainer for {type(config).__name__}")
