"""Batches are a function of the step: nothing asked before, no global generator, no other process changes them."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.augment import Augmentation
from engine.data.images import ImageSet
from engine.data.raw import Normalization
from engine.data.splits import content_keys
from engine.data.stream import BatchStream


def image_set(count, size=8):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 1, size, size), dtype=torch.uint8, generator=generator)
    return ImageSet(
        images, torch.arange(count), torch.arange(count), content_keys(images.numpy()), Normalization((0.5,), (0.25,)),
        tuple(map(str, range(count))),
    )  # fmt: skip


def stream(count=50, batch_size=8, **changes):
    arguments = {"seed": 3, "name": "train", "augmentation": Augmentation(2, True, 3)} | changes
    return BatchStream(image_set(count), batch_size, **arguments)


def digest():
    """Of a batch deep in a run; asked here and in another process."""
    images, labels = stream().batch(123)
    return hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest()


def same(first, second):
    return torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_batch_is_the_same_after_others_and_in_a_new_stream():
    torch.manual_seed(0)
    one = stream()
    early = one.batch(5)
    for step in (100, 3, 44, 6):
        one.batch(step)
    torch.manual_seed(99)
    np.random.seed(99)

    assert same(one.batch(5), early)
    assert same(stream().batch(5), early)


def test_asking_for_batches_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()

    stream().batch(17)

    assert torch.equal(torch.get_rng_state(), before)


def test_batch_is_the_same_in_another_process():
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_stream; print(test_stream.digest())"

    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)

    assert other.stdout.strip() == digest()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.booleans())
def test_an_epoch_holds_each_image_once_and_no_batch_of_one(count, batch_size, shuffle):
    batches = BatchStream(image_set(count), batch_size, seed=0, name="x", augmentation=None, shuffle=shuffle)
    labels = [labels.tolist() for _, labels in batches.epoch_batches(2)]
    flat = [label for batch in labels for label in batch]

    assert len(labels) == batches.steps_per_epoch
    assert sorted(flat) == list(range(count))
    if min(batch_size, count) > 1:
        assert all(len(batch) > 1 for batch in labels)
    if not shuffle:
        assert flat == list(range(len(flat)))


@pytest.mark.parametrize(("count", "expected"), [(24, [8, 8, 8]), (26, [8, 8, 8, 2]), (25, [8, 8, 9]), (5, [5])])
def test_a_last_batch_of_one_is_merged(count, expected):
    assert [len(labels) for _, labels in stream(count).epoch_batches(0)] == expected


@pytest.mark.parametrize(
    ("count", "size", "expected"), [(24, 8, [8, 8, 8]), (26, 8, [8, 8, 8]), (31, 8, [8, 8, 8]), (5, 8, [5])]
)
def test_whole_batches_leave_the_rest_to_another_epoch(count, size, expected):
    whole = BatchStream(image_set(count), size, seed=0, name="x", augmentation=None, whole_batches=True)
    usual = BatchStream(image_set(count), size, seed=0, name="x", augmentation=None)
    epochs = [[batch.tolist() for _, batch in whole.epoch_batches(epoch)] for epoch in range(3)]
    for epoch, batches in enumerate(epochs):
        assert [len(batch) for batch in batches] == expected
        seen = [label for batch in batches for label in batch]
        assert len(set(seen)) == len(seen)  # none twice
        # The order of the epoch is the same one, only cut off.
        assert seen == [label for _, batch in usual.epoch_batches(epoch) for label in batch.tolist()][: len(seen)]
        assert whole.order.joint_images(epoch * len(batches)) == expected[0]
    if count > sum(expected):
        assert len({frozenset(label for batch in batches for label in batch) for batches in epochs}) > 1


def test_paper_steps_per_epoch():
    """DARTS: 25,000 in batches of 64 are 391 steps, the last of 40; PC-DARTS: 98, the last of 168."""
    images = image_set(25_000, size=1)
    for batch_size, steps, last in ((64, 391, 40), (256, 98, 168)):
        batches = BatchStream(images, batch_size, seed=2, name="weights", augmentation=None)
        assert (batches.steps_per_epoch, len(batches.batch(steps - 1)[1])) == (steps, last)


def test_epochs_names_and_seeds_have_orders_of_their_own():
    first = stream().batch(0)

    assert not same(first, stream().batch(stream().steps_per_epoch))
    assert not same(first, stream(name="alphas").batch(0))
    assert not same(first, stream(seed=4).batch(0))


def test_evaluation_is_in_file_order_unaugmented_and_equal_in_each_epoch():
    evaluation = stream(augmentation=None, shuffle=False)

    images, labels = evaluation.batch(1)

    assert labels.tolist() == list(range(8, 16))
    torch.testing.assert_close(images, (evaluation.image_set.images[8:16].float() / 255 - 0.5) / 0.25)
    assert same(evaluation.batch(1 + evaluation.steps_per_epoch), (images, labels))


def test_augmentation_of_a_place_differs_from_epoch_to_epoch():
    fixed = stream(shuffle=False, augmentation=Augmentation(2, True, 0))

    assert not same(fixed.batch(0), fixed.batch(fixed.steps_per_epoch))


def test_a_small_set_is_one_batch_and_says_so():
    small = stream(5)

    assert (small.batch_size, small.steps_per_epoch) == (5, 1)
    assert "batch_size=8" in small.message
    assert stream().message is None


def test_nothing_to_stream_is_refused():
    with pytest.raises(ValueError, match="0 images"):
        BatchStream(image_set(2).subset([]), 8, seed=0, name="x", augmentation=None)
    with pytest.raises(ValueError, match="negative"):
        stream().batch(-1)
