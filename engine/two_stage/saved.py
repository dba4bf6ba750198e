"""The supernet of a run as it was saved, with what measuring its sub-networks takes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import torch

from engine.config import TwoStageConfig
from engine.data import LoadedData, Normalization, load_data
from engine.distributed import ALONE, Ranks, first_goes
from engine.errors import DataError, RunError
from engine.networks.subnet import SubnetNetwork
from engine.runs import RunFolder
from engine.subnets import Architecture, Space
from engine.training.checkpoint import load_best
from engine.training.memory_format import memory_format_for
from engine.training.rank_device import device_of_rank
from engine.training.resuming import read_as_before
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.supernet import DynamicSupernet


@dataclass(frozen=True, eq=False)
class SavedSupernet:
    """What ``open_saved`` found.

    Attributes:
        config: as the run reads its images.
        space: with the data's classes; architectures must be of it.
        supernet: with the saved weights, in train mode.
        data: with the splits ``train`` and ``validation``, on the device.
        checkpoint: name of the file that the weights are from.
        epoch: whole epochs that they were trained.
        setting: eight hexadecimal digits of all that accuracies depend on beside the architecture: weights, images,
            calibration.
    """

    folder: RunFolder
    config: TwoStageConfig
    space: Space
    supernet: DynamicSupernet
    data: LoadedData
    device: torch.device
    meter: SubnetMeter
    checkpoint: str
    epoch: int
    setting: str

    def network(self, architecture: Architecture) -> SubnetNetwork:
        """A calibrated sub-network, in eval mode."""
        return self.meter.network(self.supernet, architecture)

    def close(self) -> None:
        """Let go of processes that read ahead."""
        self.meter.close()


def open_saved(folder: RunFolder, device: str = "auto", *, ranks: Ranks = ALONE) -> SavedSupernet:
    """Open the supernet of a two-stage run: the best checkpoint where there is one, else the last.

    Args:
        ranks: processes that measure together.

    Raises:
        RunError: the run trains no supernet, or has not trained an epoch yet; its checkpoint is missing or damaged.
        DataError: the images are not there, or are not those that it was trained on.
    """
    config = folder.config()
    if not isinstance(config, TwoStageConfig):
        raise RunError(
            "has no supernet to choose sub-networks from.",
            where=str(folder.path),
            mend="Choose a run of a two-stage method (nascope search --method bignas).",
        )
    decided = folder.decided()
    where = device_of_rank(device, ranks)
    chosen, content = load_best(folder)
    trained = content["trainer"]
    config = read_as_before(config, decided).model_copy(update={"image_size": trained["image_size"]})
    mean, std = trained["normalization"]
    normalization = Normalization(tuple(mean), tuple(std))
    data = first_goes(ranks, lambda: load_data(config, where, normalization=normalization), "data")
    _refuse_other_images(config, data, trained, decided.get("split_fingerprint"))
    space = config.the_space().with_classes(len(trained["classes"]))
    supernet = DynamicSupernet(space)
    try:
        supernet.load_state_dict(trained["weights"])
    except RuntimeError:
        raise RunError(
            f"does not hold the weights of the space {space.name}.",
            where=str(folder.path / chosen),
            mend="Put another copy of it, or of config.json, in its place.",
        ) from None
    supernet = supernet.to(where)
    # An order of memory that was decided for another device says nothing about this one.
    layout = memory_format_for(config, where, decided if decided.get("device") == str(where) else {})
    supernet.order_memory(layout == "channels-last")
    return SavedSupernet(
        folder, config, space, supernet, data, where, SubnetMeter(data, config, where, ranks), chosen, content["epochs_ended"],
        _setting(config, data, content),
    )  # fmt: skip


def _refuse_other_images(
    config: TwoStageConfig, data: LoadedData, trained: dict[str, Any], fingerprint: str | None
) -> None:
    """Validation images may otherwise be some that the supernet was trained on, and the accuracies a fairy tale."""
    same = fingerprint in (None, data.fingerprint) and list(data.class_names) == trained["classes"]
    if not same or data.channels != trained["image_channels"]:
        raise DataError(
            "the images are not those that the run was trained on: some were added, removed or changed since.",
            where=config.data,
            mend="Put them back as they were, or start a new run.",
        )
    if "validation" not in data.splits:
        raise DataError(
            "there are no validation images to choose sub-networks by.",
            where=config.data,
            mend="Start a run with validation_portion=0.02 or more.",
        )


def _setting(config: TwoStageConfig, data: LoadedData, content: dict[str, Any]) -> str:
    depends = {
        "step": content["step"], "epoch": content["epochs_ended"], "images": data.split_fingerprints, "seed": config.seed,
        "augment": config.augment, "calibration": [config.calibration_images, config.calibration_batch_size],
    }  # fmt: skip
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:8]
