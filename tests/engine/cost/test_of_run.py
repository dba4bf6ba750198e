"""Which network a run's cost is of."""

from __future__ import annotations

import pytest

from engine.config import resolve
from engine.cost import PAPER_CIFAR, PAPER_IMAGENET, NetworkSettings
from engine.cost.of_run import retraining_settings, search_settings, supernet_cost_of
from engine.genotype.named import named


def retraining(**values):
    return resolve("retrain", values={"genotype": named("DARTS_V2").as_json(), **values}).model_dump()


def test_a_search_on_cifar_is_retrained_as_the_papers_do():
    assert retraining_settings(resolve("search", data="cifar10").model_dump(), {}) == PAPER_CIFAR


def test_a_search_on_digits_is_retrained_small():
    found = retraining_settings(resolve("search", data="digits", values={"channels": 32}).model_dump(), {})

    assert found == NetworkSettings("cifar", 16, 5, 10, 8, image_channels=1)


def test_a_retraining_does_not_take_over_the_image_size_of_its_search():
    config = resolve("search", data="cifar10", values={"image_size": 16}).model_dump()
    started = {"classes": ["a"] * 10, "image_size": 16}

    assert retraining_settings(config, started) == PAPER_CIFAR
    found = search_settings(config, started)
    assert found is not None
    assert found.image_size == 16


def test_a_retraining_has_its_own_sizes():
    config = retraining(data="cifar100", channels=20, layers=11)

    assert retraining_settings(config, {}) == NetworkSettings("cifar", 20, 11, 100, 32)


def test_what_a_run_has_said_of_its_images_comes_first():
    config = retraining(data="imagenet:somewhere", channels=48, layers=14)
    started = {"classes": [f"class {number}" for number in range(1000)], "image_size": 224, "image_channels": 3}

    assert retraining_settings(config, {}) is None  # nobody has counted the folders yet
    assert retraining_settings(config, started) == PAPER_IMAGENET


def test_the_supernet_of_a_search(goldens):
    config = resolve("search", method="pc-darts", data="cifar10").model_dump()

    settings = search_settings(config, {})

    assert settings == NetworkSettings("cifar", 16, 8, 10, 32)
    found = supernet_cost_of(config, settings)
    assert found.parameters == goldens["supernet_sizes"]["pc_darts"]["parameters"]
    assert found.arch_parameters == 252


@pytest.mark.parametrize(
    "damage",
    [
        {"data": "no such set"},
        {"channels": "many"},
        {"layers": -3},
        {"network": "vgg"},
        {"classes": 5, "channels": None},
    ],
)
def test_a_damaged_configuration_tells_nothing(damage):
    config = retraining(data="cifar10") | damage

    assert retraining_settings(config, {}) is None
    assert search_settings(config, {}) is None
