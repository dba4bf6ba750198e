"""A person's own arrays in a ``.npz`` file: looked at before they are read, and never unpickled."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil

from engine.data.randomness import Positions
from engine.data.raw import Pixels, RawData, RawSplit
from engine.data.splits import content_keys
from engine.errors import DataError

_IMAGE_KEYS = {
    "train": ("images", "x", "X", "data", "x_train", "X_train", "train_images"),
    "validation": ("x_val", "X_val", "x_valid", "x_validation", "val_images", "validation_images"),
    "test": ("x_test", "X_test", "test_images"),
}
_LABEL_KEYS = {
    "train": ("labels", "y", "Y", "targets", "y_train", "train_labels"),
    "validation": ("y_val", "y_valid", "y_validation", "val_labels", "validation_labels"),
    "test": ("y_test", "test_labels"),
}
_CLASS_NAME_KEYS = ("class_names", "classes", "label_names")
_MAX_HEADER_BYTES = 10_000
_SHARE_OF_MEMORY = 0.5
_SMALLEST_SIDE, _LARGEST_SIDE = 8, 4096

_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What a damaged, encrypted or strangely packed archive raises."""

_HOW = "Write it with numpy.savez(FILE, images=..., labels=...): images (N, H, W) or (N, H, W, C), labels (N,)."

_Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class _Member:
    """What the header of an array says."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def read_npz(path: Path) -> RawData:
    """Read images and labels, and splits of their own where the file has them.

    Images: ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)``, C from 1 to 4; whole numbers of 0..255 or floats of
    0..1. Labels: ``(N,)`` or ``(N, 1)`` whole numbers, which need not begin at 0, or texts. ``class_names`` may name
    the labels 0, 1, ... Keys: images/labels, x/y, x_train/y_train with x_test/y_test and x_val/y_val, or
    train_images/train_labels and so on.

    Raises:
        DataError: the file is missing or no ``.npz``; names the key, and the shape, dtype or value found.
    """
    where = str(path)
    if not path.is_file():
        raise DataError("there is no such file.", where=where, mend="Give npz:FILE.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, where)
    except _BROKEN as error:
        raise DataError(f"is no .npz file that can be read ({error}).", where=where, mend=_HOW) from None


def _read(archive: zipfile.ZipFile, where: str) -> RawData:
    members = _headers(archive, where)
    _check_memory(members, where)
    train_images, train_labels = _pair(archive, members, "train", where)
    names, values = _classes(archive, members, train_labels, where)

    def split(name: str, images: Pixels, labels: _Array) -> RawSplit:
        numbered = _numbered(labels, values, name, where)
        return RawSplit(images, numbered, content_keys(images))

    train = split("train", train_images, train_labels)
    others = {}
    for name in ("validation", "test"):
        if any(key in members for key in _IMAGE_KEYS[name]):
            images, labels = _pair(archive, members, name, where)
            if images.shape[1:] != train_images.shape[1:]:
                raise DataError(
                    f"the {name} images are {_sizes(images)}, the training images {_sizes(train_images)}.",
                    where=where, mend="Give all images the same size and channels.",
                )  # fmt: skip
            others[name] = split(name, images, labels)
    test = others.get("test")
    return RawData(
        names, train, others.get("validation"), read_test=None if test is None else lambda: test,
        test_size=0 if test is None else len(test),
    )  # fmt: skip


def _headers(archive: zipfile.ZipFile, where: str) -> dict[str, _Member]:
    """Shape and dtype of every array, without reading one."""
    found = {}
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            continue
        key = info.filename.removesuffix(".npy")
        with archive.open(info) as file:
            try:
                member = _header(file)
            except ValueError as error:
                raise DataError(f"«{key}» is no array ({error}).", where=where, mend=_HOW) from None
        if member.dtype.hasobject:
            if key in _wanted_keys():
                raise DataError(
                    f"«{key}» holds Python objects (dtype object), which could run code when they are read.",
                    where=where, mend="Save plain arrays of numbers (all images of one size).",
                )  # fmt: skip
            continue
        if int(np.prod(member.shape, dtype=object)) * member.dtype.itemsize > info.file_size:
            raise DataError(
                f"«{key}» says it has shape {member.shape} and holds fewer bytes.",
                where=where,
                mend="Save the file anew.",
            )
        found[key] = member
    return found


def _header(file: IO[bytes]) -> _Member:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version} of the format")
    shape, _, dtype = read(file, max_header_size=_MAX_HEADER_BYTES)
    return _Member(shape, dtype)


def _pair(archive: zipfile.ZipFile, members: Mapping[str, _Member], split: str, where: str) -> tuple[Pixels, _Array]:
    """Images ``(N, C, H, W)`` and labels ``(N,)`` of a split."""
    image_key = _key(members, _IMAGE_KEYS[split], f"{split} images", where)
    label_key = _key(members, _LABEL_KEYS[split], f"labels for «{image_key}»", where)
    images, labels = members[image_key], members[label_key]
    if len(images.shape) not in (3, 4):
        raise DataError(f"«{image_key}» has shape {images.shape}.", where=where, mend=_HOW)
    if not (len(labels.shape) == 1 or (len(labels.shape) == 2 and labels.shape[1] == 1)):
        one_hot = " Take its argmax first." if len(labels.shape) == 2 else ""
        raise DataError(
            f"«{label_key}» has shape {labels.shape}; expected one number an image, (N,).{one_hot}", where=where
        )
    if images.shape[0] != labels.shape[0]:
        raise DataError(
            f"«{image_key}» has {images.shape[0]} images and «{label_key}» {labels.shape[0]} labels.",
            where=where, mend="Give as many labels as images.",
        )  # fmt: skip
    if images.shape[0] == 0:
        raise DataError(f"«{image_key}» is empty, shape {images.shape}.", where=where, mend=_HOW)
    _channels_last(image_key, images.shape, where)  # Faults of the shape before a long read.
    return _as_pixels(image_key, _load(archive, image_key, where), where), _load(archive, label_key, where).reshape(-1)


def _load(archive: zipfile.ZipFile, key: str, where: str) -> _Array:
    try:
        with archive.open(f"{key}.npy") as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False, max_header_size=_MAX_HEADER_BYTES))
    except (ValueError, MemoryError) as error:
        raise DataError(f"«{key}» cannot be read ({error}).", where=where, mend="Save the file anew.") from None


def _channels_last(key: str, shape: tuple[int, ...], where: str) -> bool:
    """Whether channels come last (or there are none); sides are 8 or more, channels 4 or fewer, so it is clear."""
    last = len(shape) == 3 or shape[3] <= 4
    height, width = (shape[1], shape[2]) if last else (shape[2], shape[3])
    channels = 1 if len(shape) == 3 else shape[3] if last else shape[1]
    if not (1 <= channels <= 4 and min(height, width) >= _SMALLEST_SIDE and max(height, width) <= _LARGEST_SIDE):
        raise DataError(
            f"«{key}» has shape {shape}; read as {channels} channels of {height}×{width} pixels.",
            where=where, mend=f"Give images of at least {_SMALLEST_SIDE}×{_SMALLEST_SIDE} with 1 to 4 channels: (N, H, W), (N, H, W, C) or (N, C, H, W).",
        )  # fmt: skip
    return last


def _as_pixels(key: str, images: _Array, where: str) -> Pixels:
    """``(N, C, H, W)`` uint8."""
    kind = images.dtype.kind
    if images.dtype != np.uint8:
        if kind not in "iuf":
            raise DataError(
                f"«{key}» has dtype {images.dtype}.", where=where, mend="Save uint8 of 0..255, or floats of 0..1."
            )
        low, high = images.min(), images.max()
        limit = 1 if kind == "f" else 255
        # A comparison with NaN is false, so it is refused here too.
        if not (low >= 0 and high <= limit):
            raise DataError(
                f"«{key}» ({images.dtype}) has values from {low:g} to {high:g}; expected 0 to {limit}.",
                where=where, mend="Divide by 255 if they are 0..255, and leave normalizing to nascope.",
            )  # fmt: skip
        images = _bytes_of(images)
    if images.ndim == 3:
        return np.ascontiguousarray(images[:, None])
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2) if _channels_last(key, images.shape, where) else images)


def _bytes_of(images: _Array) -> Pixels:
    if images.dtype.kind != "f":
        return images.astype(np.uint8)
    found = np.empty(images.shape, dtype=np.uint8)
    for place, image in enumerate(images):  # One at a time: a copy of everything in float64 is eight times the bytes.
        found[place] = np.rint(image.astype(np.float64) * 255)
    return found


def _classes(
    archive: zipfile.ZipFile, members: Mapping[str, _Member], labels: _Array, where: str
) -> tuple[tuple[str, ...], Sequence[Any]]:
    """Names of the classes and the label value of each, in the same order."""
    if labels.dtype.kind not in "iuU":
        raise DataError(
            f"the labels have dtype {labels.dtype}; expected whole numbers (or texts).",
            where=where,
            mend="Save labels.astype(int).",
        )
    values = np.unique(labels).tolist()
    key = next((key for key in _CLASS_NAME_KEYS if key in members), None)
    if key is None or labels.dtype.kind == "U":
        return tuple(map(str, values)), values
    member = members[key]
    if member.dtype.kind != "U" or len(member.shape) != 1:
        raise DataError(
            f"«{key}» has dtype {member.dtype} and shape {member.shape}; expected a list of texts.",
            where=where, mend="Save numpy.array([...names]).",
        )  # fmt: skip
    names = tuple(map(str, _load(archive, key, where).tolist()))
    if values != list(range(len(names))):
        raise DataError(
            f"«{key}» names {len(names)} classes; the labels are {_some(values)}.",
            where=where, mend=f"Number the labels from 0 to {len(names) - 1}, with images of each.",
        )  # fmt: skip
    return names, values


def _numbered(labels: _Array, values: Sequence[Any], split: str, where: str) -> Positions:
    """Labels as places in ``values``."""
    known = np.asarray(values)
    if labels.dtype.kind != known.dtype.kind and {labels.dtype.kind, known.dtype.kind} - {"i", "u"}:
        raise DataError(
            f"the {split} labels have dtype {labels.dtype}, the training labels {known.dtype}.", where=where
        )
    places = np.searchsorted(known, labels).clip(0, len(known) - 1)
    strange = np.unique(labels[known[places] != labels]).tolist()
    if strange:
        raise DataError(f"the {split} labels {_some(strange)} are none of the training images'.", where=where)
    return places.astype(np.int64)


def _key(members: Mapping[str, _Member], candidates: Sequence[str], what: str, where: str) -> str:
    found = [key for key in candidates if key in members]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"has several {what}: {', '.join(found)}.", where=where, mend="Leave one.")
    present = (
        ", ".join(f"{key} {member.shape} {member.dtype}" for key, member in list(members.items())[:10]) or "no arrays"
    )
    raise DataError(f"has no {what} (looked for {', '.join(candidates)}); it holds {present}.", where=where, mend=_HOW)


def _check_memory(members: Mapping[str, _Member], where: str) -> None:
    wanted = sum(
        int(np.prod(member.shape, dtype=object)) * member.dtype.itemsize
        for key, member in members.items()
        if key in _wanted_keys()
    )
    free = psutil.virtual_memory().available
    if wanted > _SHARE_OF_MEMORY * free:
        raise DataError(
            f"its arrays take {wanted / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free.",
            where=where,
            mend="Save uint8, or fewer images.",
        )


def _wanted_keys() -> frozenset[str]:
    groups = (*_IMAGE_KEYS.values(), *_LABEL_KEYS.values(), _CLASS_NAME_KEYS)
    return frozenset(key for group in groups for key in group)


def _sizes(images: Pixels) -> str:
    return "×".join(map(str, images.shape[2:])) + f" with {images.shape[1]} channels"


def _some(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values[:10])) + (f" and {len(values) - 10} more" if len(values) > 10 else "")
