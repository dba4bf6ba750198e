"""Protocols against the tables of the papers' code: quark0/darts f276dd3, yuhuixu1993/PC-DARTS b74702f, Sunshine-Ye/Beta-DARTS f307704."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config import DATA_SETS, METHODS, PRESETS, defaults, resolve
from engine.genotype.named import named

DARTS = {
    "epochs": 50, "batch_size": 64, "channels": 16, "layers": 8, "nodes": 4, "space": "darts", "learning_rate": 0.025, "learning_rate_min": 0.001,
    "momentum": 0.9, "weight_decay": 3e-4, "gradient_clip": 5.0, "alpha_learning_rate": 3e-4, "alpha_weight_decay": 1e-3,
    "warmup_epochs": 0, "train_portion": 0.5, "validation_portion": 0.0, "cutout": 0, "seed": 2, "order": 1, "partial_channels": 1,
    "edge_normalization": False, "beta_decay": 0.0,
}  # fmt: skip
PUBLISHED: dict[str, dict[str, Any]] = {
    "darts": DARTS,
    "darts-v2": {**DARTS, "order": 2},
    "pc-darts": {
        **DARTS, "batch_size": 256, "learning_rate": 0.1, "learning_rate_min": 0.0, "alpha_learning_rate": 6e-4, "warmup_epochs": 15,
        "partial_channels": 4, "edge_normalization": True,
    },
    "beta-darts": {**DARTS, "beta_decay": 50.0},
}  # fmt: skip
RETRAIN = {
    "epochs": 600, "batch_size": 96, "channels": 36, "layers": 20, "learning_rate": 0.025, "learning_rate_min": 0.0, "momentum": 0.9,
    "weight_decay": 3e-4, "gradient_clip": 5.0, "drop_path": 0.2, "auxiliary": True, "auxiliary_weight": 0.4, "cutout": 16,
    "label_smoothing": 0.0, "seed": 0, "validation_portion": 0.0,
}  # fmt: skip


def picked(values: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names}


@pytest.mark.parametrize("method", PUBLISHED)
def test_a_search_on_cifar10_is_the_papers(method: str) -> None:
    values = resolve("search", method=method, data="cifar10").model_dump()

    assert picked(values, PUBLISHED[method]) == PUBLISHED[method]


def test_a_retraining_on_cifar10_is_the_papers() -> None:
    values = resolve("retrain", data="cifar10", values={"genotype": named("DARTS_V2").as_json()}).model_dump()

    assert picked(values, RETRAIN) == RETRAIN


def test_the_paper_on_digits_leaves_out_what_makes_no_sense_there() -> None:
    values = defaults("retrain", data="digits", preset="paper")

    assert (values["auxiliary"], values["cutout"], values["layers"]) == (False, 0, 20)


def test_small_is_for_the_digits_and_for_who_asks() -> None:
    assert defaults("search", data="digits") == defaults("search", data="digits", preset="small")
    assert defaults("search", data="digits")["channels"] < defaults("search", data="cifar10")["channels"]
    assert defaults("search", data="cifar10", preset="small")["epochs"] == 20


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("data", [name for name, data in DATA_SETS.items() if not data.takes_path])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_combination_of_presets_passes_the_check(method: str, data: str, preset: str) -> None:
    resolve("search", method=method, data=data, preset=preset)
    resolve("retrain", data=data, preset=preset, values={"genotype": named("DARTS_V1").as_json()})


def test_every_method_has_a_passport() -> None:
    for name, method in METHODS.items():
        assert name == method.name
        assert method.summary
        assert method.source
