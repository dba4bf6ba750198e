"""A changed file against a study that has begun."""

import pytest

from engine.config.study import check_study
from engine.errors import ConfigError
from engine.study.changes import refuse_changes

BASE = {"methods": ["darts"], "seeds": [0, 1], "search": {"epochs": 2}, "retrain": {"epochs": 3}}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"methods": ["pc-darts", "darts"]},
        {"seeds": [3, 0, 1]},
        {"random_cells": 5},
        {"parallel": 4, "retries": 3, "slurm": {"timeout_min": 5}},
    ],
)
def test_additions_go_on(more):
    refuse_changes(check_study(BASE), check_study({**BASE, **more}), where="study.json")


@pytest.mark.parametrize(
    ("less", "place"),
    [
        ({"data": "fashion-mnist"}, "data"),
        ({"seeds": [0]}, "seeds"),
        ({"methods": ["pc-darts"]}, "methods"),
        ({"methods": [{"name": "darts", "method": "darts", "set": {"channels": 4}}]}, "methods, darts"),
        ({"search": {"epochs": 3}}, "search"),
        ({"retrain": {"epochs": 4}}, "retrain"),
        ({"pick": {"epochs": 1}}, "pick"),
        ({"random_cells": 1}, "random_cells"),
        ({"test": False}, "test"),
        ({"retrain_seeds": [9]}, "retrain_seeds"),
    ],
)
def test_other_changes_are_refused_by_name(less, place):
    with pytest.raises(ConfigError) as caught:
        refuse_changes(check_study(BASE), check_study({**BASE, **less}), where="study.json")
    assert [fault.field for fault in caught.value.faults] == [place]
    assert "study.json" in str(caught.value)


def test_a_test_may_be_added_and_retraining_seeds_that_keep_the_old_ones():
    before = {**BASE, "test": False}
    refuse_changes(check_study(before), check_study(BASE), where="f")
    refuse_changes(check_study(BASE), check_study({**BASE, "retrain_seeds": [1, 0, 2]}), where="f")
    refuse_changes(check_study({**BASE, "retrain_seeds": 1}), check_study({**BASE, "retrain_seeds": 3}), where="f")
