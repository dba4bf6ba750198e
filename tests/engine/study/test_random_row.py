"""The random row: cells of successive seeds, as a study draws them, are uniform over the space."""

from collections import Counter
from itertools import combinations

import pytest
from scipy import stats

from engine.config.study import check_study
from engine.genotype import DARTS_PRIMITIVES
from engine.search.random_search import RandomSearch

CELLS = 1200


@pytest.fixture(scope="module")
def cells():
    config = check_study({"methods": ["darts"], "seeds": 4, "random_cells": 1000})
    first = config.search_config("random", 0)
    # One configuration a seed, copied since resolving a thousand takes seconds.
    return [RandomSearch(first.model_copy(update={"seed": seed})).initial_report().genotype for seed in range(CELLS)]


def test_operations_are_uniform(cells):
    names = [name for name in DARTS_PRIMITIVES if name != "none"]
    counts = Counter(edge.primitive for cell in cells for _, _, edge in cell.normal.edges())
    assert set(counts) == set(names)
    assert stats.chisquare([counts[name] for name in names]).pvalue > 1e-4


@pytest.mark.parametrize("node", [1, 3])
def test_predecessors_are_uniform(node, cells):
    pairs = list(combinations(range(2 + node), 2))
    counts = Counter(tuple(sorted(edge.source for edge in cell.reduction.nodes[node])) for cell in cells)
    assert stats.chisquare([counts[pair] for pair in pairs]).pvalue > 1e-4


def test_cells_of_neighbouring_seeds_are_independent(cells):
    names = [name for name in DARTS_PRIMITIVES if name != "none"]
    firsts = [cell.normal.nodes[0][0].primitive for cell in cells]
    table = [[0] * len(names) for _ in names]
    for one, next_ in zip(firsts[::2], firsts[1::2], strict=True):
        table[names.index(one)][names.index(next_)] += 1
    assert stats.chi2_contingency(table).pvalue > 1e-4
