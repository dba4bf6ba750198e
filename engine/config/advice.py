"""What a person should hear about settings that are allowed, but rarely meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.config.data_sets import parse_data
from engine.config.fields import RunConfig
from engine.config.presets import PRESETS, preset_values, retraining_method
from engine.config.retrain import RetrainConfig
from engine.config.search import SearchConfig
from engine.config.two_stage import TwoStageConfig

_SAME_WITHIN = 1.5
"""Batches that differ by less than this factor train alike at one rate."""


def rate_for_another_batch(config: RunConfig) -> str | None:
    """A warning where the learning rate is a preset's and the batch is not, with the rate in proportion; else None.

    Source: Goyal et al., Accurate, Large Minibatch SGD, 2017 (the linear scaling rule).
    """
    if isinstance(config, SearchConfig) and not config.order:
        return None  # A random cell trains nothing.
    method = config.method if isinstance(config, SearchConfig | TwoStageConfig) else None
    if isinstance(config, RetrainConfig):
        method = retraining_method(config.genotype)
    dataset = parse_data(config.data).dataset
    presets = {preset: preset_values(config.kind, method, dataset, preset) for preset in PRESETS if preset != "auto"}
    # Which preset it was is not told: the one that most of its values are from.
    preset, usual = max(presets.items(), key=lambda item: _agreement(config, item[1]))
    ratio = config.batch_size / usual["batch_size"]
    if usual["learning_rate"] != config.learning_rate or 1 / _SAME_WITHIN < ratio < _SAME_WITHIN:
        return None
    return (
        f"batch_size={config.batch_size} with the learning rate that the preset {preset} has for {usual['batch_size']}: "
        f"in proportion to the batch learning_rate={config.learning_rate:g} would be {config.learning_rate * ratio:.2g}."
    )


def _agreement(config: RunConfig, usual: Mapping[str, Any]) -> float:
    """Share of a preset's values that the configuration has."""
    return sum(bool(getattr(config, name) == value) for name, value in usual.items()) / len(usual)
