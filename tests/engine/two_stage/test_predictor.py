"""The predictor of accuracy: finds an order that is there, and none that is not."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from engine.cost.subnets import subnet_macs
from engine.subnets import space_named
from engine.subnets.sample import uniform
from engine.two_stage.predictor import AccuracyPredictor, rank_correlation

LAPTOP = space_named("laptop")


def networks(count, seed):
    rng = random.Random(seed)
    return [uniform(LAPTOP, rng) for _ in range(count)]


def made_up(architecture):
    """An accuracy that grows with size and saturates, as measured ones do."""
    return 99 - 40 * math.exp(-subnet_macs(architecture) / 600_000)


def test_it_ranks_networks_that_it_has_not_seen():
    rng = random.Random(3)
    seen, unseen = networks(64, 1), networks(300, 2)
    predictor = AccuracyPredictor().fit(seen, [made_up(each) + rng.gauss(0, 1) for each in seen])
    found = stats.spearmanr(predictor.predict(unseen), [made_up(each) for each in unseen]).statistic
    assert found > 0.9
    assert predictor.rank_correlation == pytest.approx(found, abs=0.12)
    assert predictor.networks == 64


def test_a_middle_choice_that_is_the_best_one_is_found():
    seen, unseen = networks(64, 4), networks(300, 5)

    def peaked(each):
        return {20: 90, 24: 94, 28: 95, 32: 91}[each.resolution] + {24: 0, 32: 3, 40: 1}[each.width[3]] + each.depth[1]

    predictor = AccuracyPredictor().fit(seen, [peaked(each) for each in seen])
    found = stats.spearmanr(predictor.predict(unseen), [peaked(each) for each in unseen]).statistic
    assert found > 0.95  # A line over the plain numbers: 0.65.


def test_chance_is_told_as_chance():
    rng = random.Random(6)
    seen = networks(200, 7)
    predictor = AccuracyPredictor().fit(seen, [rng.random() for _ in seen])
    assert predictor.rank_correlation is None or abs(predictor.rank_correlation) < 0.3


def test_held_out_networks_are_not_seen():
    # As many choices as networks: a fit to all of them would follow the noise.
    rng = random.Random(8)
    seen = networks(20, 9)
    noise = [rng.random() for _ in seen]
    predictor = AccuracyPredictor().fit(seen, noise)
    assert predictor.rank_correlation is None or predictor.rank_correlation < 0.5


def test_the_same_networks_give_the_same_predictor():
    seen = networks(32, 10)
    accuracies = [made_up(each) for each in seen]
    ones, others = (AccuracyPredictor().fit(seen, accuracies).predict(networks(9, 11)) for _ in range(2))
    assert ones.tolist() == others.tolist()


def test_equal_accuracies_have_no_order():
    seen = networks(16, 12)
    predictor = AccuracyPredictor().fit(seen, [50.0] * 16)
    assert predictor.rank_correlation is None
    assert np.allclose(predictor.predict(seen), 50)


def test_wrong_use_is_refused():
    with pytest.raises(RuntimeError, match="not fitted"):
        AccuracyPredictor().predict(networks(1, 0))
    with pytest.raises(ValueError, match="at least 8"):
        AccuracyPredictor().fit(networks(7, 0), [1.0] * 7)
    with pytest.raises(ValueError, match="at least 8"):
        AccuracyPredictor().fit(networks(9, 0), [1.0] * 8)
    with pytest.raises(ValueError, match="finite"):
        AccuracyPredictor().fit(networks(9, 0), [1.0] * 8 + [math.nan])


def test_rank_correlation_of_ties_is_scipys():
    assert rank_correlation([1, 2, 2, 3], [4, 6, 5, 9]) == pytest.approx(stats.spearmanr([1, 2, 2, 3], [4, 6, 5, 9])[0])
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
