"""ImageNet's folders: layouts, lists of classes, and the faults that people's copies have."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import resolve
from engine.data import FileSet, load_data
from engine.data.imagenet import find_imagenet
from engine.errors import DataError

CPU = torch.device("cpu")


def picture(seed, mode="RGB", size=(40, 30), kind="JPEG"):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Three classes of six training images, and a flat val/ of two each."""
    root = tmp_path / "in"
    for label, name in enumerate(("n01", "n02", "n03")):
        (root / "train" / name).mkdir(parents=True)
        for place in range(6):
            (root / "train" / name / f"{name}_{place}.JPEG").write_bytes(picture(10 * label + place))
    (root / "val").mkdir()
    for number in range(6):
        (root / "val" / f"ILSVRC2012_val_{number:08}.JPEG").write_bytes(picture(100 + number))
    return root


CLASSES = ("n02", "n01", "n03", "n03", "n01", "n02")


def listed(root, name, lines):
    (root / name).write_text("\n".join(lines) + "\n")
    layout = find_imagenet(root)
    return {
        file.place.rsplit("_", 1)[1][:8]: layout.class_names[file.label]
        for file in layout.files
        if file.split == "test"
    }


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("val.txt", "ILSVRC2012_val_{0:08}.JPEG {1}"), ("val/val_labels.txt", "ILSVRC2012_val_{0:08}\t{2}"),
        ("ILSVRC2012_validation_ground_truth.txt", "val/ILSVRC2012_val_{0:08}.JPEG {2}"),
        ("LOC_val_solution.csv", "ILSVRC2012_val_{0:08},{1} 111 108 479 494 "), ("val/val_annotations.txt", "ILSVRC2012_val_{0:08}.JPEG\t{1}\t0\t0\t62\t57"),
    ],
)  # fmt: skip
def test_every_usual_list_says_the_class_of_each_file(folder, name, line):
    lines = [line.format(number, kind, int(kind[-1]) - 1) for number, kind in enumerate(CLASSES)]
    if name.endswith("csv"):
        lines.insert(0, "ImageId,PredictionString")

    assert listed(folder, name, lines) == {f"{number:08}": kind for number, kind in enumerate(CLASSES)}


def whole_list():
    return [f"ILSVRC2012_val_{number:08}.JPEG {kind}" for number, kind in enumerate(CLASSES)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [*lines[:2], "ILSVRC2012_val_00000002.JPEG n09", *lines[3:]], r"val.txt, line 3: «n09» is no class"),
        (lambda lines: [*lines[:5], "ILSVRC2012_val_00000005 3"], r"line 6: «3» is no class of train/. Numbers go from 0 to 2"),
        (lambda lines: lines[:5], r"no line for ILSVRC2012_val_00000005.JPEG"),
        (lambda lines: [*lines, "ILSVRC2012_val_00000000.JPEG n03"], r"line 7: .* n03 here and n02 in line 1"),
        (lambda lines: ["490", "361"], r"line 1: has one column.*development kit"),
        (lambda lines: [*lines, ","], r"line 7: has no column"),
    ],
)  # fmt: skip
def test_a_faulty_list_is_refused_by_its_line(folder, change, says):
    with pytest.raises(DataError, match=says):
        listed(folder, "val.txt", change(whole_list()))


def test_a_flat_val_without_a_list_says_what_to_put_there(folder):
    with pytest.raises(DataError, match=r"no folders of classes and no list.*LOC_val_solution.csv"):
        find_imagenet(folder)


def test_val_in_folders_is_the_test_split_and_never_trained_on(folder):
    for number, kind in enumerate(CLASSES):
        (folder / "val" / kind).mkdir(exist_ok=True)
        path = folder / "val" / f"ILSVRC2012_val_{number:08}.JPEG"
        path.rename(folder / "val" / kind / path.name)

    config = resolve(
        "retrain", data=f"imagenet:{folder}", values={"genotype": {}, "image_size": 16, "validation_portion": 0.2}
    )
    loaded = load_data(config, CPU, splits=("train", "validation", "test"))

    assert isinstance(loaded.splits["train"], FileSet)
    assert loaded.counts == {"train": 14, "validation": 4, "test": 6}
    assert all(name.startswith(b"val/") for name in loaded.splits["test"].names.tolist())
    assert all(
        name.startswith(b"train/") for split in ("train", "validation") for name in loaded.splits[split].names.tolist()
    )
    assert loaded.normalization.mean == (0.485, 0.456, 0.406)
    assert (loaded.image_size, loaded.channels, loaded.augmentation.random_crop) == (16, 3, True)


def test_kaggles_archive_is_found_as_it_is_packed(folder, tmp_path):
    packed = tmp_path / "kaggle/ILSVRC/Data/CLS-LOC"
    packed.parent.mkdir(parents=True)
    folder.rename(packed)
    lines = ["ImageId,PredictionString"]
    lines += [f"ILSVRC2012_val_{number:08},{kind} 1 2 3 4" for number, kind in enumerate(CLASSES)]
    (tmp_path / "kaggle/LOC_val_solution.csv").write_text("\n".join(lines))

    layout = find_imagenet(tmp_path / "kaggle")

    assert len(layout.files) == 24
    assert all((tmp_path / "kaggle" / file.place).is_file() for file in layout.files)


def test_missing_parts_are_named(tmp_path, folder):
    with pytest.raises(DataError, match="no such folder"):
        find_imagenet(tmp_path / "nowhere")
    (folder / "val").rename(folder / "elsewhere")
    with pytest.raises(DataError, match=r"holds no val/ folder.*image-folder"):
        find_imagenet(folder)
