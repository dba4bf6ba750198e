"""The test: the only code that touches the test split, and it counts how often."""

from __future__ import annotations

from typing import Any

from engine.config import RetrainConfig, parse_data
from engine.data import BatchStream, load_data
from engine.errors import DataError, RunError
from engine.retrain.trainer import build_network
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST
from engine.training.checkpoint import load_checkpoint
from engine.training.device import pick_device
from engine.training.evaluate import evaluate


def run_test(folder: RunFolder, *, data: str | None = None, device: str = "auto") -> dict[str, Any]:
    """Test a retrained network on the test split, and add the result to the run.

    The weights are those of the best validation accuracy where a validation split was held out, else the last ones
    (the papers' retraining holds out none).

    Args:
        data: another data set with the same classes; None takes the run's own.

    Returns:
        ``run, split, images, accuracy_percent, top5_accuracy_percent, loss, tests_so_far`` and ``checkpoint``.

    Raises:
        RunError: the run is no retraining, or has no checkpoint yet.
        DataError: the data set is not there, or has other classes.
    """
    config = folder.config()
    if not isinstance(config, RetrainConfig):
        raise RunError(
            "a search has no network to test.",
            where=str(folder.path),
            mend="Retrain its cell first (nascope retrain RUN).",
        )
    if data is not None:
        parse_data(data)
        config = config.model_copy(update={"data": data})
    chosen = CHECKPOINT_BEST if (folder.path / CHECKPOINT_BEST).exists() else CHECKPOINT_LAST
    where = pick_device(device)
    checkpoint = load_checkpoint(folder.path / chosen, where)
    trained = checkpoint["trainer"]
    config = config.model_copy(update={"image_size": trained["image_size"]})
    loaded = load_data(config, where, splits=("test",))
    if list(loaded.class_names) != trained["classes"]:
        raise DataError(
            "has other classes than the run was trained on.",
            where=config.data,
            mend="Test on a set with the same classes.",
        )
    network = build_network(config, len(loaded.class_names), trained["image_channels"], trained["image_size"]).to(where)
    network.load_state_dict(trained["weights"])
    stream = BatchStream(
        loaded.splits["test"], config.batch_size, seed=0, name="test", augmentation=None, shuffle=False
    )
    found = evaluate(network, (stream.batch(position) for position in range(stream.steps_per_epoch)), where)
    numbers = {
        "split": "test", "data": config.data, "images": found.images, "accuracy_percent": found.accuracy_percent,
        "top5_accuracy_percent": found.top5_accuracy_percent, "loss": found.loss, "checkpoint": chosen,
        "epoch": checkpoint["epochs_ended"],
    }  # fmt: skip
    folder.add_result("test", **numbers)
    return {"run": str(folder.path), **numbers, "tests_so_far": folder.tests_so_far()}
