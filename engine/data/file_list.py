"""A folder's files as a data set that is decoded later: looked at by name and size, and a sample decoded as a trial."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from engine.data.chunks import Chunk, read_chunk
from engine.data.folder_layout import FolderLayout, ImageFile, shown
from engine.data.measure import measure_normalization
from engine.data.randomness import Positions, Words, permutation, stream_key
from engine.data.raw import FileSplit, Names, Normalization, Pixels, RawData
from engine.errors import DataError

SAMPLE = 256
"""Files that are decoded before the start: to find a folder that is broken, and to measure the normalization on."""

_NAMED = 10


def as_files(
    root: Path,
    layout: FolderLayout,
    *,
    image_size: int,
    broken_images: Literal["stop", "skip"],
    normalization: Normalization | None,
) -> RawData:
    """A folder as files to be decoded later.

    Files that are empty, or no files at all, are found here; of the others a sample is decoded as a trial.

    Args:
        normalization: constants of the set, or None: measured on the sample.

    Raises:
        DataError: files that cannot be read while ``broken_images`` is ``stop``.
    """
    files: Sequence[ImageFile] = layout.files
    faults = [
        (file.place, "the file is empty" if file.size_bytes == 0 else "no plain file")
        for file in files
        if file.size_bytes <= 0
    ]
    if faults and broken_images == "stop":
        raise refusal(root, faults)
    if faults:
        files = [file for file in files if file.size_bytes > 0]
    splits = np.array([file.split for file in files])
    whole = FileSplit(root, names_of(files), np.array([file.label for file in files], dtype=np.int64), _keys(files))
    train = _rows(whole, rows_of(splits, "train"))
    if not len(train):
        raise DataError("holds no image that can be read.", where=shown(str(root)), mend="Put whole images in.")
    sample = permutation(stream_key("trial of files"), len(train))[:SAMPLE]
    pixels, broken = squares(train, sample, image_size)
    if broken and broken_images == "stop":
        raise refusal(root, broken)
    messages = [
        layout.ignored_in_words(), left_out_in_words(faults) if faults else None,
        "Images are read from their files as they are needed; the splits go by the files' places and sizes.",
    ]  # fmt: skip
    if normalization is None:
        normalization = _measured(root, pixels)
        messages.append(f"Normalized by the mean and deviation of {len(pixels):,} training images.")
    own = layout.has_own
    return RawData(
        class_names=tuple(map(shown, layout.class_names)),
        train=train,
        validation=_rows(whole, rows_of(splits, "validation")) if "validation" in own else None,
        read_test=(lambda: _rows(whole, rows_of(splits, "test"))) if "test" in own else None,
        test_size=int((splits == "test").sum()),
        normalization=normalization,
        messages=tuple(message for message in messages if message),
    )


def squares(split: FileSplit, rows: Positions, size: int) -> tuple[Pixels, list[tuple[str, str]]]:
    """The central squares of some files, and the files that cannot be decoded, each with the reason."""
    paths = tuple(os.path.join(os.fsencode(split.root), name) for name in split.names[rows].tolist())  # noqa: PTH118
    images, faults = read_chunk(Chunk(paths, size, "square", None, flip=False))
    broken = dict(faults)
    whole = np.array([number for number in range(len(rows)) if number not in broken], dtype=np.int64)
    named = [(os.fsdecode(split.names[rows[number]]), reason) for number, reason in faults]
    return images.numpy()[whole], sorted(named)


def names_of(files: Sequence[ImageFile]) -> Names:
    """Places of files as the system's bytes, ``(N,)``."""
    return np.array([os.fsencode(file.place) for file in files], dtype=np.bytes_)


def rows_of(splits: np.ndarray[tuple[int], np.dtype[np.str_]], name: str) -> slice:
    """The rows of a split, which lie side by side."""
    places = np.flatnonzero(splits == name)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0)


def refusal(root: Path, faults: Sequence[tuple[str, str]]) -> DataError:
    """The error that names files which cannot be read, each with the reason."""
    count = "1 image" if len(faults) == 1 else f"{len(faults)} images"
    mend = "Repair or remove it" if len(faults) == 1 else "Repair or remove them"
    return DataError(
        f"{count} cannot be read: {_named(faults)}.", where=shown(str(root)), mend=f"{mend}, or set broken_images=skip."
    )


def left_out_in_words(faults: Sequence[tuple[str, str]]) -> str:
    """The sentence about files that were left out."""
    count = "1 image is" if len(faults) == 1 else f"{len(faults)} images are"
    return f"{count} left out, since they cannot be read: {_named(faults)}."


def _named(faults: Sequence[tuple[str, str]]) -> str:
    named = ", ".join(f"{shown(place)} ({reason})" for place, reason in faults[:_NAMED])
    return named + (f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else "")


def _keys(files: Sequence[ImageFile]) -> Words:
    digests = b"".join(
        hashlib.blake2b(b"%b\0%d" % (os.fsencode(file.place), file.size_bytes), digest_size=8).digest()
        for file in files
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _rows(split: FileSplit, rows: slice) -> FileSplit:
    return replace(split, names=split.names[rows], labels=split.labels[rows], keys=split.keys[rows])


def _measured(root: Path, pixels: Pixels) -> Normalization:
    if not len(pixels):
        raise DataError("no image of a sample can be decoded.", where=shown(str(root)), mend="Put whole images in.")
    return measure_normalization(pixels, np.arange(len(pixels)))
