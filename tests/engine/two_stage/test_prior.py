"""The prior over multiply-adds: exact counts of the laptop space, AttentiveNAS' published bins, brute force on a tiny space."""

from __future__ import annotations

import importlib.util
import itertools
import math
import random
import statistics
from collections import Counter
from pathlib import Path

import pytest

from engine.cost.subnets import subnet_macs
from engine.subnets import Architecture, space_named
from engine.two_stage.prior import TRIES, MacsPrior, bin_of, bin_step

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)
TINY = tiny.TINY


@pytest.fixture(scope="module")
def laptop():
    return MacsPrior(space_named("laptop"))


@pytest.fixture(scope="module")
def attentive_nas():
    return MacsPrior(space_named("attentive-nas"))


def all_of(space):
    return [
        Architecture.from_values(space, values)
        for values in itertools.product(*(coordinate.choices for coordinate in space.coordinates()))
    ]


@pytest.mark.parametrize(("space", "step"), [("attentive-nas", 25_000_000), ("laptop", 100_000)])
def test_ranges_fit_the_space(space, step):
    assert bin_step(space_named(space)) == step


def test_laptop_space_is_counted_to_the_last_network(laptop):
    assert sum(laptop.counts.values()) == space_named("laptop").size == 248_832
    assert len(laptop.counts) == 31
    # The independent enumeration divided in floating point, and so put the one network of exactly 350,000 into range 3.
    expected = {2: 245, 3: 4_203 - 1, 4: 13_435 + 1, 5: 22_830, 6: 27_869, 7: 27_518, 29: 16, 30: 6, 31: 2, 32: 2}
    assert {place: laptop.counts[place] for place in expected} == expected
    assert bin_of(350_000, laptop.step) == 4


def test_attentive_nas_prior_is_the_published_one_but_for_chance(attentive_nas):
    drawn = sum(attentive_nas.counts.values())
    assert drawn == 50_000
    # 56 ranges of 275 to 1650 million in another sample of as many; the outermost hold a network or two.
    assert 53 <= len(attentive_nas.counts) <= 61
    frequent = [place for place, count in attentive_nas.counts.items() if count >= 20]
    assert 275 <= 25 * min(frequent) <= 350
    assert 1450 <= 25 * max(frequent) <= 1650
    deviation = math.sqrt(2 * 0.0345 / drawn)  # of the difference of two samples
    assert attentive_nas.counts[700 // 25] / drawn == pytest.approx(0.0345, abs=4 * deviation)


def test_a_range_takes_about_15_tries(attentive_nas):
    rng = random.Random(5)
    draws = [attentive_nas.draw(attentive_nas.draw_bin(rng), rng) for _ in range(600)]
    tries = [draw.tries for draw in draws]
    assert statistics.mean(tries) == pytest.approx(15, abs=3)
    assert statistics.median(tries) == pytest.approx(10, abs=3)
    assert max(tries) <= TRIES
    for draw in draws:
        assert draw.is_met or draw.tries == TRIES


def test_the_same_space_has_the_same_prior():
    ones, others = MacsPrior(TINY), MacsPrior(TINY)
    assert ones.counts == others.counts
    for place in ones.counts:
        assert ones.draw(place, random.Random(1)) == others.draw(place, random.Random(1))


def test_choices_of_a_range_are_drawn_alone_until_the_whole_lies_in_it():
    prior = MacsPrior(TINY)
    place = max(prior.counts, key=lambda each: prior.counts[each])
    members = [each for each in all_of(TINY) if bin_of(subnet_macs(each), prior.step) == place]
    assert len(members) == prior.counts[place] > 20
    margins = [Counter(values) for values in zip(*(member.values() for member in members), strict=True)]
    weights = {
        member.values(): math.prod(margin[value] for margin, value in zip(margins, member.values(), strict=True))
        for member in members
    }
    total = sum(weights.values())
    rng = random.Random(2)
    count = 4000
    found = Counter(prior.draw(place, rng).architecture.values() for _ in range(count))
    assert found.keys() <= weights.keys()
    # Chi square over the members against margins multiplied: mean and deviation are those of its degrees of freedom.
    expected = {values: count * weight / total for values, weight in weights.items()}
    often = [values for values in expected if expected[values] >= 5]
    chi = sum((found[values] - expected[values]) ** 2 / expected[values] for values in often)
    assert abs(chi - len(often)) < 5 * math.sqrt(2 * len(often))


def test_flat_draws_each_range_equally_often():
    usual, flat = MacsPrior(TINY), MacsPrior(TINY, flat=True)
    rng = random.Random(4)
    count = 200 * len(flat.counts)
    found = Counter(flat.draw_bin(rng) for _ in range(count))
    assert found.keys() == flat.counts.keys()
    assert all(abs(times - 200) < 5 * math.sqrt(200) for times in found.values())
    found = Counter(usual.draw_bin(rng) for _ in range(count))
    for place, members in usual.counts.items():
        expected = count * members / TINY.size
        assert abs(found[place] - expected) < 6 * math.sqrt(expected) + 1


def test_a_range_that_is_never_met_gives_the_last_draw(monkeypatch):
    prior = MacsPrior(TINY)
    monkeypatch.setattr("engine.two_stage.prior.bin_of", lambda macs, step: -1)
    draw = prior.draw(next(iter(prior.counts)), random.Random(0))
    assert (draw.tries, draw.is_met) == (101, False)
