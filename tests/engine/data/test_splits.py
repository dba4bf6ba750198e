"""Stratified choices: exact counts, disjoint, whatever the order; copies stay together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.randomness import draws, stream_key
from engine.data.splits import TEST_SALT, allocate, choose, content_keys, fingerprint

sizes = st.lists(st.integers(2, 200), min_size=2, max_size=30)


@given(sizes, st.floats(0, 1))
def test_allocation_adds_up_and_keeps_within_one_of_the_exact_share(sizes, portion):
    total = round(portion * sum(sizes))

    taken = allocate(sizes, total)

    assert all(1 <= count <= size - 1 for count, size in zip(taken, sizes, strict=True))
    if len(sizes) <= total <= sum(sizes) - len(sizes):
        assert sum(taken) == total
    if min(sizes) * portion >= 1 and min(sizes) * (1 - portion) >= 1:  # No bound bites.
        assert all(abs(count - total * size / sum(sizes)) <= 1 for count, size in zip(taken, sizes, strict=True))


def test_allocation_refuses_a_class_that_cannot_be_parted():
    with pytest.raises(ValueError, match="smaller"):
        allocate([5, 1], 3)


@settings(max_examples=50)
@given(sizes, st.integers(0, 2**32), st.floats(0.05, 0.95), st.randoms(use_true_random=False))
def test_choice_is_stratified_and_independent_of_the_order(sizes, salt, portion, random):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    keys = draws(7, len(labels))
    total = round(portion * len(labels))
    shuffled = np.array(random.sample(range(len(labels)), len(labels)))

    chosen = choose(labels, keys, total, classes=len(sizes), salt=salt)
    other = choose(labels[shuffled], keys[shuffled], total, classes=len(sizes), salt=salt)

    assert np.bincount(labels[chosen], minlength=len(sizes)).tolist() == allocate(sizes, total)
    assert np.array_equal(chosen[shuffled], other)


def test_copies_stay_on_one_side():
    keys = np.repeat(draws(1, 100), 3)  # Each image three times.
    labels = np.repeat(np.arange(2), 150)

    chosen = choose(labels, keys, 62, classes=2, salt=5)  # 31 a class would part an image

    by_image = chosen.reshape(100, 3)
    assert (by_image.all(axis=1) | ~by_image.any(axis=1)).all()
    assert abs(int(chosen.sum()) - 62) <= 4


def test_a_class_of_one_repeated_image_is_parted_all_the_same():
    chosen = choose(np.repeat([0, 1], 10), np.repeat(draws(1, 2), 10), 4, classes=2, salt=5)

    assert chosen.sum() == 4


def test_another_salt_is_another_choice():
    labels, keys = np.zeros(1000, dtype=np.int64), draws(3, 1000)

    first = choose(labels, keys, 200, classes=1, salt=1)
    second = choose(labels, keys, 200, classes=1, salt=2)

    # Independent choices of a fifth share a fifth: 40 of 200, deviation 5.7.
    assert 15 <= (first & second).sum() <= 65


def test_the_test_salt_is_fixed_for_ever():
    """Another salt would move every test split ever made; this number must not change."""
    assert (
        stream_key("nascope", "test split", 1)
        == TEST_SALT
        == int.from_bytes(bytes.fromhex("bae91c42406965fe"), "little")
    )


def test_content_keys_tell_equal_images_and_different_ones():
    images = np.zeros((3, 1, 8, 8), dtype=np.uint8)
    images[2, 0, 7, 7] = 1

    keys = content_keys(images)

    assert keys[0] == keys[1] != keys[2]
    assert np.array_equal(keys, content_keys(np.asfortranarray(images)))


def test_fingerprint_forgets_the_order_and_notices_images_labels_and_names():
    labels, keys = np.array([0, 1, 1]), np.array([9, 4, 7], dtype=np.uint64)
    whole = fingerprint(("a", "b"), (labels, keys))

    assert fingerprint(("a", "b"), (labels[::-1], keys[::-1])) == whole
    assert fingerprint(("a", "b"), (np.array([1, 0, 1]), keys)) != whole
    assert fingerprint(("a", "b"), (labels, keys + np.uint64(1))) != whole
    assert fingerprint(("a", "c"), (labels, keys)) != whole
