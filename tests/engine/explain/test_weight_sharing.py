"""The answers about a two-stage run: every number comes from the run, and what is not known is not said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.explain.weight_sharing import answers

CONFIG = {
    "kind": "two-stage",
    "method": "bignas",
    "space": "laptop",
    "epochs": 30,
    "networks_per_step": 4,
    "calibration_images": 1024,
}
STARTED = {"parameters": 144_322, "splits": {"train": 1222, "validation": 215, "test": 360}}


def row(macs, accuracy, found_by):
    return {"macs": macs, "accuracy_percent": accuracy, "found_by": found_by}


ROWS = [
    row(198_160, 91.25, "smallest"), row(3_178_752, 98.5, "biggest"), row(500_000, 93.0, "random"), row(700_000, 94.5, "random"),
    row(2_000_000, 98.0, "random"), row(800_000, 96.75, "evolution"), row(600_000, 95.0, "evolution"), row(2_900_000, 98.75, "evolution"),
]  # fmt: skip


def texts(*more, **named):
    found = answers(*more, **named)
    assert len(found) == 4
    return [answer.text for answer in found]


def test_a_run_that_has_not_begun_has_answers_without_numbers_of_its_own():
    sharing, search, optimized, at_once = texts(CONFIG, {})

    assert "all 248,832 networks of the space laptop" in sharing
    assert "0 architecture parameters" in sharing
    assert "none was measured for a budget yet" in search
    assert "every step of the 30 epochs trains 4 networks" in optimized
    assert "%" not in at_once


def test_the_supernets_weights_and_the_split_are_named():
    sharing, _, optimized, _ = texts(CONFIG, STARTED)

    assert "one supernet of 144,322 weights" in sharing
    assert "on the 215 images of the validation split" in optimized
    assert "1,024 training images" in optimized


@pytest.mark.parametrize(
    ("asked", "batch", "train", "said"),
    [(4096, 256, 100_000, "4,096"), (4000, 256, 100_000, "3,840"), (4096, 64, 1222, "1,216"), (4096, 256, 100, "100")],
)
def test_no_more_calibration_images_are_named_than_are_used(asked, batch, train, said):
    """Whole batches, of the training images that there are."""
    config = {**CONFIG, "calibration_images": asked, "calibration_batch_size": batch}

    assert f"from {said} training images" in texts(config, {"splits": {"train": train}})[2]


def test_the_search_is_measured_against_random_networks_that_cost_no_more():
    search = texts(CONFIG, STARTED, ROWS, 180.0)[1]

    assert "8 networks were measured" in search
    assert "The training has taken 3 min." in search
    # The best searched network costs 2.9 M: of the random ones up to there the best has 98.0 %.
    assert "found 98.75 % at 2.90 million multiply-adds" in search
    assert "the best of 3 random networks that cost no more has 98.00 %, 0.75 points less" in search


def test_random_networks_that_cost_more_do_not_count():
    rows = [row(500_000, 90.0, "random"), row(900_000, 99.0, "random"), row(600_000, 95.0, "evolution")]

    assert (
        "the best of 1 random network that costs no more has 90.00 %, 5.00 points less"
        in texts(CONFIG, STARTED, rows)[1]
    )


def test_a_search_that_found_nothing_better_says_so():
    rows = [row(500_000, 95.0, "random"), row(600_000, 94.0, "evolution")]

    assert "drawing at random would not have" in texts(CONFIG, STARTED, rows)[1]


def test_times_and_the_cost_of_one_more_budget():
    # Of the second one's networks all but ten were known already, and took no time.
    selections = [
        {"seconds": 20.0, "evaluated": 50, "measured_now": 50}, {"seconds": 10.0, "evaluated": 50, "measured_now": 10},
    ]  # fmt: skip

    search = texts(CONFIG, STARTED, ROWS, 7200.0, selections=selections)[1]

    assert "The training has taken 2.0 h, choosing 30 s." in search
    # The front: 198 K (91.25), 500 K (93), 600 K (95), 800 K (96.75), 2 M (98), 2.9 M (98.75); the biggest is beaten.
    assert "one of the 6 networks on the front fits it, else 0.5 s for each further network" in search


def test_both_ends_the_sampled_and_the_best_network():
    epoch = {
        "validation_accuracy_percent": 50.0,
        "smallest_validation_accuracy_percent": 40.0,
        "sampled_validation_accuracy_percent": 45.5,
    }

    before = texts(CONFIG, STARTED, epoch=epoch)[3]
    after = texts(CONFIG, STARTED, ROWS, epoch=epoch)[3]

    assert "smallest network has 40.00 % and the biggest 50.00 %" in before
    assert "45.50 % on average" in before
    assert "smallest network has 91.25 % and the biggest 98.50 %" in after  # Measured anew after the training.
    assert "98.75 % at 2.90 million multiply-adds" in after


@pytest.mark.parametrize(
    ("sampling", "word"), [("best-up", "the best of 5 candidates"), ("worst-up", "the worst of 5 candidates")]
)
def test_attentive_sampling_is_named_as_what_it_is(sampling, word):
    search = texts({**CONFIG, "sampling": sampling, "candidates": 5}, STARTED)[1]

    assert word in search
    assert "no gradient on the choice" in search
    assert "candidates" not in texts(CONFIG, STARTED)[1]


@pytest.mark.parametrize(
    ("per_step", "says"), [(2, "trains 2 networks, the biggest and the smallest"), (6, "the smallest and 4 sampled")]
)
def test_the_sandwich_has_as_many_layers_as_the_run(per_step, says):
    assert says in texts({**CONFIG, "networks_per_step": per_step}, STARTED)[2]


def test_without_distillation_all_learn_the_labels():
    assert "each of them learns the labels" in texts({**CONFIG, "distillation": False}, STARTED)[2]
    assert "biggest one's answers" not in texts({**CONFIG, "distillation": False}, STARTED)[3]


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))


@given(
    st.dictionaries(
        st.sampled_from([*CONFIG, "calibration_batch_size", "space_definition", "sampling", "candidates"]), VALUES
    ),
    st.dictionaries(st.sampled_from(["parameters", "splits"]), VALUES | st.fixed_dictionaries({"train": VALUES})),
    st.lists(st.dictionaries(st.sampled_from(["macs", "accuracy_percent", "found_by"]), VALUES), max_size=4),
    st.lists(st.dictionaries(st.sampled_from(["seconds", "measured_now"]), VALUES), max_size=2),
)
def test_damaged_files_still_get_answers(config, started, rows, selections):
    found = texts(config, started, rows, math.nan, epoch=started, selections=selections)

    assert all(found)
    assert not any(word in ("nan", "inf") for text in found for word in text.split())
