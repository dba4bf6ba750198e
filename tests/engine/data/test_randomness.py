"""Streams against a plain-integer SplitMix64 and against what uniform numbers must look like."""

import numpy as np
import pytest

from engine.data.randomness import below, draws, permutation, stream_key

MASK = (1 << 64) - 1


def splitmix64(state: int) -> int:
    z = state & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_draws_are_splitmix64_at_the_counters():
    key = stream_key(3, "train", 0)

    found = draws(key, 50).tolist()

    assert found == [splitmix64(key + count * 0x9E3779B97F4A7C15) for count in range(1, 51)]


def test_splitmix64_gives_the_published_numbers_for_seed_1234567():
    # The reference implementation's output (Vigna, splitmix64.c) for this seed.
    assert draws(1234567, 3).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_names_part_streams_even_where_their_texts_run_together():
    assert (
        len(
            {
                stream_key(1, "a", 2),
                stream_key(1, "a2"),
                stream_key("1", "a", 2),
                stream_key(1, "a", "2"),
                stream_key(12, "a"),
            }
        )
        == 5
    )


@pytest.mark.parametrize("limit", [2, 3, 9, 32])
def test_below_is_uniform(limit):
    counts = np.bincount(below(stream_key("uniform", limit), 100_000, limit), minlength=limit)

    expected = 100_000 / limit
    assert len(counts) == limit
    # Chi square, mean limit - 1, deviation sqrt(2 (limit - 1)): far beyond five deviations is no chance.
    assert ((counts - expected) ** 2 / expected).sum() < limit - 1 + 6 * (2 * (limit - 1)) ** 0.5


def test_permutation_holds_each_place_once_and_changes_with_the_key():
    first, second = permutation(stream_key(0, 0), 1000), permutation(stream_key(0, 1), 1000)

    assert sorted(first.tolist()) == list(range(1000))
    assert (first == second).mean() < 0.02
