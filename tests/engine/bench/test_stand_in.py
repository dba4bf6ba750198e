"""Images that stand for those of a data set which is not read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from engine.bench import stand_in as module
from engine.bench.stand_in import stand_in
from engine.config import resolve
from engine.data import divide, load_data

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """Nothing was ever downloaded, and nothing can be."""
    monkeypatch.setenv("NASCOPE_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("data", "classes", "shape", "train"), [("cifar10", 10, (3, 32), 50_000), ("cifar100", 100, (3, 32), 50_000), ("fashion-mnist", 10, (1, 32), 60_000)]
)  # fmt: skip
def test_official_sets_are_counted_without_a_download(tmp_path, data, classes, shape, train):
    config = resolve("search", data=data, preset="paper", values={"limit_images": None})
    found = stand_in(config, CPU)

    assert (found.data.channels, found.data.image_size) == shape
    assert found.data.counts["train"] == train
    assert found.data.counts["test"] == 10_000
    weights, alphas = divide(found.data.splits["train"], 0.5, seed=2)
    assert (len(weights), len(alphas)) == (train // 2, train // 2)
    assert len(found.data.class_names) == classes
    assert "download" in found.messages[0]
    assert not (tmp_path / "home" / "data").exists()


def test_portions_are_those_of_the_papers(tmp_path):
    config = resolve(
        "search", data="cifar10", values={"validation_portion": 0.1, "limit_images": 9000, "train_portion": 0.6}
    )
    found = stand_in(config, CPU)

    assert found.data.counts["train"] == 9000
    assert (
        found.data.counts["validation"] == 1000
    )  # a tenth of 50,000, shrunk like the training images: 9,000 of 45,000
    weights, _ = divide(found.data.splits["train"], 0.6, seed=0)
    assert len(weights) == 5400


@pytest.fixture
def folder(tmp_path):
    """Three classes of small pictures with a validation split of their own."""
    source = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 5)):
        for name in ("cat", "dog", "owl"):
            place = tmp_path / "pictures" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = source.integers(0, 256, (20, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize("values", [{}, {"limit_images": 18}, {"limit_portion": 0.5}, {"reading": "files"}])
def test_folder_has_the_counts_of_the_real_one(folder, values):
    config = resolve("search", data=f"image-folder:{folder}", values={"image_size": 16, "workers": 0, **values})
    found = stand_in(config, CPU)
    real = load_data(config, CPU)

    assert found.data.counts == real.counts
    assert (found.data.channels, found.data.image_size) == (real.channels, real.image_size)
    assert {name: len(split) for name, split in found.data.splits.items()} == {
        name: len(split) for name, split in real.splits.items()
    }


def test_decoding_is_timed_on_some_files_and_once_decoded_is_free(folder, monkeypatch):
    monkeypatch.setattr(module, "_DECODED_SAMPLE", 3)
    config = resolve("search", data=f"image-folder:{folder}", values={"image_size": 16})
    first = stand_in(config, CPU)
    load_data(config, CPU)  # keeps what it decoded
    second = stand_in(config, CPU)

    assert first.more_seconds > 0
    assert second.more_seconds == 0


def test_index_file_is_not_made(tmp_path):
    path = tmp_path / "subset.json"
    config = resolve("search", data="digits", values={"index_file": str(path), "limit_images": 100})
    found = stand_in(config, CPU)

    assert found.data.counts["train"] == 100
    assert not path.exists()
