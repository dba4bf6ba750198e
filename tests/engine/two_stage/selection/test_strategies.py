"""Strategies against the true optimum of all 248,832 networks, and against chance with as many measurements."""

from __future__ import annotations

import importlib.util
import itertools
import random
import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cost.subnets import subnet_cost, subnet_macs
from engine.errors import NascopeError
from engine.subnets import space_named
from engine.subnets.architecture import smallest
from engine.subnets.sample import uniform
from engine.two_stage.selection import STRATEGIES, Book, Limits, default_strategy, non_dominated, select
from engine.two_stage.selection.allowed import Allowed
from engine.two_stage.selection.book import MeasuredNetwork, merit
from engine.two_stage.selection.coarse_to_fine import grid
from engine.two_stage.selection.predicting import Promising
from engine.two_stage.selection.select import most_accurate

_spec = importlib.util.spec_from_file_location("laptop_accuracy", Path(__file__).with_name("laptop_accuracy.py"))
laptop = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(laptop)
SPACE = laptop.SPACE
BUDGETS = (400_000, 800_000, 1_500_000)


def run(limits=None, *, strategy="evolution", evaluations=64, seed=0, book=None, **more):
    book = book or Book(laptop.measure)
    return select(
        SPACE, limits or Limits(), book, strategy=strategy, evaluations=evaluations, seed=seed, **more
    ), book  # fmt: skip


def optimum(budget):
    macs, accuracy = laptop.everything()
    return accuracy[macs <= budget].max()


def test_the_closed_form_is_the_same_one_by_one_and_all_at_once():
    macs, accuracy = laptop.everything()
    drawn = uniform(SPACE, random.Random(5))
    found = np.isclose(accuracy, laptop.accuracy(drawn), atol=1e-9) & (macs == subnet_macs(drawn))
    assert found.any()
    assert len(macs) == SPACE.size == 248_832


@pytest.mark.parametrize("strategy", ["evolution", "coarse-to-fine"])
def test_strategies_come_close_to_the_optimum_and_beat_chance(strategy):
    regrets, chances = [], []
    for budget in BUDGETS:
        for seed in range(6):
            found, _ = run(Limits(macs=budget), strategy=strategy, seed=seed)
            assert found.strategy_evaluated == found.random_evaluated == 64
            regrets.append(optimum(budget) - found.strategy_best.accuracy_percent)
            chances.append(optimum(budget) - found.random_best.accuracy_percent)
    assert min(regrets + chances) >= -1e-9  # nothing can be better than the best of all
    assert max(regrets) < 1.5
    assert statistics.mean(regrets) < 0.6
    assert statistics.mean(regrets) < 0.75 * statistics.mean(chances)


@pytest.mark.parametrize("strategy", ["evolution", "coarse-to-fine"])
def test_strategies_beat_chance_where_accuracy_moves_in_steps_and_by_chance(strategy):
    gains = []
    for budget in (500_000, 800_000):
        for seed in range(6):
            found, _ = run(Limits(macs=budget), strategy=strategy, seed=seed, book=Book(laptop.noisy))
            best, chance = (laptop.real(each.architecture) for each in (found.strategy_best, found.random_best))
            gains.append((found.strategy_best.accuracy_percent - found.random_best.accuracy_percent, best - chance))
    measured, real = zip(*gains, strict=True)
    assert statistics.mean(measured) > 0.5
    assert statistics.mean(real) > 0.5  # not because chance was met more often


@pytest.mark.parametrize("strategy", ["evolution", "coarse-to-fine"])
@pytest.mark.parametrize(
    "limits", [Limits(macs=800_000), Limits(parameters=60_000), Limits(memory_bytes=400_000), Limits(macs=900_000, parameters=60_000)]
)  # fmt: skip
def test_most_networks_come_close_to_the_budget_whatever_it_limits(strategy, limits):
    asked = []

    def measure(architecture):
        asked.append(architecture)
        return laptop.measure(architecture)

    run(limits, strategy="random", book=Book(measure))
    drawn, asked = asked, []
    run(limits, strategy=strategy, book=Book(measure))
    searched = [each for each in asked if each not in drawn]
    allowed = Allowed(SPACE, limits)
    share = statistics.median(allowed.share(each) for each in searched)
    assert share > 0.6
    assert allowed.share(smallest(SPACE)) == 0


