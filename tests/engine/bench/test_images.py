"""Random data in the place of a data set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.bench.images import DataShape, random_data, shape_of_data
from engine.bench.subject import Subject
from engine.data import load_data
from engine.errors import DataError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ("digits", DataShape(1, 8, 10)),
        ("cifar10", DataShape(3, 32, 10)),
        ("cifar100", DataShape(3, 32, 100)),
        ("fashion-mnist", DataShape(1, 32, 10)),
    ],
)
def test_shape_of_a_known_set_needs_no_file(tiny, data, shape, tmp_path, monkeypatch):
    monkeypatch.setenv("NASCOPE_HOME", str(tmp_path))

    assert shape_of_data(tiny(data=data)) == shape
    assert list(tmp_path.iterdir()) == []


def test_image_size_is_the_one_that_was_set(tiny):
    assert shape_of_data(tiny(data="cifar10", image_size=16)) == DataShape(3, 16, 10)


def test_shape_is_what_a_search_would_load(tiny):
    config = tiny()

    loaded = load_data(config, CPU)

    assert shape_of_data(config) == DataShape(loaded.channels, loaded.image_size, len(loaded.class_names))


def test_shape_of_own_arrays_and_folders_comes_from_the_files(tiny, tmp_path):
    np.savez(tmp_path / "own.npz", images=np.zeros((60, 12, 12, 2), np.uint8), labels=np.arange(60) % 3)
    for name in ("apple", "pear"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "1.png").touch()

    assert shape_of_data(tiny(data=f"npz:{tmp_path / 'own.npz'}")) == DataShape(2, 12, 3)
    assert shape_of_data(tiny(data=f"image-folder:{tmp_path / 'images'}")) == DataShape(3, 32, 2)


def test_missing_folder_is_an_error_in_words(tiny, tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        shape_of_data(tiny(data=f"image-folder:{tmp_path / 'nothing'}"))


@pytest.mark.parametrize(("batch", "classes"), [(4, 10), (2, 200), (3, 7)])
def test_every_batch_is_full_however_many_classes(tiny, batch, classes):
    config = tiny(batch_size=batch, space="none,skip_connect,max_pool_3x3")
    subject = Subject(config, random_data(config, DataShape(1, 8, classes), CPU), CPU)

    streams = (subject._trainer._weights_stream, subject._trainer._alphas_stream)
    steps = range(2 * subject._trainer.steps_per_epoch)
    assert {len(stream.batch(step)[0]) for stream in streams for step in steps} == {batch}
    assert subject.whole_step() == subject.weights_step() == batch


def test_whole_steps_move_alphas_and_weights_steps_do_not(tiny):
    config = tiny(method="pc-darts", channels=8)
    subject = Subject(config, random_data(config, DataShape(1, 8, 10), CPU), CPU)

    def state():
        found = subject._trainer.state_dict()
        return {name: [tensor.clone() for tensor in found[name].values()] for name in ("arch", "weights")}

    def moved(before, after, name):
        return any(not torch.equal(old, new) for old, new in zip(before[name], after[name], strict=True))

    start = state()
    subject.weights_step()
    between = state()
    subject.whole_step()
    end = state()

    assert not moved(start, between, "arch")
    assert moved(start, between, "weights")
    assert moved(between, end, "arch")
    assert moved(between, end, "weights")
