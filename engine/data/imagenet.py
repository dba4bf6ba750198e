"""ImageNet's own folders: train/CLASS/, and val/ likewise or flat beside a list of which file is of which class.

ImageNet's labels of the test images were never published, so every paper tests on ``val``: here it is the **test** split,
and nothing is trained or chosen on it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from engine.data.class_list import read_class_list
from engine.data.folder_layout import FolderLayout, images_below, list_classes, shown, subfolders
from engine.data.raw import Normalization, Progress, no_progress
from engine.errors import DataError

NORMALIZATION = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Of ImageNet's training images; DARTS and PC-DARTS train_imagenet."""

LISTS = (
    "val.txt", "val_labels.txt", "val_annotations.txt", "ILSVRC2012_validation_ground_truth.txt", "LOC_val_solution.csv",
)  # fmt: skip
"""Names under which people keep the classes of a flat ``val/``: inside it, or beside it."""

_AS_PACKED = Path("ILSVRC", "Data", "CLS-LOC")
"""Where Kaggle's archive keeps train/ and val/; its list lies at the top."""

_VALIDATION = ("val", "validation", "valid")
_MEND = "Give imagenet:FOLDER with train/CLASS/ and val/."


def find_imagenet(root: Path, progress: Progress = no_progress) -> FolderLayout:
    """List ImageNet's folder; the files of ``val/`` are the split ``test``. Names only, no image is opened.

    Raises:
        DataError: no such folder, no ``train/`` or ``val/``, other classes in ``val/`` than in ``train/``, a flat ``val/``
            whose list is missing, broken or leaves files out.
    """
    if not root.is_dir():
        found = "is a file, not a folder" if root.exists() else "there is no such folder"
        raise DataError(f"{found}.", where=shown(str(root)), mend=_MEND)
    top = root
    if not (root / "train").is_dir() and (root / _AS_PACKED / "train").is_dir():
        root = root / _AS_PACKED
    ignored: Counter[str] = Counter()
    train = root / "train"
    validation = next((root / name for name in _VALIDATION if (root / name).is_dir()), None)
    if validation is None or not train.is_dir():
        missing = "train/" if not train.is_dir() else "val/"
        other = " Folders of another kind are read by image-folder:FOLDER."
        raise DataError(f"holds no {missing} folder.", where=shown(str(root)), mend=_MEND + other)
    folders = subfolders(validation, Counter())
    flat = validation / "images" if folders == ["images"] else validation if not folders else None
    if flat is None:
        layout = list_classes(root, {"train": train, "test": validation}, ignored, progress)
    else:
        layout = list_classes(root, {"train": train}, ignored, progress)
        _add_flat(root, layout, flat, _list_of(validation, root, top))
    if root is not top:  # Places count from the folder that was given.
        return _below(layout, _AS_PACKED)
    return layout


def _add_flat(root: Path, layout: FolderLayout, folder: Path, listing: Path) -> None:
    """Add the files of a flat ``val/`` as the test split, each of the class that the list says."""
    files = images_below(root, folder, Counter(), label=-1, split="test")
    if not files:
        raise DataError("holds no images.", where=shown(str(folder)), mend=_MEND)
    classes = read_class_list(listing, [file.place.rsplit("/", 1)[-1] for file in files], layout.class_names)
    placed = [
        type(file)(file.place, label, file.split, file.size_bytes, file.modified_ns)
        for file, label in zip(files, classes, strict=True)
    ]
    layout.files += sorted(placed, key=lambda file: (file.label, file.place))
    layout.has_own = frozenset({"test"})


def _list_of(validation: Path, root: Path, top: Path) -> Path:
    for folder in (validation, root, top):
        for name in LISTS:
            if (folder / name).is_file():
                return folder / name
    raise DataError(
        "has no folders of classes and no list of them.",
        where=shown(str(validation)),
        mend=f"Put one of {', '.join(LISTS)} beside it, with a line NAME CLASS for each file.",
    )


def _below(layout: FolderLayout, prefix: Path) -> FolderLayout:
    files = [
        type(file)(f"{prefix.as_posix()}/{file.place}", file.label, file.split, file.size_bytes, file.modified_ns)
        for file in layout.files
    ]
    return FolderLayout(layout.class_names, files, layout.has_own, layout.ignored)
