"""The discretization gap of a saved search, measured on demand."""

from __future__ import annotations

from typing import Any

import torch

from engine.config import SearchConfig
from engine.errors import RunError
from engine.execution.make import make_trainer
from engine.execution.same_images import refuse_other_images
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_LAST
from engine.training.checkpoint import load_checkpoint
from engine.training.device import pick_device
from engine.training.resuming import read_as_before


def measure_gap(folder: RunFolder, device: str = "auto") -> dict[str, Any]:
    """Accuracy of the supernet with its soft alphas and with one-hot alphas of its chosen cell, added to the run's results.

    Raises:
        RunError: the run is no search with alphas, or has no checkpoint yet.
        DataError: the images are not those that the run was begun with.
    """
    config = folder.config()
    if not isinstance(config, SearchConfig) or config.order == 0:
        raise RunError("only a search with alphas has a discretization gap.", where=str(folder.path))
    where = pick_device(device)
    checkpoint = load_checkpoint(folder.path / CHECKPOINT_LAST)
    torch.manual_seed(config.seed)
    decided = folder.decided()
    trainer = make_trainer(
        read_as_before(config, decided),
        where,
        lambda what, done, total: None,
        decided if decided.get("device") == str(where) else None,
    )
    refuse_other_images(folder, trainer.facts().get("split_fingerprint"))
    trainer.load_state_dict(checkpoint["trainer"])
    try:
        ((_, fields),) = trainer.final_reports(lambda: None)
    finally:
        trainer.close()
    return folder.add_result("discretization_gap", **fields, epoch=checkpoint["epochs_ended"])
