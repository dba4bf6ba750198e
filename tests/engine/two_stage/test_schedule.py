"""Learning rates step by step: numbers that AttentiveNAS' scheduler gave, and closed forms."""

from __future__ import annotations

import math

import pytest

from engine.config import resolve
from engine.two_stage.schedule import floored_exponential, learning_rate_at, warmed_cosine

# base 0.8, 360 epochs of 625 steps, 5 of them warm-up
ATTENTIVE_NAS = {
    0: 8.0e-4, 1: 1.0557440e-3, 1562: 0.40022453, 3124: 0.79936391, 3125: 0.79961929, 112_500: 0.4, 224_999: 3.8991e-11,
}  # fmt: skip


@pytest.mark.parametrize("step", ATTENTIVE_NAS)
def test_cosine_is_attentive_nas(step):
    found = warmed_cosine(step, 225_000, 3125, 0.8)
    assert found == pytest.approx(ATTENTIVE_NAS[step], rel=2e-5 if step == 224_999 else 2e-8)


def test_the_configuration_of_the_paper_runs_this_cosine():
    config = resolve("two-stage", method="attentive-nas", data="imagenet:x")
    assert learning_rate_at(config, 1562, 625) == pytest.approx(ATTENTIVE_NAS[1562], rel=2e-8)
    assert learning_rate_at(config, 112_500, 625) == pytest.approx(0.4)


def test_cosine_goes_down_to_its_minimum():
    assert warmed_cosine(100, 100, 0, 0.5, 0.1) == pytest.approx(0.1)
    assert warmed_cosine(50, 100, 0, 0.5, 0.1) == pytest.approx(0.3)


def test_exponential_ends_constant_as_in_bignas():
    reaches = 2.4 * math.log(0.05) / math.log(0.97)
    assert reaches == pytest.approx(236, abs=0.1)
    at = lambda epoch: floored_exponential(round(epoch * 1000), 0, 0.256, 0.97, 2400, 0.05)  # noqa: E731
    assert at(0) == 0.256
    assert at(2.4) == pytest.approx(0.256 * 0.97)
    assert at(1.2) == pytest.approx(0.256 * math.sqrt(0.97))  # step by step, no stairs
    assert at(235) > 0.0128
    assert at(237) == at(1000) == pytest.approx(0.0128)


def test_exponential_begins_where_the_warm_up_ends():
    at = lambda step: floored_exponential(step, 100, 0.2, 0.97, 240, 0.05)  # noqa: E731
    assert at(0) == pytest.approx(0.0002)
    assert at(50) == pytest.approx(0.2 * 0.5005)
    assert at(100) == 0.2
    assert at(340) == pytest.approx(0.2 * 0.97)


def test_settings_choose_the_schedule():
    config = resolve(
        "two-stage",
        method="bignas",
        values={
            "epochs": 100,
            "learning_rate": 0.2,
            "learning_rate_schedule": "exponential",
            "learning_rate_warmup_epochs": 2,
        },
    )
    assert learning_rate_at(config, 20, 10) == 0.2
    assert learning_rate_at(config, 44, 10) == pytest.approx(0.2 * 0.97)
