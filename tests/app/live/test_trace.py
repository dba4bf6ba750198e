from __future__ import annotations

import numpy as np
import pytest

from app.live.smoothing import smooth
from app.live.trace import SMOOTH_POINTS, Trace
from engine.runs import Event, RunHistory, Series


def series_of(values: np.ndarray, *, t0: float = 0.0) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.append(t0 + step, step, float(value))
    return series


def test_x_counts_finished_epochs() -> None:
    trace = Trace()
    trace.update(series_of(np.arange(20.0)), 10)

    assert trace.x[9] == 1.0
    assert trace.x[19] == 2.0


@pytest.mark.parametrize("count", [50, 5_000, 200_000])
def test_reduction_keeps_every_peak(count: int) -> None:
    values = np.random.default_rng(0).standard_normal(count)
    values[count // 3], values[count // 2] = 99.0, -99.0
    trace = Trace()
    trace.update(series_of(values), 100)

    x, y = trace.raw_line(0.0, count / 100, 300)

    assert len(y) <= max(2 * 300 + 4, 50)
    assert y.max() == 99.0
    assert y.min() == -99.0
    assert (np.diff(x) >= 0).all()
    assert x[np.argmax(y)] == pytest.approx((count // 3 + 1) / 100, abs=count / 100 / 150)


def test_reduced_points_stay_as_the_series_grows() -> None:
    values = np.random.default_rng(1).standard_normal(3000)
    series, trace = series_of(values[:2900]), Trace()
    trace.update(series, 100)
    before = trace.raw_line(0, 50, 400)

    for step in range(2900, 3000):
        series.append(step, step, float(values[step]))
    trace.update(series, 100)
    after = trace.raw_line(0, 50, 400)

    # All but the last part, which was not full.
    np.testing.assert_array_equal(before[1][:-2], after[1][: len(before[1]) - 2])


def test_smooth_line_is_the_full_average_decimated() -> None:
    values = np.random.default_rng(2).standard_normal(20_000)
    trace = Trace(0.9)
    trace.update(series_of(values), 1000)

    x, y = trace.smooth_line(0, 20)

    full = smooth(values, 0.9)
    assert len(x) <= SMOOTH_POINTS
    np.testing.assert_allclose(y, full[np.round(x * 1000).astype(int) - 1])
    assert x[-1] == 20.0


def test_one_or_two_points_are_drawn_raw() -> None:
    trace = Trace(0.9)
    trace.update(series_of(np.array([1.0, 5.0])), 10)

    assert list(trace.smoothed) == [1.0, 5.0]


def test_another_weight_smooths_all_points_anew() -> None:
    values = np.random.default_rng(3).standard_normal(700)
    trace = Trace(0.2)
    trace.update(series_of(values), 10)

    trace.set_smoothing(0.95)

    np.testing.assert_allclose(trace.smoothed, smooth(values, 0.95))


def test_resume_drops_points_and_never_draws_backwards() -> None:
    history, trace = RunHistory(), Trace(0.5)
    history.feed([Event(0, 0, 0, "started", {"steps_per_epoch": 10})])
    history.feed([Event(step, step, step // 10, "step", {"loss": float(step)}) for step in range(40)])
    trace.update(history.series["step.loss"], 10)

    # The same steps again, at other times, and so many that the length alone tells nothing.
    history.feed([Event(100, 25, 2, "resumed")])
    history.feed([Event(100 + step, step, step // 10, "step", {"loss": -float(step)}) for step in range(25, 45)])
    trace.update(history.series["step.loss"], 10)

    assert (np.diff(trace.x) > 0).all()
    np.testing.assert_array_equal(trace.y, [*range(25), *(-step for step in range(25, 45))])
    np.testing.assert_allclose(trace.smoothed, smooth(trace.y, 0.5))


def test_gaps_stay_gaps() -> None:
    values = np.ones(4000)
    values[1000:3000] = np.nan
    trace = Trace()
    trace.update(series_of(values), 100)

    x, y = trace.raw_line(0, 40, 100)

    assert np.isnan(y[(x > 11) & (x < 29)]).all()
    assert np.isfinite(y[x < 9]).all()


def test_nearest_point() -> None:
    trace = Trace()
    trace.update(series_of(np.arange(30.0)), 10)

    assert trace.nearest(-5) == 0
    assert trace.nearest(1.04) == 9
    assert trace.nearest(1.06) == 10
    assert trace.nearest(99) == 29
