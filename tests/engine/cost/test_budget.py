"""The best cells under a budget against trying every cell, and against the discretization where nothing binds."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cost import PAPER_CIFAR, PAPER_IMAGENET, NetworkSettings, network_cost
from engine.cost.budget import best_under_budget
from engine.errors import NascopeError
from engine.genotype import CELL_KINDS, DARTS_PRIMITIVES, Cell, Edge, Genotype
from engine.genotype.discretize import discretize, edge_index, edge_list, operation_weights

SMALL = NetworkSettings("cifar", 4, 3, 10, 8)
FEW = ("none", "skip_connect", "sep_conv_3x3", "dil_conv_5x5")


def alphas_of(seed: int, nodes: int, primitives: int, *, betas: bool = False, spread: float = 1.0) -> SimpleNamespace:
    source, edges = np.random.default_rng(seed), len(edge_list(nodes))

    def draw(*shape: int) -> np.ndarray:
        return spread * source.normal(size=shape)

    return SimpleNamespace(
        normal=draw(edges, primitives), reduction=draw(edges, primitives),
        normal_betas=draw(edges) if betas else None, reduction_betas=draw(edges) if betas else None,
    )  # fmt: skip


def score_of(genotype: Genotype, alphas: SimpleNamespace, primitives: tuple[str, ...]) -> float:
    """By its definition: the weights that the discretization compares, over all edges."""
    found = 0.0
    for kind in CELL_KINDS:
        weights = operation_weights(getattr(alphas, kind), getattr(alphas, f"{kind}_betas"))
        for node, _, edge in genotype.cell(kind).edges():
            found += weights[edge_index(edge.source, node), primitives.index(edge.primitive)]
    return found


def every_cell(nodes: int, primitives: tuple[str, ...]) -> list[Cell]:
    choices = []
    for node in range(nodes):
        pairs = itertools.combinations(range(node + 2), 2)
        operations = [name for name in primitives if name != "none"]
        choices.append(
            [
                (Edge(left, first), Edge(right, second))
                for first, second in pairs
                for left, right in itertools.product(operations, repeat=2)
            ]
        )
    return [Cell(found, tuple(range(2, 2 + nodes))) for found in itertools.product(*choices)]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.floats(0.0, 1.1), st.sampled_from(["cifar", "imagenet"]))
def test_no_cell_within_the_budget_scores_more(seed, betas, where, network):
    size = NetworkSettings(network, 4, 4, 10, 40)
    alphas = alphas_of(seed, 2, len(FEW), betas=betas)
    # The costs of both cells add up, so that all pairs need not be built one by one.
    some = every_cell(2, FEW)[0]
    base = network_cost(Genotype(some, some), size).macs
    costs, scores = {}, {}
    for kind in CELL_KINDS:
        pairs = [Genotype(cell, some) if kind == "normal" else Genotype(some, cell) for cell in every_cell(2, FEW)]
        costs[kind] = np.array([network_cost(pair, size).macs - base for pair in pairs])
        scores[kind] = np.array([score_of(pair, alphas, FEW) for pair in pairs])
    macs = base + costs["normal"][:, None] + costs["reduction"]
    sums = scores["normal"][:, None] + scores["reduction"] - score_of(Genotype(some, some), alphas, FEW)
    budget = round(macs.min() + where * (macs.max() - macs.min()))

    found = best_under_budget(alphas, FEW, size, budget)

    assert found.macs == network_cost(found.genotype, size).macs <= budget
    assert found.score == pytest.approx(score_of(found.genotype, alphas, FEW))
    assert found.score == pytest.approx(sums[macs <= budget].max(), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans(), st.sampled_from([0.0, 1e-3, 1.0]))
def test_without_a_bound_it_is_the_discretization(seed, nodes, betas, spread):
    alphas = alphas_of(seed, nodes, 8, betas=betas, spread=spread)  # spread 0: nothing but ties

    found = best_under_budget(alphas, DARTS_PRIMITIVES, PAPER_CIFAR, 10**15)

    expected = discretize(alphas, DARTS_PRIMITIVES)
    assert found.genotype == found.unconstrained == expected
    assert found.macs == found.unconstrained_macs == network_cost(expected, PAPER_CIFAR).macs


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([PAPER_CIFAR, PAPER_IMAGENET]))
def test_a_smaller_budget_never_scores_more_and_is_kept_to(seed, size):
    alphas = alphas_of(seed, 4, 8)
    free = best_under_budget(alphas, DARTS_PRIMITIVES, size, 10**15)
    pools = Cell(tuple((Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1)) for _ in range(4)), (2, 3, 4, 5))
    least = network_cost(Genotype(pools, pools), size).macs
    last = free.score
    for share in (1.0, 0.9, 0.6, 0.3, 0.0):
        budget = least + int((free.macs - least) * share)
        found = best_under_budget(alphas, DARTS_PRIMITIVES, size, budget)
        assert network_cost(found.genotype, size).macs == found.macs <= budget
        assert found.score <= last + 1e-12
        last = found.score
    assert found.unconstrained == free.genotype


def test_the_budget_is_inclusive_and_one_less_than_the_cheapest_is_refused():
    alphas = alphas_of(3, 3, 8)
    cheapest = Cell(tuple((Edge("skip_connect", 0), Edge("skip_connect", 1)) for _ in range(3)), (2, 3, 4))
    pools = Cell(tuple((Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1)) for _ in range(3)), (2, 3, 4))
    least = network_cost(Genotype(cheapest, pools), SMALL).macs

    assert best_under_budget(alphas, DARTS_PRIMITIVES, SMALL, least).macs == least
    with pytest.raises(NascopeError, match=f"{least:,}") as caught:
        best_under_budget(alphas, DARTS_PRIMITIVES, SMALL, least - 1)
    assert caught.value.where == "budget"


def test_of_equal_scores_the_cheaper_is_taken():
    alphas = alphas_of(0, 2, 8, spread=0.0)
    free = best_under_budget(alphas, DARTS_PRIMITIVES, SMALL, 10**12)
    names = ("none", "sep_conv_5x5", "sep_conv_3x3")
    dear = discretize(alphas_of(0, 2, 3, spread=0.0), names)
    least = network_cost(dear, SMALL).macs - 1

    found = best_under_budget(alphas_of(0, 2, 3, spread=0.0), names, SMALL, least)

    assert {edge.primitive for kind in CELL_KINDS for _, _, edge in found.genotype.cell(kind).edges()} == {
        "sep_conv_3x3"
    }
    assert free.genotype.used_primitives() == ("max_pool_3x3",)


def test_of_equal_cells_the_cheapest_is_taken_not_the_dearest_that_fits():
    names = ("none", "skip_connect", "sep_conv_3x3")
    alphas = alphas_of(0, 3, 3, spread=0.0)
    skips = Cell(tuple((Edge("skip_connect", 0), Edge("skip_connect", 1)) for _ in range(3)), (2, 3, 4))
    assert discretize(alphas, names).reduction == skips
    # In the reduction cell a skip from an input is a factorized reduce, one from a node costs nothing.
    sources = ((0, 1), (0, 2), (2, 3))
    free = Cell(tuple(tuple(Edge("skip_connect", source) for source in pair) for pair in sources), (2, 3, 4))

    found = best_under_budget(alphas, names, SMALL, network_cost(Genotype(skips, skips), SMALL).macs - 1)

    assert found.macs == network_cost(Genotype(skips, free), SMALL).macs


def test_inputs_stand_in_the_order_of_their_scores_as_the_discretization_has_them():
    alphas = alphas_of(5, 4, 8)
    free = best_under_budget(alphas, DARTS_PRIMITIVES, PAPER_CIFAR, 10**15)

    found = best_under_budget(alphas, DARTS_PRIMITIVES, PAPER_CIFAR, free.macs - 1).genotype

    for kind in CELL_KINDS:
        weights = operation_weights(getattr(alphas, kind))
        for node, edges in enumerate(found.cell(kind).nodes):
            scores = [weights[edge_index(edge.source, node), DARTS_PRIMITIVES.index(edge.primitive)] for edge in edges]
            assert scores == sorted(scores, reverse=True)
            assert len({edge.source for edge in edges}) == 2


@pytest.mark.parametrize("inputs", [1, 3])
def test_other_numbers_of_inputs(inputs):
    alphas = alphas_of(7, 3, 8)
    free = best_under_budget(alphas, DARTS_PRIMITIVES, SMALL, 10**12, inputs_per_node=inputs)

    found = best_under_budget(alphas, DARTS_PRIMITIVES, SMALL, free.macs - 1, inputs_per_node=inputs)

    assert free.genotype == discretize(alphas, DARTS_PRIMITIVES, inputs_per_node=inputs)
    assert [len(edges) for edges in found.genotype.normal.nodes] == [min(inputs, node + 2) for node in range(3)]
    assert found.macs < free.macs
