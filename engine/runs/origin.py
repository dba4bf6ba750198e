"""Where a run comes from: a retraining from a search, a sub-network from a supernet, an imported run from another program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config import absolute_data, defaults
from engine.errors import RunError
from engine.genotype import Genotype
from engine.runs.files import read_json
from engine.runs.folder import CONFIG, RunFolder
from engine.subnets import Architecture


def retrain_origin(genotype: Genotype, run: Path | None = None) -> dict[str, Any]:
    """Settings of a ``RetrainConfig`` that say what is retrained.

    Args:
        run: folder of the run that the genotype is from. The fingerprint of the search's splits is kept, so that the
            retraining can tell whether images of the search's training stand in its test split; a retraining hands on
            what it knows of its search, and a run whose configuration was damaged tells nothing.
    """
    values: dict[str, Any] = {"genotype": genotype.as_json()}
    document = read_json(run / CONFIG) if run is not None else None
    if not isinstance(document, dict):
        return values
    if document.get("kind") == "search":
        decided = document.get("decided")
        fingerprint = decided.get("split_fingerprint") if isinstance(decided, dict) else None
        return values | {"search_run": str(run), "split_fingerprint": fingerprint}
    return values | {name: document.get(name) for name in ("search_run", "split_fingerprint")}


_SAME_IMAGES = (
    "data", "image_size", "limit_images", "limit_portion", "index_file", "reading", "broken_images", "validation_portion", "seed", "color_jitter",
    "auto_augment", "augment", "cutout",
)  # fmt: skip
"""Settings that a sub-network takes from its supernet's run, so that its validation images are those the supernet never saw."""

FINE_TUNING_EPOCHS = 10
_FINE_TUNING_RATE = 0.1
"""Of the learning rate from scratch: the weights are good, and large steps would only shake them."""


def subnet_origin(
    architecture: Architecture, run: Path | None = None, *, data: str | None = None, fine_tuned: bool = True
) -> dict[str, Any]:  # fmt: skip
    """Settings of a ``SubnetConfig`` that say what is trained and where its weights are from.

    Args:
        run: folder of the two-stage run that it was chosen from. The fingerprint of that run's splits is kept, so that the
            training can tell whether images of the supernet's training stand in its test split.
        data: what it is trained on; None takes the run's own.
        fine_tuned: whether it begins with the supernet's weights; else anew.
    """
    values: dict[str, Any] = {"architecture": architecture.as_json()}
    document = read_json(run / CONFIG) if run is not None else None
    if not isinstance(document, dict) or document.get("kind") != "two-stage":
        return values
    decided = document.get("decided")
    fingerprint = decided.get("split_fingerprint") if isinstance(decided, dict) else None
    if fine_tuned:
        return values | {"supernet_run": str(run), "split_fingerprint": fingerprint}
    own_data = data is None or absolute_data(data) == document.get("data")
    return values | ({"split_fingerprint": fingerprint} if own_data else {})


def subnet_defaults(
    run: RunFolder, *, data: str | None = None, preset: str | None = None, fine_tuned: bool = True
) -> dict[str, Any]:
    """Values for the training of a sub-network of a two-stage run, above the preset's and below what a person says.

    The images and splits of the run, where ``data`` are its own (None takes them). For fine-tuning the weights are only
    nudged: 10 epochs at a tenth of the preset's rate, without warm-up, dropout and drop connect, which only the biggest
    network was trained with.

    Raises:
        ConfigError, DataError: the run's configuration was damaged; no such preset or data set.
    """
    config = run.config()
    own_data = data is None or absolute_data(data) == config.data
    values = {name: getattr(config, name) for name in _SAME_IMAGES} if own_data else {}
    if fine_tuned:
        usual = defaults("subnet", data=config.data if data is None else data, preset=preset or "auto")
        values |= {
            "epochs": FINE_TUNING_EPOCHS, "learning_rate": round(usual["learning_rate"] * _FINE_TUNING_RATE, 12),
            "learning_rate_warmup_epochs": 0, "dropout": 0.0, "drop_connect": 0.0,
        }  # fmt: skip
    return values


def no_subnet_named(folder: RunFolder) -> RunError:
    """The error of doing with a supernet what can be done with one network only."""
    return RunError(
        "a supernet is many networks, and none was named.", where=str(folder.path),
        mend=f"Name one with --subnet: smallest, biggest, or one that nascope select {folder.path} found.",
    )  # fmt: skip


def is_imported(document: Mapping[str, Any]) -> bool:
    """Whether a run's ``config.json`` says that another program did the work."""
    return bool(document.get("imported_from"))


def refuse_imported(folder: RunFolder) -> None:
    """Raises RunError for a run that was imported: there is nothing to go on from."""
    if is_imported(folder.config_document()):
        raise RunError(
            "was imported from the original code, so it has no optimizer and no data order to go on with.",
            where=str(folder.path), mend="Start a run of its own: nascope search or retrain with --config and this run's config.json.",
        )  # fmt: skip
