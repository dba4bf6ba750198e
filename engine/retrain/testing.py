"""The test: the only code that touches the test split, and it counts how often."""

from __future__ import annotations

from typing import Any

from engine.config import RetrainConfig, absolute_data
from engine.data import Normalization, load_data, open_stream
from engine.distributed import ALONE, Ranks, first_goes
from engine.errors import DataError, RunError
from engine.networks import build_network
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST
from engine.training.checkpoint import load_checkpoint
from engine.training.evaluate import evaluate
from engine.training.rank_device import device_of_rank
from engine.training.resuming import read_as_before


def run_test(
    folder: RunFolder, *, data: str | None = None, device: str = "auto", ranks: Ranks = ALONE
) -> dict[str, Any]:
    """Test a retrained network on the test split, and add the result to the run.

    The weights are those of the best validation accuracy where a validation split was held out, else the last ones
    (the papers' retraining holds out none). Images are normalized as the training's were, whatever set they are from.

    Args:
        data: another data set with the same classes; None takes the run's own.
        ranks: processes that each test a share of the images; rank 0 adds the result to the run.

    Returns:
        ``run, split, data, images, accuracy_percent, top5_accuracy_percent`` (None with five classes or fewer), ``loss,
        checkpoint, epoch`` (whole epochs trained), ``split_fingerprint`` (equal for equal test images), ``images_changed`` (whether the run's own images are others than it
        was trained on, so that some of those may be tested now) and ``tests_so_far``.

    Raises:
        RunError: the run is no retraining, or has not trained an epoch yet.
        DataError: the data set is not there, or has other classes or colours.
    """
    config = folder.config()
    if not isinstance(config, RetrainConfig):
        raise RunError(
            "a search has no network to test.",
            where=str(folder.path),
            mend="Retrain its cell first (nascope retrain RUN).",
        )
    if data is None:
        config = read_as_before(config, folder.decided())
    else:
        config = config.model_copy(update={"data": absolute_data(data)})
    chosen = CHECKPOINT_BEST if (folder.path / CHECKPOINT_BEST).exists() else CHECKPOINT_LAST
    where = device_of_rank(device, ranks)
    checkpoint = load_checkpoint(folder.path / chosen)
    if not checkpoint["epochs_ended"]:
        raise RunError(
            "no epoch is trained yet.", where=str(folder.path), mend="Wait for its first epoch, or resume it."
        )
    trained = checkpoint["trainer"]
    config = config.model_copy(update={"image_size": trained["image_size"]})
    mean, std = trained["normalization"]
    normalization = Normalization(tuple(mean), tuple(std))
    loaded = first_goes(
        ranks, lambda: load_data(config, where, splits=("test",), normalization=normalization), "test data"
    )
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
    network = build_network(config, len(loaded.class_names), trained["image_channels"], trained["image_size"]).to(where)
    network.load_state_dict(trained["weights"])
    stream = open_stream(loaded.splits["test"], config, "test", shuffle=False, ranks=ranks)
    found = evaluate(network, stream.epoch_batches(), where, ranks)
    numbers = {
        "split": "test", "data": config.data, "images": found.images, "accuracy_percent": found.accuracy_percent,
        "top5_accuracy_percent": found.top5_accuracy_percent, "loss": found.loss, "checkpoint": chosen,
        "epoch": checkpoint["epochs_ended"], "split_fingerprint": loaded.split_fingerprints["test"],
        "images_changed": config.data == folder.config().data
        and folder.decided().get("split_fingerprint") not in (None, loaded.fingerprint),
    }  # fmt: skip
    if ranks.is_first:
        folder.add_result("test", **numbers)
    return {"run": str(folder.path), **numbers, "tests_so_far": folder.tests_so_far()}
