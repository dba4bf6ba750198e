"""Random cells: uniform over the space, and the same for the same seed."""

from collections import Counter
from itertools import combinations

import pytest
import torch

from engine.genotype import DARTS_PRIMITIVES
from engine.search.sample import random_genotype

DRAWS = 3000


@pytest.fixture(scope="module")
def drawn():
    generator = torch.Generator().manual_seed(0)
    return [random_genotype(generator) for _ in range(DRAWS)]


def chi_square(counts, outcomes):
    """Pearson's statistic against the uniform distribution."""
    assert set(counts) <= set(outcomes)
    expected = sum(counts.values()) / len(outcomes)
    return sum((counts[outcome] - expected) ** 2 / expected for outcome in outcomes)


def critical(degrees):
    """About the 99.99th percentile of chi-square (Wilson and Hilferty): a fair draw passes for nearly every seed."""
    return degrees * (1 - 2 / (9 * degrees) + 3.72 * (2 / (9 * degrees)) ** 0.5) ** 3


@pytest.mark.parametrize("kind", ["normal", "reduction"])
@pytest.mark.parametrize("node", range(4))
def test_pairs_of_predecessors_are_uniform(kind, node, drawn):
    pairs = list(combinations(range(2 + node), 2))

    counts = Counter(tuple(sorted(edge.source for edge in genotype.cell(kind).nodes[node])) for genotype in drawn)

    assert chi_square(counts, pairs) <= critical(max(len(pairs) - 1, 1))


@pytest.mark.parametrize("kind", ["normal", "reduction"])
def test_operations_are_uniform_without_none(kind, drawn):
    names = [name for name in DARTS_PRIMITIVES if name != "none"]

    counts = Counter(edge.primitive for genotype in drawn for _, _, edge in genotype.cell(kind).edges())

    assert chi_square(counts, names) < critical(len(names) - 1)


def test_both_operations_of_a_node_and_both_cells_are_independent(drawn):
    names = [name for name in DARTS_PRIMITIVES if name != "none"]

    of_a_node = Counter(tuple(edge.primitive for edge in genotype.normal.nodes[3]) for genotype in drawn)
    of_both = Counter(
        (genotype.normal.nodes[0][0].primitive, genotype.reduction.nodes[0][0].primitive) for genotype in drawn
    )

    pairs = [(first, second) for first in names for second in names]
    assert chi_square(of_a_node, pairs) < critical(len(pairs) - 1)
    assert chi_square(of_both, pairs) < critical(len(pairs) - 1)


def test_same_seed_gives_the_same_cell_and_leaves_the_global_stream_alone():
    state = torch.get_rng_state()

    first, again = (random_genotype(torch.Generator().manual_seed(5), 3, ("none", "skip_connect", "sep_conv_3x3")) for _ in range(2))  # fmt: skip

    assert first == again
    assert torch.equal(state, torch.get_rng_state())
    assert first.normal.concat == (2, 3, 4)
    assert first.primitives == ("none", "skip_connect", "sep_conv_3x3")
    assert set(first.used_primitives()) <= {"skip_connect", "sep_conv_3x3"}
