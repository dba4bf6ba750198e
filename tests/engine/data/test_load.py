"""Splits of whole data sets: disjoint, stratified, the test split never moved by the run's seed."""

import numpy as np
import pytest
import torch

from engine.config import resolve
from engine.data import divide, load_data
from engine.data.images import ImageSet
from engine.data.load import measure_normalization, resized
from engine.data.raw import Normalization
from engine.data.splits import content_keys
from engine.errors import DataError

CPU = torch.device("cpu")
ALL = ("train", "validation", "test")


def load(data="digits", kind="search", splits=ALL, **values):
    extra = {"genotype": {}} if kind == "retrain" else {}
    config = resolve(kind, data=data, values=values | extra)
    return load_data(config, CPU, splits=splits)


def keys(loaded, name):
    return sorted(loaded.splits[name].keys.tolist())


def test_digits_are_split_in_three_disjoint_stratified_parts():
    loaded = load()

    parts = {name: set(keys(loaded, name)) for name in ALL}
    assert loaded.counts == {name: len(loaded.splits[name]) for name in ALL}
    assert sum(loaded.counts.values()) == 1797
    assert len(set.union(*parts.values())) == sum(map(len, parts.values()))
    assert loaded.counts["test"] == round(0.2 * 1797)
    assert loaded.counts["validation"] == round(0.15 * (1797 - 359))
    total = np.bincount(np.concatenate([loaded.splits[name].labels for name in ALL]))
    for name in ALL:
        expected = total * loaded.counts[name] / 1797
        assert (np.abs(np.bincount(loaded.splits[name].labels) - expected) <= 2).all()


def test_digits_are_scikit_learns_scaled_to_bytes():
    from sklearn.datasets import load_digits

    loaded = load()

    found = np.concatenate([loaded.splits[name].images.numpy() for name in ALL])
    assert (loaded.channels, loaded.image_size, loaded.class_names) == (1, 8, tuple("0123456789"))
    assert found.max() == 255
    assert (
        np.sort(content_keys(found)).tolist()
        == np.sort(content_keys(np.rint(load_digits().images / 16 * 255).astype(np.uint8))).tolist()
    )
    train = loaded.splits["train"].images.double() / 255
    assert loaded.normalization.mean[0] == pytest.approx(train.mean().item(), abs=1e-12)
    assert loaded.normalization.std[0] == pytest.approx(train.std(correction=0).item(), abs=1e-12)


def test_the_seed_moves_validation_but_never_test():
    one, other = load(seed=1), load(seed=2)

    assert keys(one, "test") == keys(other, "test")
    assert keys(one, "validation") != keys(other, "validation")
    assert one.fingerprint == other.fingerprint
    assert one.split_fingerprints["test"] == other.split_fingerprints["test"]
    assert one.split_fingerprints["train"] != other.split_fingerprints["train"]


def test_fingerprint_is_one_for_searches_and_retrainings_of_any_size_and_portion():
    one = load().fingerprint

    assert load(kind="retrain", validation_portion=0, image_size=16, limit_images=100, seed=9).fingerprint == one


def test_the_test_split_is_loaded_only_when_asked_for():
    loaded = load(splits=("train", "validation"))

    assert set(loaded.splits) == {"train", "validation"}
    assert loaded.counts["test"] == 359
    assert set(load(splits=("test",)).splits) == {"test"}
    assert load(splits=("test",)).normalization == loaded.normalization


def test_no_validation_portion_holds_none_out():
    loaded = load(validation_portion=0)

    assert "validation" not in loaded.splits
    assert loaded.counts["train"] == 1797 - 359


def test_limit_leaves_that_many_stratified_images_of_the_training_split():
    whole, limited = load(seed=5), load(seed=5, limit_images=100)

    assert set(keys(limited, "train")) < set(keys(whole, "train"))
    assert set(keys(limited, "validation")) < set(keys(whole, "validation"))
    assert limited.counts == {"train": 100, "validation": round(216 * 100 / 1222), "test": 359}
    assert np.bincount(limited.splits["train"].labels).tolist() == [10] * 10
    assert keys(limited, "train") == keys(load(seed=5, limit_images=100), "train")
    assert keys(limited, "train") != keys(load(seed=6, limit_images=100), "train")
    assert keys(limited, "test") == keys(whole, "test")


def test_a_limit_below_two_a_class_is_refused():
    with pytest.raises(DataError, match=r"limit_images=16.*20 or more"):
        load(limit_images=16)


def test_images_are_resized_to_the_size_asked_for():
    loaded = load(image_size=32)

    assert loaded.image_size == 32
    assert loaded.splits["train"].images.shape[1:] == (1, 32, 32)
    assert loaded.augmentation.shift == 4


def test_a_cutout_of_the_whole_image_is_refused():
    with pytest.raises(DataError, match=r"cutout=8.*Set cutout to 4"):
        load(cutout=8)


def test_normalization_can_be_given():
    given = Normalization((0.1,), (0.2,))
    loaded = load_data(resolve("search", data="digits"), CPU, splits=("test",), normalization=given)

    assert loaded.splits["test"].mean.item() == pytest.approx(0.1)


def test_too_many_bytes_are_refused_before_they_are_made(monkeypatch):
    from types import SimpleNamespace

    monkeypatch.setattr("engine.data.load.psutil.virtual_memory", lambda: SimpleNamespace(available=10_000))

    with pytest.raises(DataError, match=r"image_size: the images take .* on cpu"):
        load()


def test_a_channel_that_never_changes_stays_finite():
    images = np.full((4, 2, 3, 3), 51, dtype=np.uint8)
    images[0, 1] = 255

    found = measure_normalization(images, np.arange(4))

    assert found.mean == pytest.approx((0.2, 0.4))
    assert found.std[0] == 1.0


def test_resizing_cuts_the_central_square_and_keeps_flat_colour():
    images = np.zeros((1, 1, 10, 20), dtype=np.uint8)
    images[:, :, :, 5:15] = 200

    assert (resized(images, 5) == 200).all()
    assert resized(images, 10).shape == (1, 1, 10, 10)


def small_set(labels):
    labels = torch.tensor(labels)
    images = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
    return ImageSet(
        images,
        torch.arange(len(labels)),
        labels,
        content_keys(images.numpy()),
        Normalization((0.0,), (1.0,)),
        ("a", "b"),
    )


def test_halves_are_disjoint_stratified_and_fixed_by_the_seed():
    train = load().splits["train"]

    weights, alphas = divide(train, 0.5, seed=3)

    assert sorted(weights.keys.tolist() + alphas.keys.tolist()) == sorted(train.keys.tolist())
    assert not set(weights.keys.tolist()) & set(alphas.keys.tolist())
    difference = np.bincount(weights.labels) - np.bincount(alphas.labels)
    assert (np.abs(difference) <= 4).all()
    assert len(weights) == len(train) // 2
    assert weights.keys.tolist() == divide(train, 0.5, seed=3)[0].keys.tolist()
    assert weights.keys.tolist() != divide(train, 0.5, seed=4)[0].keys.tolist()
    assert weights.pool is train.pool  # Nothing is copied.
    assert np.array_equal(content_keys(weights.images.numpy()), weights.keys)


def test_a_class_of_one_image_cannot_be_halved():
    with pytest.raises(DataError, match=r"two training images of each class.* b"):
        divide(small_set([0, 0, 0, 1]), 0.5, seed=0)