def test_equal_accuracies_are_ordered_by_loss():
    first = smallest(SPACE)
    rows = [
        MeasuredNetwork(first, 5, 5, 5, *both, "random")
        for both in ((97.2, 0.3), (97.2, 0.2), (96.8, 0.2), (98.1, 0.25))
    ]
    assert [(row.accuracy_percent, row.loss) for row in sorted(rows, key=merit, reverse=True)] == [
        (97.2, 0.2), (96.8, 0.2), (98.1, 0.25), (97.2, 0.3),
    ]  # fmt: skip
    assert (most_accurate(rows).accuracy_percent, non_dominated(rows)[0].accuracy_percent) == (98.1, 98.1)


def test_under_a_budget_the_predictor_asks_for_the_best_and_not_for_the_greatest_rise():
    _, book = run(Limits(macs=800_000), strategy="random")
    rng = random.Random(1)
    proposals = [each for each in (uniform(SPACE, rng) for _ in range(500)) if subnet_macs(each) <= 800_000][:64]
    best = max(laptop.accuracy(each) for each in proposals)
    assert laptop.accuracy(Promising(book, is_limited=True)(proposals)) > best - 1


def test_a_predictor_finds_better_networks_with_the_same_measurements():
    regrets = {False: [], True: []}
    for with_predictor in regrets:
        for seed in range(2):
            found, _ = run(Limits(macs=600_000), seed=seed, evaluations=40, with_predictor=with_predictor)
            regrets[with_predictor].append(optimum(600_000) - found.strategy_best.accuracy_percent)
    assert statistics.mean(regrets[True]) < 0.5 * statistics.mean(regrets[False])
    assert found.predictor.networks >= 40
    assert found.predictor.first_rank_correlation > 0.8  # the closed form is nearly a sum


def test_a_predictor_needs_measured_networks():
    with pytest.raises(NascopeError, match="16 measured networks or more, and there are 10"):
        run(evaluations=8, with_predictor=True)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_a_budget_the_front_reaches_from_the_smallest_to_the_biggest(strategy):
    found, _ = run(strategy=strategy, evaluations=20)
    front = non_dominated(found.networks)
    assert (front[-1].macs, front[0].macs) == (198_160, 3_178_752)
    assert (front[-1].found_by, front[0].found_by) == ("smallest", "biggest")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_front_is_what_nothing_beats(strategy):
    found, _ = run(Limits(macs=1_000_000), strategy=strategy, evaluations=40)
    front = non_dominated(found.networks)
    beaten = [
        one for one in found.networks
        if any(
            other.macs <= one.macs and other.accuracy_percent >= one.accuracy_percent
            and (other.macs, other.accuracy_percent) != (one.macs, one.accuracy_percent)
            for other in found.networks
        )
    ]  # fmt: skip
    free = {network.architecture.values() for network in found.networks} - {row.architecture.values() for row in beaten}
    assert {network.architecture.values() for network in front} <= free
    assert len(
        {(row.macs, row.accuracy_percent) for row in found.networks if row.architecture.values() in free}
    ) == len(front)
    for better, worse in itertools.pairwise(front):
        assert better.accuracy_percent > worse.accuracy_percent
        assert better.macs > worse.macs


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_seed_decides_and_what_is_known_does_not(strategy):
    limits = Limits(macs=700_000)
    first, book = run(limits, strategy=strategy, evaluations=30, seed=4)
    again, _ = run(limits, strategy=strategy, evaluations=30, seed=4)
    assert [row.architecture for row in again.networks] == [row.architecture for row in first.networks]
    measured = []
    known = Book(
        lambda architecture: measured.append(architecture) or laptop.measure(architecture), known=book.networks()
    )
    reused, _ = run(limits, strategy=strategy, evaluations=30, seed=4, book=known)
    assert measured == []
    assert reused.measured_now == 0
    assert (reused.strategy_best, reused.random_best) == (first.strategy_best, first.random_best)
    other, _ = run(limits, strategy=strategy, evaluations=30, seed=5)
    assert [row.architecture for row in other.networks] != [row.architecture for row in first.networks]


