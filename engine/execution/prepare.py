"""From a plan to a trainer: the same on every process of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from engine.config import RunConfig
from engine.distributed import Ranks
from engine.errors import DataError
from engine.execution.make import make_trainer
from engine.retrain.trainer import RetrainTrainer
from engine.training.determinism import choose_algorithms
from engine.training.rank_device import refuse_shared_devices
from engine.training.trainer import Trainer


@dataclass(frozen=True)
class Plan:
    """What rank 0 reads in the folder or decides for all processes.

    Attributes:
        decided: as in ``config.json``.
        checkpoint: a loaded one to go on from; None starts anew.
        epochs_before: of the run in its last sitting.
    """

    config: RunConfig
    decided: Mapping[str, Any]
    threads: int
    checkpoint: Mapping[str, Any] | None
    epochs_before: int


def prepare(plan: Plan, device: torch.device, progress: Callable[[str, int, int], None], ranks: Ranks) -> Trainer:
    """Threads, random numbers, data and trainer.

    Raises:
        DataError: data that cannot be used, or that are others for another process.
        ConfigError, GenotypeError: as ``make_trainer``.
    """
    choose_algorithms(plan.config.deterministic)
    torch.set_num_threads(plan.threads)
    if ranks.size > 1:
        refuse_shared_devices(device, ranks)
    torch.manual_seed(plan.config.seed)
    trainer = make_trainer(plan.config, device, progress, plan.decided, ranks)
    if ranks.size > 1:
        _refuse_different_images(trainer.facts().get("split_fingerprint"), plan.config.data, ranks)
        torch.manual_seed(ranks.seed(plan.config.seed))  # What ranks draw in training must differ between their images.
    if plan.checkpoint is None and isinstance(trainer, RetrainTrainer):
        trainer.begin()  # Only now: a resume must do without the supernet, whose run may be gone.
    return trainer


def _refuse_different_images(fingerprint: str | None, data: str, ranks: Ranks) -> None:
    told = ranks.all_say(fingerprint)
    others = [rank for rank, found in enumerate(told) if found != told[0]]
    if others:
        raise DataError(
            f"process {others[0]} reads other images than process 0.", where=data,
            mend="Put the same files on all machines.",
        )  # fmt: skip
