"""Lists of training images that runs share: made, read, and refused where they lie."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import resolve
from engine.data import divide, load_data
from engine.data.make_subset import make_subset
from engine.data.raw import no_progress
from engine.errors import DataError

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path):
    """Three classes of 40 training images of a few bytes, and a val/."""
    root = tmp_path / "in"
    for split, count in (("train", 40), ("val", 2)):
        for label in range(3):
            (root / split / f"n{label}").mkdir(parents=True)
            for place in range(count):
                Image.new("L", (9, 9), 5 * place + label).save(root / split / f"n{label}" / f"{place:02}.png")
    return root


def load(data, path, kind="search", **values):
    extra = {"genotype": {}} if kind == "retrain" else {}
    known = {
        "image_size": 8,
        "validation_portion": 0,
        "limit_portion": None,
        "train_portion": 0.8,
        "index_file": str(path),
    }
    if kind == "retrain":
        known.pop("train_portion")
    return load_data(resolve(kind, data=data, values=known | extra | values), CPU)


def halves(loaded, seed=0):
    weights, alphas = divide(loaded.splits["train"], 0.5, seed=seed)
    return sorted(weights.keys.tolist()), sorted(alphas.keys.tolist())


def test_pc_darts_subset_is_made_once_and_holds_for_every_later_run(folder, tmp_path):
    path = tmp_path / "lists" / "subset.json"
    first = load(f"imagenet:{folder}", path, limit_portion=0.125)
    document = json.loads(path.read_text())

    assert (len(document["weights"]), len(document["alphas"])) == (12, 3)  # Of 40: 4 and 1 a class.
    for name, count in (("weights", 4), ("alphas", 1)):
        assert np.bincount([int(place.split("/")[1][1:]) for place in document[name]]).tolist() == [count] * 3
    again = load(f"imagenet:{folder}", path, seed=9, limit_portion=0.5, train_portion=0.3)
    assert halves(first) == halves(again, seed=9)
    assert first.fingerprint == again.fingerprint
    assert json.loads(path.read_text()) == document
    retrained = load(f"imagenet:{folder}", path, kind="retrain")
    assert retrained.counts["train"] == 15
    assert sorted(retrained.splits["train"].keys.tolist()) == sorted(key for half in halves(first) for key in half)


def test_a_list_holds_where_the_folder_was_moved_and_for_memory_too(folder, tmp_path):
    path = tmp_path / "subset.json"
    before = load(f"imagenet:{folder}", path, limit_portion=0.25)
    moved = folder.rename(tmp_path / "elsewhere")

    assert halves(load(f"imagenet:{moved}", path)) == halves(before)
    assert load(f"imagenet:{moved}", path, reading="memory").counts["train"] == 30


def test_a_list_of_rows_serves_arrays_and_only_these(tmp_path):
    path = tmp_path / "digits.json"
    first = load("digits", path, limit_images=100)

    assert first.counts["train"] == 100
    assert halves(load("digits", path, seed=3), seed=3) == halves(first)
    document = json.loads(path.read_text())
    assert document["listed_by"] == "row"
    path.write_text(json.dumps(document | {"fingerprint": "0" * 32}))
    with pytest.raises(DataError, match="made for other images"):
        load("digits", path)


def test_listed_images_are_in_no_other_split(tmp_path):
    path = tmp_path / "digits.json"
    load("digits", path, limit_images=400)
    loaded = load("digits", path, seed=5, validation_portion=0.3)

    assert not set(loaded.splits["train"].keys.tolist()) & set(loaded.splits["validation"].keys.tolist())
    whole = tmp_path / "whole.json"
    load("digits", whole)
    with pytest.raises(DataError, match=r"whole.json: lists every training image.*validation_portion"):
        load("digits", whole, validation_portion=0.1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d | {"weights": [*d["weights"], d["weights"][0]]}, r"«weights» lists «train/.*» twice"),
        (lambda d: d | {"alphas": [*d["alphas"], d["weights"][0]]}, r"is in both weights and alphas"),
        (lambda d: d | {"alphas": [*d["alphas"], "train/n0/gone.png"]}, r"not among the training images: train/n0/gone.png"),
        (lambda d: d | {"alphas": [*d["alphas"], "val/n0/00.png"]}, r"not among the training images: val/n0/00.png"),
        (lambda d: d | {"alphas": [*d["alphas"], "\ud800"]}, r"not among the training images: �"),
        (lambda d: d | {"alphas": d["alphas"][:2]}, r"«alphas» lists no image of 2 classes \(n1, n2\)"),
        (lambda d: d | {"alphas": 3}, r"no list of places"), (lambda d: d | {"alphas": [1]}, r"no list of places"),
        (lambda d: {key: value for key, value in d.items() if key != "alphas"}, r"needs the lists weights and alphas"),
        (lambda d: d | {"data": "digits"}, r"lists images of digits"), (lambda d: d | {"schema": 2}, r"schema 2"),
        (lambda d: d | {"kind": "x"}, r"no list of images"), (lambda d: [1], r"no list of images"), (lambda d: d | {"listed_by": "row"}, r"lists by row"),
    ],
)  # fmt: skip
def test_a_faulty_list_is_refused_by_name(folder, tmp_path, change, says):
    path = tmp_path / "subset.json"
    load(f"imagenet:{folder}", path, limit_portion=0.25)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))

    with pytest.raises(DataError, match=says) as refused:
        load(f"imagenet:{folder}", path)
    assert refused.value.where == str(path)
    assert refused.value.mend


def test_an_image_that_a_long_list_repeats_is_found_at_once(folder, tmp_path):
    path = tmp_path / "subset.json"
    load(f"imagenet:{folder}", path, limit_portion=0.25)
    document = json.loads(path.read_text())
    many = [f"train/n0/{number}.png" for number in range(100_000)]
    path.write_text(json.dumps(document | {"weights": [*many, many[-1]]}))

    with pytest.raises(DataError, match=r"«weights» lists «train/n0/99999.png» twice"):
        load(f"imagenet:{folder}", path)


def test_what_is_no_json_is_refused_and_a_place_that_cannot_be_written_too(folder, tmp_path):
    path = tmp_path / "subset.json"
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match="no JSON"):
        load(f"imagenet:{folder}", path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be"):
        load(f"imagenet:{folder}", tmp_path / "file/below.json")


def test_a_subset_made_beforehand_is_the_one_that_a_run_would_make(folder, tmp_path):
    path, other = tmp_path / "one.json", tmp_path / "other.json"
    counts = make_subset(f"imagenet:{folder}", path, portion=0.1, alphas=0.025, seed=4, progress=no_progress)
    load(f"imagenet:{folder}", other, limit_portion=0.125, seed=4)

    assert counts == {"weights": 12, "alphas": 3}
    assert json.loads(path.read_text()) == json.loads(other.read_text())
    assert make_subset("digits", tmp_path / "d.json", portion=0.1, alphas=None, seed=0, progress=no_progress) == {
        "train": 144
    }
