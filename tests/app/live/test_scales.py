from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.live.scales import DECADES_SHOWN, epoch_axis, linear_axis, log_axis, number, percent_axis


def test_loss_axis_begins_at_zero_and_ends_at_a_round_step() -> None:
    axis = linear_axis(0.4, 2.3, 5)

    assert (axis.low, axis.high) == (0.0, 2.5)
    assert [label for _, label in axis.ticks] == ["0", "0.5", "1.0", "1.5", "2.0", "2.5"]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 6), st.booleans())
def test_axis_holds_its_values_with_few_ticks(low: float, span: float, intervals: int, from_zero: bool) -> None:
    axis = linear_axis(low, low + span, intervals, from_zero=from_zero)

    slack = 1e-6 * max(1.0, abs(low), span)
    assert axis.low <= low + slack
    assert axis.high >= low + span - slack
    assert 2 <= len(axis.ticks) <= intervals + 3


def test_percent_axis_names_its_unit_once() -> None:
    assert [label for _, label in percent_axis(5).ticks] == ["0", "25", "50", "75", "100 %"]


def test_log_axis_has_whole_decades_and_an_end() -> None:
    axis = log_axis(3e-4, 0.1, 5)
    assert (axis.low, axis.high) == (-4, -1)
    assert dict(axis.ticks)[-4.0] == "1e-4"

    assert log_axis(1e-30, 0.1, 5).low == -1 - DECADES_SHOWN


@pytest.mark.parametrize(("epochs", "last"), [(1, "1"), (3, "3"), (20, "20"), (50, "50"), (600, "600")])
def test_epoch_ticks_are_whole_and_reach_the_end(epochs: int, last: str) -> None:
    ticks = epoch_axis(0, epochs, 5)

    assert ticks[0][1] == "0"
    assert ticks[-1][1] == last
    if epochs > 1:
        assert all(float(np.round(place)) == place for place, _ in ticks)


def test_numbers_have_the_digits_that_tell_them_apart() -> None:
    assert number(1000.0, 250.0) == "1,000"
    assert number(0.075, 0.025) == "0.075"
    assert number(1e-17, 0.5) == "0"


def test_narrow_epoch_axis_still_reaches_the_end() -> None:
    assert [label for _, label in epoch_axis(0, 50, 3)] == ["0", "25", "50"]
