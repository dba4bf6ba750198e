"""Settings of supernets and of single sub-networks: spaces come in with them, faults are told with their place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.config import SubnetConfig, TwoStageConfig, check, kind_of_method, resolve
from engine.errors import ConfigError
from engine.subnets import named_subnets, space_named

TINY: dict[str, Any] = {
    "name": "tiny", "classes": 4, "resolution": [8, 12], "first": {"width": [4, 8]},
    "stages": [{"name": "only", "width": [8, 16], "depth": [1, 2], "kernel_size": [3], "expand_ratio": [2, 3], "stride": 2}],
    "last": {"width": [16], "head": "v1"},
}  # fmt: skip


def two_stage(**values: Any) -> TwoStageConfig:
    found = resolve("two-stage", values=values)
    assert isinstance(found, TwoStageConfig)
    return found


def refusal(**values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        two_stage(**values)
    return str(caught.value)


@pytest.mark.parametrize(("data", "method", "space"), [
    ("digits", "bignas", "laptop"), ("cifar10", "attentive-nas", "cifar"), ("fashion-mnist", "bignas", "laptop"),
    ("imagenet:/images", "bignas", "bignas"), ("imagenet:/images", "attentive-nas", "attentive-nas"),
])  # fmt: skip
def test_a_space_that_suits_the_images_is_the_default(data: str, method: str, space: str) -> None:
    found = resolve("two-stage", method=method, data=data)

    assert isinstance(found, TwoStageConfig)
    assert found.the_space() == space_named(space)


def test_the_space_of_a_file_is_kept_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "space.json"
    file.write_text(json.dumps(TINY))

    config = two_stage(space=str(file))
    file.unlink()

    assert config.space == "tiny"
    again = check("two-stage", json.loads(json.dumps(config.model_dump(mode="json"))))
    assert isinstance(again, TwoStageConfig)
    assert again == config
    assert again.the_space().stages[0].depth == (1, 2)


def test_a_fault_in_a_space_file_is_told_with_file_and_place(tmp_path: Path) -> None:
    file = tmp_path / "space.json"
    file.write_text(json.dumps({**TINY, "stages": [{**TINY["stages"][0], "kernel_size": [3, 4]}]}))

    told = refusal(space=str(file))

    assert str(file) in told
    assert "stages[0].kernel_size" in told
    assert "4 is even" in told


def test_an_unknown_space_is_told_the_known_ones() -> None:
    assert "laptop-cifar" in refusal(space="moon")
    assert "Did you mean laptop?" in refusal(space="labtop")


def test_images_to_choose_by_are_needed() -> None:
    assert "validation_portion" in refusal(validation_portion=0)
    # A folder may have a validation split of its own; the training looks.
    two_stage(data="image-folder:/images", validation_portion=0)


def test_a_predictor_without_candidates_is_refused() -> None:
    assert "best-up" in refusal(score="predictor")
    assert two_stage(score="predictor", sampling="best-up").score == "predictor"


def test_the_method_decides_the_kind_of_run() -> None:
    assert [kind_of_method(name) for name in (None, "darts", "bignas", "attentive-nas")] == [
        "search", "search", "two-stage", "two-stage",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="another kind of run"):
        resolve("two-stage", method="darts")


def test_a_record_of_a_sub_network_is_checked_with_the_settings() -> None:
    record = named_subnets()["AttentiveNAS-A3"].architecture.as_json()
    found = resolve("subnet", values={"architecture": record})

    assert isinstance(found, SubnetConfig)
    assert found.the_architecture() == named_subnets()["AttentiveNAS-A3"].architecture
    with pytest.raises(ConfigError, match=r"depth.*7"):
        resolve("subnet", values={"architecture": {**record, "depth": [1, 2]}})
