"""Arrays of a person's own: round trips in every layout, and each fault named with key, shape and dtype."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config import resolve
from engine.data import load_data
from engine.data.npz import read_npz
from engine.errors import DataError

NUMBERS = np.random.default_rng(0)
IMAGES = NUMBERS.integers(0, 256, (40, 10, 12, 3), dtype=np.uint8)
LABELS = np.tile(np.arange(4), 10)


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "set.npz", **arrays)
    return tmp_path / "set.npz"


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (IMAGES, IMAGES.transpose(0, 3, 1, 2)), (IMAGES.transpose(0, 3, 1, 2), IMAGES.transpose(0, 3, 1, 2)),
        (IMAGES[..., 0], IMAGES[:, None, :, :, 0]), (IMAGES[..., :1], IMAGES[:, None, :, :, 0]),
        (IMAGES / 255, IMAGES.transpose(0, 3, 1, 2)), ((IMAGES / 255).astype(np.float32), IMAGES.transpose(0, 3, 1, 2)),
        (IMAGES.astype(np.int64), IMAGES.transpose(0, 3, 1, 2)), (np.asfortranarray(IMAGES), IMAGES.transpose(0, 3, 1, 2)),
    ],
)  # fmt: skip
def test_every_layout_and_scale_is_read_as_the_same_bytes(tmp_path, images, expected):
    raw = read_npz(saved(tmp_path, images=images, labels=LABELS))

    assert np.array_equal(raw.train.images, expected)
    assert raw.train.images.flags.c_contiguous
    assert raw.train.labels.tolist() == LABELS.tolist()
    assert raw.class_names == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    "keys", [("x", "y"), ("X", "Y"), ("x_train", "y_train"), ("train_images", "train_labels"), ("data", "targets")]
)
def test_usual_names_are_understood(tmp_path, keys):
    assert len(read_npz(saved(tmp_path, **{keys[0]: IMAGES, keys[1]: LABELS[:, None]})).train) == 40


def test_own_splits_are_read(tmp_path):
    path = saved(
        tmp_path, train_images=IMAGES[:20], train_labels=LABELS[:20], val_images=IMAGES[20:28], val_labels=LABELS[20:28],
        test_images=IMAGES[28:], test_labels=LABELS[28:],
    )  # fmt: skip

    raw = read_npz(path)

    assert (len(raw.train), len(raw.validation), raw.test_size) == (20, 8, 12)
    assert np.array_equal(raw.read_test().images, IMAGES[28:].transpose(0, 3, 1, 2))


def test_label_values_texts_and_names_become_classes(tmp_path):
    assert read_npz(saved(tmp_path, x=IMAGES, y=LABELS * 5 - 3)).class_names == ("-3", "2", "7", "12")
    texts = np.array(["owl", "cat", "dog", "bee"])[LABELS]
    raw = read_npz(saved(tmp_path, x=IMAGES, y=texts))
    assert raw.class_names == ("bee", "cat", "dog", "owl")
    assert raw.train.labels[:4].tolist() == [3, 1, 2, 0]
    named = read_npz(saved(tmp_path, x=IMAGES, y=LABELS, class_names=np.array(["p", "q", "r", "s"])))
    assert named.class_names == ("p", "q", "r", "s")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(1, 4), st.integers(8, 12), st.integers(8, 12), st.sampled_from(["last", "first"]), st.booleans())
def test_round_trip_of_any_shape(tmp_path, channels, height, width, order, floats):
    images = NUMBERS.integers(0, 256, (8, channels, height, width), dtype=np.uint8)
    stored = images if order == "first" else images.transpose(0, 2, 3, 1)

    raw = read_npz(saved(tmp_path, images=stored / 255 if floats else stored, labels=LABELS[:8]))

    assert np.array_equal(raw.train.images, images)


def test_loading_splits_it_in_three(tmp_path):
    path = saved(tmp_path, images=IMAGES[:, :, :10], labels=LABELS)

    loaded = load_data(
        resolve("search", data=f"npz:{path}"), torch.device("cpu"), splits=("train", "validation", "test")
    )

    # No validation portion in the papers' protocol.
    assert (loaded.counts["train"], loaded.counts["test"], loaded.image_size, loaded.channels) == (32, 8, 10, 3)


def test_oblong_images_need_a_size(tmp_path):
    path = saved(tmp_path, images=IMAGES, labels=LABELS)

    with pytest.raises(DataError, match=r"10×12.*Set image_size"):
        load_data(resolve("search", data=f"npz:{path}"), torch.device("cpu"))
    config = resolve("search", data=f"npz:{path}", values={"image_size": 8})
    assert load_data(config, torch.device("cpu")).splits["train"].images.shape[1:] == (3, 8, 8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": IMAGES, "labels": LABELS}, r"has no train images \(looked for images.*pictures \(40, 10, 12, 3\) uint8"),
        ({"images": IMAGES}, "has no labels for «images»"),
        ({"images": IMAGES, "x": IMAGES, "labels": LABELS}, "several train images: images, x"),
        ({"images": IMAGES[0, 0], "labels": LABELS}, r"«images» has shape \(12, 3\)"),
        ({"images": IMAGES[:, :4], "labels": LABELS}, r"«images» has shape \(40, 4, 12, 3\)"),
        ({"images": NUMBERS.random((40, 9, 9, 7)), "labels": LABELS}, r"«images» has shape \(40, 9, 9, 7\)"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "«images» is empty"),
        ({"images": IMAGES, "labels": LABELS[:39]}, "40 images and «labels» 39 labels"),
        ({"images": IMAGES, "labels": np.eye(4)[LABELS]}, r"«labels» has shape \(40, 4\).*argmax"),
        ({"images": IMAGES, "labels": LABELS.astype(float)}, "labels have dtype float64"),
        ({"images": IMAGES.astype(np.float32), "labels": LABELS}, "values from 0 to 255; expected 0 to 1.*Divide by 255"),
        ({"images": IMAGES / 255 - 0.5, "labels": LABELS}, "values from -0.5 to 0.5"),
        ({"images": np.full((40, 9, 9), np.nan), "labels": LABELS}, "values from nan to nan"),
        ({"images": IMAGES.astype(np.int32) * 2, "labels": LABELS}, "values from 0 to 510; expected 0 to 255"),
        ({"images": IMAGES > 3, "labels": LABELS}, "«images» has dtype bool"),
        ({"images": IMAGES.astype(complex), "labels": LABELS}, "«images» has dtype complex128"),
        ({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:, :8, :8], "y_test": LABELS}, "test images are 8×8"),
        ({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS + 1}, "test labels 4 are none"),
        ({"images": IMAGES, "labels": LABELS, "class_names": np.array(["a", "b"])}, "names 2 classes; the labels are 0, 1, 2, 3"),
    ],
)  # fmt: skip
def test_faults_name_key_shape_and_dtype(tmp_path, arrays, message):
    path = saved(tmp_path, **arrays)

    with pytest.raises(DataError, match=message) as caught:
        read_npz(path)

    assert caught.value.where == str(path)


def test_a_class_with_one_value_is_refused(tmp_path):
    path = saved(tmp_path, images=IMAGES[:, :, :10], labels=LABELS * 0)

    with pytest.raises(DataError, match="holds 1 class"):
        load_data(resolve("search", data=f"npz:{path}"), torch.device("cpu"))


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('the pickle was run')",)


def test_pickled_objects_are_refused_unread(tmp_path):
    hostile = np.empty(40, dtype=object)
    hostile[:] = Bomb()
    path = tmp_path / "set.npz"
    np.savez(path, images=IMAGES, labels=hostile)

    with pytest.raises(DataError, match="«labels» holds Python objects"):
        read_npz(path)


def test_a_bare_pickle_named_npz_is_refused(tmp_path):
    (tmp_path / "set.npz").write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(DataError, match=r"no .npz file that can be read"):
        read_npz(tmp_path / "set.npz")


def test_a_header_that_promises_more_than_the_file_holds_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 8, 8)})
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("images.npy", buffer.getvalue())

    with pytest.raises(DataError, match="holds fewer bytes"):
        read_npz(tmp_path / "set.npz")


def test_an_array_that_unpacks_to_more_than_memory_is_refused_unread(tmp_path, monkeypatch):
    from types import SimpleNamespace

    monkeypatch.setattr("engine.data.npz.psutil.virtual_memory", lambda: SimpleNamespace(available=20_000))
    np.savez_compressed(tmp_path / "set.npz", images=np.zeros((100, 32, 32), np.uint8), labels=np.zeros(100, np.int64))

    with pytest.raises(DataError, match="GiB are free"):
        read_npz(tmp_path / "set.npz")


def test_a_flipped_byte_is_noticed(tmp_path):
    np.savez_compressed(tmp_path / "set.npz", images=IMAGES, labels=LABELS)
    content = bytearray((tmp_path / "set.npz").read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "set.npz").write_bytes(content)

    with pytest.raises(DataError, match=r"set.npz"):
        read_npz(tmp_path / "set.npz")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_npz(tmp_path / "none.npz")
