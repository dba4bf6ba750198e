"""Protocols against the tables of the papers' code: quark0/darts f276dd3, yuhuixu1993/PC-DARTS b74702f, Sunshine-Ye/Beta-DARTS f307704."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config import (
    CONFIG_CLASSES,
    DATA_SETS,
    METHODS,
    PRESETS,
    PROTOCOLS,
    defaults,
    paper_protocol,
    resolve,
    retraining_method,
)
from engine.config.advice import rate_for_another_batch
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
    resolve(METHODS[method].kind, method=method, data=data, preset=preset)
    resolve("retrain", data=data, preset=preset, values={"genotype": named("DARTS_V1").as_json()})


def test_every_method_has_a_passport() -> None:
    for name, method in METHODS.items():
        assert name == method.name
        assert method.summary
        assert method.source


# -- ImageNet, and whose protocol a retraining takes ------------------------------------------------------------------

PC_DARTS_IMAGENET = {
    **PUBLISHED["pc-darts"], "batch_size": 1024, "partial_channels": 2, "learning_rate": 0.5, "learning_rate_min": 0.0,
    "learning_rate_warmup_epochs": 5, "alpha_learning_rate": 6e-3, "warmup_epochs": 35, "limit_portion": 0.125, "train_portion": 0.8,
    "alpha_gradient_clip": 5.0, "color_jitter": 0.0,
}  # fmt: skip
DARTS_IMAGENET_RETRAIN = {
    "epochs": 250, "batch_size": 128, "channels": 48, "layers": 14, "learning_rate": 0.1, "learning_rate_schedule": "exponential",
    "learning_rate_decay": 0.97, "learning_rate_warmup_epochs": 0, "momentum": 0.9, "weight_decay": 3e-5, "gradient_clip": 5.0,
    "drop_path": 0.0, "auxiliary": True, "auxiliary_weight": 0.4, "cutout": 0, "label_smoothing": 0.1, "color_jitter": 0.4, "seed": 0,
    "validation_portion": 0.0,
}  # fmt: skip
PC_DARTS_IMAGENET_RETRAIN = {
    **{name: value for name, value in DARTS_IMAGENET_RETRAIN.items() if name != "learning_rate_decay"},
    "batch_size": 1024, "learning_rate": 0.5, "learning_rate_schedule": "linear", "learning_rate_warmup_epochs": 5,
    "learning_rate_min": 0.0,
}  # fmt: skip


def found_by(method: str) -> dict[str, Any]:
    return {**named("DARTS_V2").as_json(), "name": "mine", "source": {"method": method}}


def test_a_search_of_pc_darts_on_imagenet_is_the_papers() -> None:
    values = resolve("search", method="pc-darts", data="imagenet:/somewhere").model_dump()

    assert picked(values, PC_DARTS_IMAGENET) == PC_DARTS_IMAGENET


def test_other_searches_on_imagenet_have_no_paper_and_take_pc_darts_subset() -> None:
    for method in ("darts", "darts-v2", "beta-darts"):
        values = resolve("search", method=method, data="imagenet:/somewhere").model_dump()
        expected = {**PUBLISHED[method], "limit_portion": 0.125, "train_portion": 0.8}
        assert picked(values, expected) == expected
        assert "No paper" in paper_protocol("search", method, "imagenet").departs[0]


@pytest.mark.parametrize(
    ("genotype", "data", "expected"),
    [
        (named("PC_DARTS_cifar").as_json(), "cifar10", {**RETRAIN, "drop_path": 0.3}),
        (found_by("pc-darts"), "cifar100", {**RETRAIN, "drop_path": 0.3}),
        (found_by("beta-darts"), "cifar100", RETRAIN),
        (found_by("random"), "cifar10", RETRAIN),
        (found_by("another"), "cifar10", RETRAIN),
        (named("PC_DARTS_image").as_json(), "imagenet:/somewhere", PC_DARTS_IMAGENET_RETRAIN),
        (named("DARTS_V2").as_json(), "imagenet:/somewhere", DARTS_IMAGENET_RETRAIN),
    ],
)
def test_a_retraining_takes_the_protocol_of_the_paper_that_found_its_cells(
    genotype: dict[str, Any], data: str, expected: dict[str, Any]
) -> None:
    values = resolve("retrain", data=data, preset="paper", values={"genotype": genotype}).model_dump()

    assert picked(values, expected) == expected


def test_one_protocol_can_be_named_for_all() -> None:
    cells = {"genotype": named("PC_DARTS_cifar").as_json()}
    assert resolve("retrain", data="cifar10", preset="paper-darts", values=cells).model_dump()["drop_path"] == 0.2
    assert resolve("retrain", data="cifar10", method="darts", values=cells).model_dump()["drop_path"] == 0.2

    values = resolve("search", method="darts", data="cifar10", preset="paper-pc-darts").model_dump()

    assert (values["batch_size"], values["learning_rate"]) == (256, 0.1)
    assert (values["partial_channels"], values["edge_normalization"], values["warmup_epochs"]) == (1, False, 0)


def test_the_method_of_cells_is_read_with_care() -> None:
    assert [
        retraining_method(cells) for cells in (None, "x", {}, {"source": 3}, {"source": {"method": ["darts"]}})
    ] == [None] * 5


def test_every_value_of_a_protocol_is_a_setting_with_a_source() -> None:
    for protocol in PROTOCOLS:
        fields = CONFIG_CLASSES[protocol.kind].model_fields
        assert {entry.name for entry in protocol.sourced()} <= set(fields)
        assert set(protocol.sources) <= {entry.name for entry in protocol.sourced()}
        assert all(entry.source for entry in protocol.sourced())
        assert protocol.departs


# -- a batch without its rate -----------------------------------------------------------------------------------------


def advice(kind: str = "search", **values: Any) -> str | None:
    return rate_for_another_batch(resolve(kind, data="cifar10", values=values))


def test_another_batch_with_the_presets_rate_is_told_with_the_rate_in_proportion() -> None:
    told = advice(method="pc-darts", batch_size=64)

    assert told is not None
    assert "batch_size=64 with the learning rate that the preset paper has for 256" in told
    assert told.endswith("learning_rate=0.1 would be 0.025.")
    # 64 is what the small preset has for the same rate.
    small = resolve("search", method="pc-darts", data="cifar10", preset="small", values={"batch_size": 256})
    assert "the preset small has for 64" in str(rate_for_another_batch(small))
    assert rate_for_another_batch(resolve("search", method="pc-darts", data="cifar10", preset="small")) is None


def test_what_was_meant_is_not_told() -> None:
    assert advice(method="pc-darts") is None
    assert advice(method="pc-darts", batch_size=64, learning_rate=0.05) is None
    assert advice(method="darts", batch_size=80) is None
    assert advice(method="random", batch_size=8) is None
    assert advice("retrain", genotype=named("DARTS_V2").as_json()) is None
    assert "for 96" in str(advice("retrain", genotype=named("DARTS_V2").as_json(), batch_size=16))
