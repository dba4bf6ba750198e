from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.live.smoothing import RunningAverage, smooth


def direct(values: list[float], weight: float) -> list[float]:
    """The definition, point by point: weights w^(n-i) over their sum."""
    found: list[float] = []
    seen: list[float] = []
    for value in values:
        if math.isnan(value):
            found.append(math.nan)
            continue
        seen.append(value)
        shares = [weight ** (len(seen) - 1 - place) for place in range(len(seen))]
        found.append(math.fsum(share * past for share, past in zip(shares, seen, strict=True)) / math.fsum(shares))
    return found


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.6, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("length", [0, 1, 2, 31, 32, 33, 64, 1100])
def test_average_is_the_weighted_mean_of_all_points_so_far(weight: float, length: int) -> None:
    values = np.random.default_rng(length).standard_normal(length) + 3

    np.testing.assert_allclose(smooth(values, weight), direct(list(values), weight), rtol=1e-9)


def test_first_value_does_not_bias_the_average() -> None:
    assert smooth(np.full(500, 7.0), 0.999) == pytest.approx(7.0, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3) | st.just(math.nan), max_size=120),
    st.lists(st.integers(0, 120), max_size=4),
    st.sampled_from([0.0, 0.5, 0.97, 0.999]),
)
def test_points_in_batches_give_what_all_at_once_give(values: list[float], cuts: list[int], weight: float) -> None:
    average = RunningAverage(weight)
    places = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    for start, end in itertools.pairwise(places):
        average.extend(np.array(values[start:end]))

    np.testing.assert_allclose(average.values, direct(values, weight), rtol=1e-9, atol=1e-9)


def test_weight_ends_at_0_999() -> None:
    assert RunningAverage(1.0).weight == 0.999
