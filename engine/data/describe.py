"""Facts and a sheet of sample images of a data set, for lists and previews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.config import parse_data
from engine.data.fetch import is_here
from engine.data.file_list import squares
from engine.data.randomness import draws, stream_key
from engine.data.raw import FileSplit, Pixels, Progress, RawData, no_progress
from engine.data.readers import read

_CLASSES_SHOWN = 10


def describe_data(
    text: str, *, image_size: int | None = None, samples: int = 8, progress: Progress | None = None
) -> dict[str, Any]:
    """What is known of a data set; reads it where it is on this machine, and downloads nothing.

    Args:
        text: as ``--data`` takes it.
        image_size: side that image files are decoded to; None takes the data set's own.
        samples: images a class in the sheet; 0 makes none.

    Returns:
        ``data, name, title, summary, source, path, available, download_mib``, and where the files are here
        ``class_names, classes, channels, image_size (H, W), counts`` (images in files of each split), ``class_counts``
        (of the training files), ``messages`` and ``samples``: uint8 ``(rows, columns, H, W, C)``, training images, one
        row a class for at most ten classes, or None.

    Raises:
        DataError: an unknown set, or files that are broken.
    """
    reference = parse_data(text)
    dataset = reference.dataset
    facts: dict[str, Any] = {
        "data": text, "name": dataset.name, "title": reference.title, "summary": dataset.summary, "source": dataset.source,
        "path": reference.path and str(Path(reference.path).expanduser()), "available": is_here(dataset.name),
        "download_mib": dataset.download_mib,
    }  # fmt: skip
    if not facts["available"]:
        return facts
    raw = read(reference, image_size=image_size, progress=progress or no_progress)
    counts = {"train": len(raw.train)}
    if raw.validation is not None:
        counts["validation"] = len(raw.validation)
    if raw.read_test is not None:
        counts["test"] = raw.test_size
    if isinstance(raw.train, FileSplit):
        side = image_size or dataset.image_size
        shape: tuple[int, ...] = (3, side, side)
    else:
        shape = raw.train.images.shape[1:]
    per_class = np.bincount(raw.train.labels, minlength=len(raw.class_names)).tolist()
    return facts | {
        "class_names": list(raw.class_names), "classes": len(raw.class_names), "channels": shape[0],
        "image_size": list(shape[1:]), "counts": counts,
        "class_counts": dict(zip(raw.class_names, per_class, strict=True)), "messages": list(raw.messages),
        "samples": _sheet(raw, samples, shape) if samples > 0 else None,
    }  # fmt: skip


def _sheet(raw: RawData, columns: int, shape: tuple[int, ...]) -> Pixels:
    """``(rows, columns, H, W, C)``: some images of each class, the same ones each time; black where a class has fewer."""
    rows = min(len(raw.class_names), _CLASSES_SHOWN)
    channels, height, width = shape
    sheet = np.zeros((rows, columns, height, width, channels), dtype=np.uint8)
    order = np.argsort(draws(stream_key("sample sheet"), len(raw.train)), kind="stable")
    for row in range(rows):
        members = order[raw.train.labels[order] == row][:columns]
        if isinstance(raw.train, FileSplit):
            images, _ = squares(raw.train, members, height)
        else:
            images = raw.train.images[members]
        sheet[row, : len(images)] = images.transpose(0, 2, 3, 1)
    return sheet
