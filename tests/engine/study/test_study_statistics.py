"""The numbers of the table against what can be worked out by hand."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.study.statistics import paired, rank_correlation, spread


def test_a_known_spread():
    found = spread([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    assert (found.n, found.mean, found.best, found.worst) == (8, 5.0, 9.0, 2.0)
    assert found.std == pytest.approx(math.sqrt(32 / 7))


def test_one_value_has_no_deviation_and_none_has_nothing():
    assert spread([3.0]).std is None
    assert spread([3.0]).mean == 3.0
    assert spread([]).mean is None


def test_a_known_rank_correlation():
    found = rank_correlation([1, 2, 3, 4, 5], [10, 30, 20, 50, 40])
    # Spearman: 1 - 6 sum d^2 / (n (n^2 - 1)) with four ranks off by one; Kendall: 8 pairs agree, 2 do not.
    assert found.spearman == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert found.kendall == pytest.approx((8 - 2) / 10)
    assert found.caution == ""


def test_few_pairs_are_said():
    assert rank_correlation([1, 2], [1, 2]).spearman is None
    found = rank_correlation([1, 2, 3], [1, 2, 3])
    assert found.kendall == pytest.approx(1)
    assert "3 pairs are too few" in found.caution
    assert rank_correlation([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]).spearman is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=12))
def test_kendall_counts_pairs_with_ties(pairs):
    first, second = [x for x, _ in pairs], [y for _, y in pairs]
    found = rank_correlation(first, second)
    agree = sum((a[0] - b[0]) * (a[1] - b[1]) > 0 for a, b in combinations(pairs, 2))
    differ = sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(pairs, 2))
    free = [sum(a[side] != b[side] for a, b in combinations(pairs, 2)) for side in (0, 1)]
    if 0 in free:
        assert found.kendall is None
    else:
        assert found.kendall == pytest.approx((agree - differ) / math.sqrt(free[0] * free[1]))


def test_paired_differences_use_common_seeds_only():
    found = paired({0: 3.0, 1: 5.0, 7: 100.0}, {0: 1.0, 1: 4.0, 9: -100.0})
    assert (found.n, found.mean) == (2, 1.5)
    assert found.std == pytest.approx(math.sqrt(0.5))
