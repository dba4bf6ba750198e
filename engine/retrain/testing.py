"""The test: the only code that touches the test split, and it counts how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from engine.config import RetrainConfig, RunConfig, SubnetConfig, TwoStageConfig, absolute_data
from engine.cost.subnets import subnet_cost
from engine.data import LoadedData, Normalization, load_data, open_stream
from engine.distributed import ALONE, Ranks, first_goes
from engine.errors import DataError, RunError
from engine.networks import build_network
from engine.runs import RunFolder
from engine.runs.origin import no_subnet_named
from engine.subnets import Architecture
from engine.training.checkpoint import load_best
from engine.training.evaluate import evaluate
from engine.training.rank_device import device_of_rank
from engine.training.resuming import read_as_before
from engine.two_stage.saved import open_saved


@dataclass(frozen=True)
class _Subject:
    """A network to test and what it was trained on.

    Attributes:
        network: on the device of the test.
        trained: the trainer's part of the checkpoint.
        about: further numbers of the result.
    """

    network: nn.Module
    trained: Mapping[str, Any]
    checkpoint: str
    epochs: int
    about: Mapping[str, Any] = field(default_factory=dict)


def run_test(
    folder: RunFolder, *, data: str | None = None, device: str = "auto", ranks: Ranks = ALONE, subnet: Architecture | None = None
) -> dict[str, Any]:  # fmt: skip
    """Test a trained network on the test split, and add the result to the run.

    The weights are those of the best validation accuracy where a validation split was held out, else the last ones
    (the papers' retraining holds out none). Images are normalized as the training's were, whatever set they are from.

    Args:
        data: another data set with the same classes; None takes the run's own.
        ranks: processes that each test a share of the images; rank 0 adds the result to the run.
        subnet: of a two-stage run, which needs one: it is cut out of the supernet, and its batch norms are calibrated on
            training images.

    Returns:
        ``run, split, data, images, accuracy_percent, top5_accuracy_percent`` (None with five classes or fewer), ``loss,
        checkpoint, epoch`` (whole epochs trained), ``split_fingerprint`` (equal for equal test images), ``images_changed`` (whether the run's own images are others than it
        was trained on, so that some of those may be tested now) and ``tests_so_far``; of a sub-network also
        ``architecture`` (its record, ``subnet`` in the run's results), ``macs`` and ``parameters``.

    Raises:
        RunError: the run has no network to test, or has not trained an epoch yet.
        DataError: the data set is not there, or has other classes or colours.
    """
    config = folder.config()
    _refuse_wrong_kind(folder, config, subnet)
    if data is None:
        config = read_as_before(config, folder.decided())
    else:
        config = config.model_copy(update={"data": absolute_data(data)})
    where = device_of_rank(device, ranks)
    subject = (
        _trained_subject(folder, config, where) if subnet is None else _cut_out_subject(folder, subnet, where, ranks)
    )
    trained = subject.trained
    config = config.model_copy(update={"image_size": trained["image_size"]})
    mean, std = trained["normalization"]
    normalization = Normalization(tuple(mean), tuple(std))
    loaded = first_goes(
        ranks, lambda: load_data(config, where, splits=("test",), normalization=normalization), "test data"
    )
    _refuse_other_images(loaded, config, trained)
    stream = open_stream(loaded.splits["test"], config, "test", shuffle=False, ranks=ranks)
    found = evaluate(subject.network, stream.epoch_batches(), where, ranks)
    numbers = {
        "split": "test", "data": config.data, "images": found.images, "accuracy_percent": found.accuracy_percent,
        "top5_accuracy_percent": found.top5_accuracy_percent, "loss": found.loss, "checkpoint": subject.checkpoint,
        "epoch": subject.epochs, "split_fingerprint": loaded.split_fingerprints["test"],
        "images_changed": config.data == folder.config().data
        and folder.decided().get("split_fingerprint") not in (None, loaded.fingerprint),
    }  # fmt: skip
    about = dict(subject.about)
    if ranks.is_first:
        folder.add_result("test", **numbers, **about)
    record = {"architecture": about.pop("subnet")} if about else {}
    return {"run": str(folder.path), **numbers, **record, **about, "tests_so_far": folder.tests_so_far()}


def _refuse_wrong_kind(folder: RunFolder, config: RunConfig, subnet: Architecture | None) -> None:
    place = str(folder.path)
    if isinstance(config, TwoStageConfig):
        if subnet is None:
            raise no_subnet_named(folder)
    elif subnet is not None:
        raise RunError("only a two-stage run has sub-networks.", where=place, mend="Leave --subnet out.")
    elif not isinstance(config, RetrainConfig | SubnetConfig):
        raise RunError(
            "a search has no network to test.", where=place, mend=f"Retrain its cell first: nascope retrain {place}"
        )


def _trained_subject(folder: RunFolder, config: RunConfig, device: torch.device) -> _Subject:
    """The network of a retraining."""
    assert isinstance(config, RetrainConfig | SubnetConfig)
    chosen, checkpoint = load_best(folder)
    trained = checkpoint["trainer"]
    network = build_network(config, len(trained["classes"]), trained["image_channels"], trained["image_size"])
    network.load_state_dict(trained["weights"])
    return _Subject(network.to(device), trained, chosen, checkpoint["epochs_ended"])


def _cut_out_subject(folder: RunFolder, subnet: Architecture, device: torch.device, ranks: Ranks) -> _Subject:
    """A sub-network of a two-stage run."""
    saved = open_saved(folder, str(device), ranks=ranks)
    try:
        architecture = replace(subnet, space=saved.space)
        network, data = saved.network(architecture), saved.data
    finally:
        saved.close()
    cost = subnet_cost(architecture)
    trained = {
        "classes": list(data.class_names), "image_channels": data.channels, "image_size": data.image_size,
        "normalization": [list(data.normalization.mean), list(data.normalization.std)],
    }  # fmt: skip
    about = {"subnet": architecture.as_json(), "macs": cost.macs, "parameters": cost.parameters}
    return _Subject(network, trained, saved.checkpoint, saved.epoch, about)


def _refuse_other_images(loaded: LoadedData, config: RunConfig, trained: Mapping[str, Any]) -> None:
    if loaded.channels != trained["image_channels"]:
        raise DataError(
            f"has images of {loaded.channels} colour channels, and the network was trained on {trained['image_channels']}.",
            where=config.data,
            mend="Test on images of the same kind.",
        )
    if list(loaded.class_names) != trained["classes"]:
        raise DataError(
            "has other classes than the run was trained on.",
            where=config.data,
            mend="Test on a set with the same classes.",
        )
