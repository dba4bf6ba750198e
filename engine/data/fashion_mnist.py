"""Fashion-MNIST from its four idx files."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from engine.data.fetch import fetch
from engine.data.raw import Progress, RawData, RawSplit
from engine.data.splits import content_keys
from engine.errors import DataError

CLASS_NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_PAD = 2
_MAX_BYTES = 2**26
_TRAIN, _TEST = 60_000, 10_000


def read_fashion_mnist(progress: Progress) -> RawData:
    """70,000 grey images of 28 by 28, padded with black to 32 by 32, so that both reductions halve evenly.

    Raises:
        DataError: the files cannot be had or are broken.
    """
    train_images, train_labels, test_images, test_labels = fetch("fashion-mnist", progress)
    return parse_fashion_mnist(train_images, train_labels, test_images, test_labels, sizes=(_TRAIN, _TEST))


def parse_fashion_mnist(
    train_images: Path, train_labels: Path, test_images: Path, test_labels: Path, *, sizes: tuple[int, int]
) -> RawData:
    """Read the four files; the test images only when they are asked for.

    Args:
        sizes: number of training and of test images.

    Raises:
        DataError: a file is no idx file or has another size.
    """
    return RawData(
        CLASS_NAMES,
        _split(train_images, train_labels, sizes[0]),
        read_test=lambda: _split(test_images, test_labels, sizes[1]),
        test_size=sizes[1],
    )


def _split(images_path: Path, labels_path: Path, count: int) -> RawSplit:
    raw = read_idx(images_path, (count, 28, 28))
    labels = read_idx(labels_path, (count,)).astype(np.int64)
    if labels.max(initial=0) >= len(CLASS_NAMES):
        raise DataError(f"a label is {labels.max()}, of {len(CLASS_NAMES)} classes.", where=str(labels_path))
    images = np.pad(raw, ((0, 0), (_PAD, _PAD), (_PAD, _PAD)))[:, None]
    return RawSplit(images, labels, content_keys(images))


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """An idx file of bytes, packed by gzip: two zeros, type 8, dimensions, each size as big-endian 32 bits, the bytes.

    Raises:
        DataError: it is none, or of another shape.
    """
    where, mend = str(path), "Remove it and fetch it again."
    try:
        with gzip.open(path, "rb") as file:
            content = file.read(_MAX_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"is no gzip file that can be read ({error}).", where=where, mend=mend) from None
    header = bytes((0, 0, 8, len(shape))) + b"".join(size.to_bytes(4, "big") for size in shape)
    if content[: len(header)] != header or len(content) != len(header) + int(np.prod(shape)):
        raise DataError(f"is no idx file of shape {shape} ({len(content):,} bytes).", where=where, mend=mend)
    return np.frombuffer(content, dtype=np.uint8, offset=len(header)).reshape(shape)
