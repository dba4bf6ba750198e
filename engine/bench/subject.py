"""A supernet under measurement: the trainer that a search would run, on random images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch

from engine.bench.images import WEIGHTS_SHARE
from engine.config import SearchConfig
from engine.data import LoadedData
from engine.search.trainer import SearchTrainer
from engine.training.device import wait_for

_MANY_EPOCHS = 100_000


class Subject:
    """Takes steps of a search one by one.

    Its first epoch is a warm-up, so that both kinds of step can be had from one trainer: those of a run's warm-up
    epochs, which move the weights only, and whole ones. The schedules stand at their start.

    Args:
        data: from ``random_data`` for this configuration.
        decided: how the supernet is laid out where the settings leave it open; None decides here.

    Attributes:
        decisions: how it is laid out.

    Raises:
        ConfigError, GenotypeError: settings that fit no network.
    """

    def __init__(
        self, config: SearchConfig, data: LoadedData, device: torch.device, decided: Mapping[str, Any] | None = None
    ) -> None:
        config = config.model_copy(
            update={"warmup_epochs": 1, "epochs": _MANY_EPOCHS, "train_portion": WEIGHTS_SHARE, "limit_images": None}
        )
        self._device = device
        torch.manual_seed(config.seed)
        self._trainer = SearchTrainer(config, data, device, decided)
        self.decisions = dict(self._trainer.decisions)
        self.parameters = int(self._trainer.facts()["parameters"])
        self._whole = self._trainer.steps_per_epoch
        self._weights = 0

    def whole_step(self) -> int:
        """Alphas, then weights; returns the images of the weights' batch."""
        images = self._trainer.step(self._whole)
        self._whole += 1
        return images

    def weights_step(self) -> int:
        """A step of a warm-up epoch."""
        images = self._trainer.step(self._weights)
        self._weights = (self._weights + 1) % self._trainer.steps_per_epoch
        return images

    def whole_step_seconds(self) -> float:
        """The time of a whole step, with everything that it gives a device to do."""
        begin = self._now()
        self.whole_step()
        return self._now() - begin

    def weights_step_seconds(self) -> float:
        """The time of a weights' step."""
        begin = self._now()
        self.weights_step()
        return self._now() - begin

    def _now(self) -> float:
        wait_for(self._device)
        return time.perf_counter()
