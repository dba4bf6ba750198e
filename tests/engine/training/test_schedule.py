"""Learning rates against the values of the original schedules (DARTS train_search under PyTorch 0.3, a log in its issue 12;
the closed forms of train_imagenet and of PC-DARTS)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import RunConfig, resolve
from engine.errors import ConfigError
from engine.genotype.named import named
from engine.training.schedule import cosine, learning_rate, linear


def retraining(**values: Any) -> RunConfig:
    return resolve("retrain", data="cifar10", values={"genotype": named("DARTS_V2").as_json(), **values})


PC_DARTS_IMAGENET = {"learning_rate": 0.5, "learning_rate_warmup_epochs": 5, "batch_size": 1024}


@pytest.mark.parametrize(
    ("epoch", "epochs", "base", "minimum", "expected"),
    [
        (0, 50, 0.025, 0.001, 0.025), (25, 50, 0.025, 0.001, 0.013), (49, 50, 0.025, 0.001, 1.023679e-03),
        (0, 50, 0.1, 0.0, 0.1), (25, 50, 0.1, 0.0, 0.05), (49, 50, 0.1, 0.0, 9.86636e-5),
        (0, 600, 0.025, 0.0, 0.025), (300, 600, 0.025, 0.0, 0.0125), (599, 600, 0.025, 0.0, 1.71347e-7),
    ],
)  # fmt: skip
def test_cosine_is_the_closed_form(epoch: int, epochs: int, base: float, minimum: float, expected: float) -> None:
    config = retraining(epochs=epochs, learning_rate=base, learning_rate_min=minimum)

    assert cosine(epoch, epochs, base, minimum) == pytest.approx(expected, rel=1e-5)
    assert learning_rate(config, epoch) == cosine(epoch, epochs, base, minimum)


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 0.1), (1, 0.2), (2, 0.3), (3, 0.4), (4, 0.5), (5, 0.4877641), (25, 0.25)]
)
def test_a_search_warms_up_then_follows_the_cosine_of_all_its_epochs(epoch: int, expected: float) -> None:
    config = resolve("search", method="pc-darts", data="cifar10", values={**PC_DARTS_IMAGENET, "learning_rate_min": 0})

    assert learning_rate(config, epoch) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 0.1), (1, 0.2), (2, 0.3), (3, 0.4), (4, 0.5), (5, 0.489796), (244, 0.00204082), (245, 0.00204082),
     (246, 0.5 * 4 / 1225), (249, 0.000408163)],
)  # fmt: skip
def test_linear_has_the_flat_end_of_the_script(epoch: int, expected: float) -> None:
    config = retraining(epochs=250, learning_rate_schedule="linear", **PC_DARTS_IMAGENET)

    assert learning_rate(config, epoch) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize(("epoch", "expected"), [(0, 0.1), (1, 0.097), (2, 0.09409), (249, 0.1 * 0.97**249)])
def test_exponential_loses_three_percent_an_epoch(epoch: int, expected: float) -> None:
    config = retraining(epochs=250, learning_rate=0.1, learning_rate_schedule="exponential")

    assert learning_rate(config, epoch) == pytest.approx(expected, rel=1e-12)


@given(epochs=st.integers(1, 300), base=st.floats(1e-4, 10), share=st.floats(0, 1))
def test_linear_falls_from_the_rate_to_above_the_minimum(epochs: int, base: float, share: float) -> None:
    rates = [linear(epoch, epochs, base, base * share) for epoch in range(epochs)]

    assert rates[0] == pytest.approx(base)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] >= base * share


def test_the_warm_up_keeps_its_share_of_the_epochs_and_must_leave_some() -> None:
    file_values = {"epochs": 250, **PC_DARTS_IMAGENET}
    config = resolve(
        "retrain", data="cifar10", file_values=file_values, values={"genotype": named("DARTS_V2").as_json()}
    )
    assert config.learning_rate_warmup_epochs == 5

    with pytest.raises(ConfigError, match=r"learning_rate_warmup_epochs=5 .* all 5 epochs"):
        retraining(epochs=5, learning_rate_warmup_epochs=5)
