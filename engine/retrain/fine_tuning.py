"""Where a fine-tuned sub-network begins: with the weights that its supernet has for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.config import SubnetConfig
from engine.data import LoadedData
from engine.distributed import ALONE, Ranks, first_goes
from engine.errors import RunError
from engine.networks import SubnetNetwork
from engine.runs import RunFolder
from engine.runs.files import read_json
from engine.runs.folder import CONFIG
from engine.two_stage.saved import SavedSupernet, open_saved

_CLASSIFIER = "classifier."


def take_over(
    network: SubnetNetwork, config: SubnetConfig, data: LoadedData, device: torch.device, ranks: Ranks = ALONE
) -> list[tuple[str, str]]:
    """Give a fresh network the weights of its supernet, cut out, with batch norms calibrated on the supernet's images.

    The classifier begins anew where the data have other classes than the supernet's.

    Args:
        data: what the network will be trained on.

    Returns:
        Sentences for people with their level (info or warning).

    Raises:
        RunError: the supernet's run is not there, or has no epoch trained.
        DataError: its images are not there, or have changed.
    """
    path = Path(config.supernet_run or "")
    if not (path / CONFIG).is_file():
        raise RunError(
            "the run of the supernet is not there any more.", where=str(path),
            mend="Put it back, or train from scratch: nascope retrain with the sub-network's record in a file.",
        )  # fmt: skip
    # Not a random number of this run's may depend on how a supernet is built.
    with torch.random.fork_rng(devices=[]):
        saved = first_goes(ranks, lambda: open_saved(RunFolder.open(path), str(device)), "supernet")
        try:
            architecture = replace(config.the_architecture(), space=saved.space)
            weights = saved.network(architecture).state_dict()
            said = [
                (f"Begins with the weights of the supernet {path}, as they were after {_epochs(saved.epoch)}.", "info")
            ]
            said += _said_of_splits(config, data, saved)
            if tuple(saved.data.class_names) != tuple(data.class_names):
                weights = {name: value for name, value in weights.items() if not name.startswith(_CLASSIFIER)}
                said.append(("The data have other classes than the supernet's, so the classifier begins anew.", "info"))
        finally:
            saved.close()
    network.load_state_dict({**network.state_dict(), **weights})
    ranks.copy_from_first(list(network.state_dict().values()))
    return said


def data_of_supernet(config: SubnetConfig) -> str | None:
    """What the supernet was trained on, as its configuration says; None where it cannot be asked."""
    document: Any = read_json(Path(config.supernet_run) / CONFIG) if config.supernet_run else None
    return str(document["data"]) if isinstance(document, Mapping) and "data" in document else None


def _said_of_splits(config: SubnetConfig, data: LoadedData, saved: SavedSupernet) -> list[tuple[str, str]]:
    own, its = (found.split_fingerprints.get("validation") for found in (data, saved.data))
    if config.data != saved.config.data or own is None or own == its:
        return []
    text = (
        "The validation split is not the supernet's (seed, validation_portion or a limit differ), so the supernet has trained on some of "
        "its images: validation accuracies are too good. The test split is not touched by this."
    )
    return [(text, "warning")]


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' * (count != 1)}"
