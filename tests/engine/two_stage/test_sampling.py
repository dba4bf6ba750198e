"""Which networks a step samples, and what is counted of them."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from engine.cost.subnets import subnet_macs
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.prior import bin_of, bin_step
from engine.two_stage.sampling import Sampled, Sampler, Tally, fixed_networks

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)
TINY = tiny.TINY


def nobody(candidates):
    raise AssertionError("scores were asked")


def by_macs(candidates):
    return [float(subnet_macs(each)) for each in candidates]


def test_uniform_networks_are_a_function_of_seed_and_step():
    one, other = Sampler(tiny.config(), TINY), Sampler(tiny.config(), TINY)
    forward = [one.sample(step, nobody) for step in range(6)]
    backward = [other.sample(step, nobody) for step in reversed(range(6))]
    assert forward == backward[::-1]
    assert len({each.architectures for each in forward}) == 6
    assert forward != [Sampler(tiny.config(seed=4), TINY).sample(step, nobody) for step in range(6)]


def test_uniform_draws_every_choice_equally_often():
    sampler = Sampler(tiny.config(networks_per_step=12), TINY)
    drawn = [each for step in range(100) for each in sampler.sample(step, nobody).architectures]
    for place, coordinate in enumerate(TINY.coordinates()):
        found = Counter(each.values()[place] for each in drawn)
        expected = len(drawn) / len(coordinate.choices)
        assert found.keys() == set(coordinate.choices)
        assert all(abs(times - expected) < 5 * expected**0.5 for times in found.values())


@pytest.mark.parametrize("networks", [2, 3, 7])
def test_the_rule_leaves_all_but_two_to_sampling(networks):
    assert len(Sampler(tiny.config(networks_per_step=networks), TINY).sample(0, nobody).architectures) == networks - 2


@pytest.mark.parametrize(("sampling", "pick"), [("best-up", max), ("worst-up", min)])
def test_the_best_or_the_worst_candidate_of_a_range_is_trained(sampling, pick):
    sampler = Sampler(tiny.config("attentive-nas", sampling=sampling, candidates=5), TINY)
    asked = []

    def scores(candidates):
        asked.append(list(candidates))
        return by_macs(candidates)

    for step in range(20):
        sampled = sampler.sample(step, scores)
        candidates = asked.pop()
        assert not asked  # once a step
        assert len(candidates) == 10
        groups = candidates[:5], candidates[5:]
        assert [subnet_macs(each) for each in sampled.architectures] == [
            pick(subnet_macs(each) for each in group) for group in groups
        ]
        in_ranges = [{bin_of(subnet_macs(each), bin_step(TINY)) for each in group} for group in groups]
        assert sampled.off_target or all(len(each) == 1 for each in in_ranges)


@pytest.mark.parametrize("sampling", ["best-up", "worst-up"])
def test_of_equal_candidates_the_first_is_trained(sampling):
    sampler = Sampler(tiny.config("attentive-nas", sampling=sampling), TINY)
    asked = []
    sampled = sampler.sample(3, lambda found: asked.extend(found) or [1.0] * len(found))
    assert sampled.architectures == (asked[0], asked[3])


def test_scores_do_not_change_which_candidates_are_drawn():
    sampler = Sampler(tiny.config("attentive-nas"), TINY)
    asked = []
    for scores in ([1.0, 2, 3, 4, 5, 6], [6.0, 5, 4, 3, 2, 1]):
        sampler.sample(9, lambda found, scores=scores: asked.append(found) or scores)
    assert asked[0] == asked[1]


def test_fewer_candidates_on_demand():
    sampler = Sampler(tiny.config("attentive-nas", candidates=50), TINY)
    asked = []
    sampler.sample(0, lambda found: asked.extend(found) or by_macs(found), candidates=3)
    assert len(asked) == 6


def test_fixed_networks_are_different_and_stay():
    found = fixed_networks(TINY, 30, "validation", 5)
    assert found == fixed_networks(TINY, 30, "validation", 5)
    assert found[:10] == fixed_networks(TINY, 10, "validation", 5)
    assert len({each.key for each in found} - {smallest(TINY).key, biggest(TINY).key}) == 30
    assert found != fixed_networks(TINY, 30, "predictor", 5)
    assert found != fixed_networks(TINY, 30, "validation", 6)


def test_tally_counts_what_was_sampled():
    sampler, tally = Sampler(tiny.config("attentive-nas"), TINY), Tally(TINY)
    drawn = []
    for step in range(15):
        sampled = sampler.sample(step, by_macs)
        tally.add(Sampled(sampled.architectures, off_target=2))
        drawn += sampled.architectures
        if step == 7:  # A resume in between changes nothing.
            state = tally.state_dict()
            tally = Tally(TINY)
            tally.load_state_dict(state)
    found = tally.as_json()
    assert (found["networks"], found["off_target"]) == (30, 30)
    for place, coordinate in enumerate(TINY.coordinates()):
        expected = Counter(str(each.values()[place]) for each in drawn)
        assert found["counts"][coordinate.place] == {str(value): expected[str(value)] for value in coordinate.choices}
    edges, counts = found["macs_edges"], found["macs_counts"]
    assert len(edges) == len(counts) + 1
    assert edges[0] <= subnet_macs(smallest(TINY))
    assert edges[-1] >= subnet_macs(biggest(TINY))
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        inside = sum(low < subnet_macs(each) < high for each in drawn)
        on_edge = sum(subnet_macs(each) in (low, high) for each in drawn)
        assert inside <= count <= inside + on_edge
    tally.clear()
    assert tally.as_json()["networks"] == sum(tally.as_json()["macs_counts"]) == 0