def test_an_interrupted_selection_goes_on_without_measuring_twice():
    kept = []

    def measure(architecture):
        if len(kept) == 25:
            raise KeyboardInterrupt
        return laptop.measure(architecture)

    with pytest.raises(KeyboardInterrupt):
        run(Limits(macs=900_000), book=Book(measure, keep=kept.append))
    whole, _ = run(Limits(macs=900_000))
    resumed, _ = run(Limits(macs=900_000), book=Book(laptop.measure, known=kept))
    assert resumed.measured_now == whole.measured_now - 25
    assert [row.architecture for row in resumed.networks] == [row.architecture for row in whole.networks]


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(list(STRATEGIES)), st.integers(4, 24), st.integers(0, 2**31), st.booleans(),
    st.one_of(st.none(), st.integers(198_160, 4_000_000)), st.one_of(st.none(), st.integers(22_370, 200_000)),
    st.one_of(st.none(), st.integers(120_000, 900_000)),
)  # fmt: skip
def test_no_network_over_the_budget_is_ever_measured(
    strategy, evaluations, seed, with_predictor, macs, parameters, memory
):
    limits = Limits(macs=macs, parameters=parameters, memory_bytes=memory)
    asked = []

    def measure(architecture):
        assert limits.allow(subnet_cost(architecture))
        asked.append(architecture.values())
        return laptop.measure(architecture)

    found = select(
        SPACE, limits, Book(measure), strategy=strategy, evaluations=evaluations, seed=seed,
        with_predictor=with_predictor and evaluations >= 16 and macs is None,
    )  # fmt: skip
    assert len(asked) == len(set(asked)) == found.measured_now <= 2 * evaluations + 2
    assert found.strategy_evaluated <= evaluations
    assert found.random_evaluated <= evaluations


def test_a_budget_that_nothing_but_the_smallest_keeps_to():
    for strategy in STRATEGIES:
        found, _ = run(Limits(macs=198_160), strategy=strategy, evaluations=8)
        assert {row.macs for row in found.networks} == {198_160}


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(macs=1_000), "macs: the smallest network has 198,160 multiply-adds. Use 198160 or more."),
        (Limits(parameters=5), "parameters: the smallest network has 22,370 parameters. Use 22370 or more."),
        (
            Limits(memory_bytes=1024),
            "memory_bytes: the smallest network takes 108.5 KiB of memory. Use 111112B or more.",
        ),
    ],
)
def test_a_budget_below_the_smallest_network_is_refused(limits, says):
    with pytest.raises(NascopeError) as caught:
        run(limits)
    assert says in str(caught.value)


def test_an_unknown_strategy_is_refused_with_the_nearest():
    with pytest.raises(NascopeError, match="evolution"):
        run(strategy="evolutoin")


def test_random_networks_are_uniform_where_the_budget_is_common_and_lowered_where_it_is_rare():
    rng = random.Random(0)
    common = Allowed(SPACE, Limits(macs=1_000_000))
    drawn = [common.draw(rng) for _ in range(300)]
    assert not any(lowered for _, lowered in drawn)
    macs, _ = laptop.everything()
    expected = macs[macs <= 1_000_000].mean()
    assert statistics.mean(subnet_macs(architecture) for architecture, _ in drawn) == pytest.approx(expected, rel=0.05)
    big = space_named("attentive-nas")
    rare = Allowed(big, Limits(macs=subnet_macs(smallest(big)) + 10_000_000))
    drawn = [rare.draw(rng) for _ in range(3)]
    assert all(architecture in rare for architecture, _ in drawn)
    assert all(lowered for _, lowered in drawn)


def test_the_coarse_grid_has_one_level_in_all_stages():
    networks = grid(SPACE)
    assert len(networks) == len({network.values() for network in networks}) == 4 * 3 * 3 * 2 * 3
    levels = {
        tuple(
            coordinate.choices.index(value) / (len(coordinate.choices) - 1)
            for coordinate, value in zip(SPACE.coordinates(), network.values(), strict=True)
            if coordinate.field == "kernel_size"
        )
        for network in networks
    }
    assert levels == {(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)}


def test_each_method_has_its_papers_strategy():
    assert (default_strategy("bignas"), default_strategy("attentive-nas")) == ("coarse-to-fine", "evolution")
