"""The data sets that nascope knows by name, as facts: sizes, splits and what augmentation suits them. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import DataError
from engine.genotype.primitives import suggestion


@dataclass(frozen=True)
class DataSet:
    """A data set's passport.

    Attributes:
        name: as ``--data`` takes it; sets that need a place take ``name:PATH``.
        classes: number of classes; 0 where the files decide.
        image_size: side in pixels that the networks see by default.
        channels: colour channels of the images; 0 where the files decide.
        takes_path: whether ``name:PATH`` is needed.
        has_test: whether the set brings a test split of its own; else a fixed hash takes one out.
        shift: pixels of random translation (crop after padding) while training.
        flip: whether mirrored images are still of their class.
        cutout: whether blanking a square suits the images.
        auxiliary: whether the auxiliary head fits (it needs features of 8 by 8 at two thirds of the depth).
        download_mib: size of the download, MiB; 0 where nothing is fetched.
        random_crop: whether training images are random crops of random size and shape, resized, and others the centre of a
            slightly larger picture; else crops after padding by ``shift``.
    """

    name: str
    title: str
    summary: str
    source: str
    classes: int
    image_size: int
    channels: int
    takes_path: bool = False
    has_test: bool = True
    shift: int = 4
    flip: bool = True
    cutout: bool = True
    auxiliary: bool = True
    download_mib: int = 0
    random_crop: bool = False


DATA_SETS: dict[str, DataSet] = {
    data.name: data
    for data in (
        DataSet("digits", "digits", "1,797 handwritten digits of 8×8 pixels that ship with scikit-learn; nothing to download.",
                "UCI ML hand-written digits, scikit-learn load_digits", 10, 8, 1,
                has_test=False, shift=1, flip=False, cutout=False, auxiliary=False),
        DataSet("fashion-mnist", "Fashion-MNIST", "70,000 grey pictures of clothes, 28×28 padded to 32×32.",
                "Xiao et al. 2017", 10, 32, 1, download_mib=30),
        DataSet("cifar10", "CIFAR-10", "60,000 colour photographs of 32×32 in 10 classes: the papers' data set.",
                "Krizhevsky 2009", 10, 32, 3, download_mib=163),
        DataSet("cifar100", "CIFAR-100", "60,000 colour photographs of 32×32 in 100 classes.",
                "Krizhevsky 2009", 100, 32, 3, download_mib=162),
        DataSet("imagenet", "ImageNet", "ImageNet's own files: train/ with one folder a class; val/ likewise, or flat beside a list of classes, is the test split.",
                "Russakovsky et al. 2015", 0, 224, 3, takes_path=True, shift=0, cutout=False, random_crop=True),
        DataSet("image-folder", "image folder", "Your own images: one folder a class, directly or under train/, val/ and test/.",
                "your files", 0, 32, 3, takes_path=True),
        DataSet("npz", "npz file", "Your own arrays: a .npz file with images (N, H, W) or (N, H, W, C) of uint8 and labels (N,).",
                "your files", 0, 32, 0, takes_path=True, has_test=False),
    )
}  # fmt: skip


@dataclass(frozen=True)
class DataReference:
    """What ``--data`` says: a known set, and a place where it needs one."""

    dataset: DataSet
    path: str | None

    @property
    def title(self) -> str:
        """Short name for lists: CIFAR-10, or the folder's own name."""
        return self.path.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1] if self.path else self.dataset.title


def parse_data(text: str) -> DataReference:
    """Read ``--data``.

    Raises:
        DataError: an unknown name, or a place that is missing or not wanted. Whether the place exists is checked
            where the data are read.
    """
    name, colon, path = text.partition(":")
    dataset = DATA_SETS.get(name)
    if dataset is None:
        hint = suggestion(name, DATA_SETS)
        raise DataError(f"«{text}» is no data set.{hint}", where="data", mend="(nascope data lists all.)")
    if dataset.takes_path and not path:
        raise DataError(
            f"«{name}» needs a place.", where="data", mend=f"Write {name}:{'FILE' if name == 'npz' else 'FOLDER'}."
        )
    if colon and not dataset.takes_path:
        raise DataError(f"«{name}» takes no place, found «{path}».", where="data", mend=f"Write {name}.")
    return DataReference(dataset, path or None)


def absolute_data(text: str) -> str:
    """The same data set with a place that is right from every folder: a run may be resumed from another one.

    Raises:
        DataError: as ``parse_data``.
    """
    reference = parse_data(text)
    if reference.path is None:
        return text
    return f"{reference.dataset.name}:{Path(reference.path).expanduser().absolute()}"
