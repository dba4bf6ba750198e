"""The non-dominated networks against the definition, tried on every pair."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from engine.subnets.front import front

ROWS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20)


@given(ROWS)
def test_a_row_is_kept_exactly_if_none_is_as_cheap_and_as_accurate(rows: list[tuple[int, int]]) -> None:
    found = front(rows, lambda row: row[0], lambda row: row[1])

    def is_dominated(row: tuple[int, int]) -> bool:
        return any(other[0] <= row[0] and other[1] >= row[1] and other != row for other in rows)

    assert sorted(found) == sorted({row for row in rows if not is_dominated(row)})


@given(ROWS)
def test_accuracy_grows_with_cost_along_it(rows: list[tuple[int, int]]) -> None:
    found = front(rows, lambda row: row[0], lambda row: row[1])

    assert all(one[0] < two[0] and one[1] < two[1] for one, two in itertools.pairwise(found))
