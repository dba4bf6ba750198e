"""The sizes of the networks that a run has to do with, from its configuration and what it has said of its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.config import DataSet, defaults, network_kind, parse_data
from engine.cost.networks import NetworkCost, supernet_cost
from engine.cost.primitives import CustomCounter
from engine.cost.settings import NetworkSettings
from engine.errors import ConfigError, DataError
from engine.genotype.spaces import space_primitives

Config = Mapping[str, Any]
"""A run's ``config.json``."""


def retraining_settings(config: Config, started: Mapping[str, Any]) -> NetworkSettings | None:
    """The network that a retraining trains; for a search, the one that a retraining on its data would by default.

    Args:
        started: fields of the run's ``started`` event; empty before it.

    Returns:
        None where the sizes cannot be told: own files that nobody has opened yet, or a damaged configuration.
    """
    try:
        dataset = parse_data(str(config.get("data", "digits"))).dataset
        if config.get("kind") == "retrain":
            return _settings(config, dataset, started)
        values = defaults("retrain", data=str(config.get("data", "digits")))
    except (ConfigError, DataError):
        return None
    # The search may have seen its images at a size of its own.
    return _settings(values, dataset, {name: said for name, said in started.items() if name != "image_size"})


def search_settings(config: Config, started: Mapping[str, Any]) -> NetworkSettings | None:
    """The supernet that a search trains, but for its space; None as in ``retraining_settings``."""
    try:
        return _settings(config, parse_data(str(config.get("data", "digits"))).dataset, started)
    except DataError:
        return None


def supernet_cost_of(
    config: Config,
    settings: NetworkSettings,
    custom: CustomCounter | None = None,
    *,
    partial_channels: int | None = None,
) -> NetworkCost:
    """The supernet of these sizes with the space and the switches of a search.

    Raises:
        GenotypeError, ConfigError: as ``supernet_cost``.
        SpaceError: a space that is not known here.
    """
    return supernet_cost(
        settings, nodes=int(config.get("nodes", 4)), primitives=space_primitives(str(config.get("space", "darts"))),
        partial_channels=partial_channels or int(config.get("partial_channels", 1)),
        edge_normalization=bool(config.get("edge_normalization", False)), custom=custom,
    )  # fmt: skip


def classes_of(config: Config, started: Mapping[str, Any]) -> int | None:
    """Number of classes of a run's data; None for own files that nobody has opened yet."""
    try:
        return _classes(parse_data(str(config.get("data", "digits"))).dataset, started)
    except (ConfigError, DataError):
        return None


def _classes(dataset: DataSet, started: Mapping[str, Any]) -> int | None:
    names = started.get("classes")
    return len(names) if isinstance(names, list) and names else dataset.classes


def _settings(values: Config, dataset: DataSet, started: Mapping[str, Any]) -> NetworkSettings | None:
    classes = _classes(dataset, started)
    image_channels = started.get("image_channels") or dataset.channels
    image_size = started.get("image_size") or values.get("image_size") or dataset.image_size
    sizes = (values.get("channels"), values.get("layers"), classes, image_size, image_channels)
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        return None
    try:
        kind = network_kind(str(values.get("network", "auto")), image_size)
        return NetworkSettings(kind, *sizes)  # type: ignore[arg-type]  # all are whole numbers, as checked
    except (ValueError, ConfigError):
        return None
