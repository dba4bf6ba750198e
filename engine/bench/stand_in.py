"""The images of a run without waiting for them: as many in each split, of the same shape, decoded from nothing.

What is read in a moment is read (digits, npz files, downloads that are here, folders whose files wait for their
turn). The rest is counted: the classes of a downloadable set are known, those of a folder are its names of files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.config import DataReference, RunConfig, parse_data
from engine.data import LoadedData, load_data
from engine.data.fetch import is_here
from engine.data.raw import Normalization, RawData, RawSplit

_TRAINING_IMAGES = {"cifar10": 50_000, "cifar100": 50_000, "fashion-mnist": 60_000}
"""Images of the official training splits, each class as often as every other."""

_DECODED_SAMPLE = 24
_MAX_DECODING_THREADS = 16
"""As many as decode a folder before a start."""


@dataclass(frozen=True)
class StandIn:
    """The images that a rehearsal looks at.

    Attributes:
        data: with exactly the counts that the run would have (copies of images on both sides of a cut aside).
        more_seconds: what reading the real ones would take on top of what this took.
        messages: sentences about what is not known.
    """

    data: LoadedData
    more_seconds: float = 0.0
    messages: tuple[str, ...] = ()


def stand_in(config: RunConfig, device: torch.device) -> StandIn:
    """Images for a rehearsal of this run. Downloads nothing.

    Raises:
        DataError: a person's own folder or file that is missing or cannot be used.
    """
    reference = parse_data(config.data)
    name = reference.dataset.name
    if config.index_file is not None and not Path(config.index_file).exists():
        config = config.model_copy(update={"index_file": None})  # A run would write it, with as many images.
    if name in _TRAINING_IMAGES and not is_here(name):
        message = f"{reference.dataset.title} is not on this machine yet: its download of {reference.dataset.download_mib} MiB is not counted."
        return StandIn(load_data(_unlisted(config), device, raw=_known(reference)), 0.0, (message,))
    if name in ("image-folder", "imagenet"):
        found = _decoded_before_the_start(reference, config)
        if found is not None:
            raw, seconds = found
            return StandIn(load_data(_unlisted(config), device, raw=raw), seconds)
    return StandIn(load_data(config, device))


def _unlisted(config: RunConfig) -> RunConfig:
    """An index file names images by what they hold, and a stand-in holds nothing: the limits take as many."""
    return config.model_copy(update={"index_file": None})


def _known(reference: DataReference) -> RawData:
    """A downloadable set as it would be read."""
    dataset = reference.dataset
    labels = np.arange(_TRAINING_IMAGES[dataset.name]) % dataset.classes
    names = tuple(f"class {number}" for number in range(dataset.classes))
    own = Normalization((0.5,) * dataset.channels, (0.25,) * dataset.channels)
    return RawData(
        names, _split(labels, dataset.channels, dataset.image_size), read_test=_no_test, test_size=10_000, normalization=own
    )  # fmt: skip


def _decoded_before_the_start(reference: DataReference, config: RunConfig) -> tuple[RawData, float] | None:
    """A folder by the names of its files, and the seconds that decoding them would take; None where they wait in files."""
    from engine.data.crops import resized_side
    from engine.data.folder import _fits_in_memory
    from engine.data.folder_cache import load_cached
    from engine.data.folder_layout import find_images
    from engine.data.imagenet import NORMALIZATION, find_imagenet

    is_imagenet = reference.dataset.name == "imagenet"
    if config.reading == "files" or (is_imagenet and config.reading == "auto"):
        return None
    root = Path(reference.path or "").expanduser()
    size = config.image_size or reference.dataset.image_size
    size = resized_side(size) if is_imagenet else size
    layout = (find_imagenet if is_imagenet else find_images)(root)
    files = layout.files
    if config.reading == "auto" and not _fits_in_memory(len(files), size):
        return None
    cached = load_cached(root, size, files)
    missing = range(len(files)) if cached is None else np.flatnonzero(cached.places < 0).tolist()
    labels = np.array([file.label for file in files], dtype=np.int64)
    splits = np.array([file.split for file in files])
    raw = RawData(
        tuple(layout.class_names), _split(labels[splits == "train"], 3, size),
        validation=_split(labels[splits == "validation"], 3, size) if "validation" in layout.has_own else None,
        read_test=_no_test if "test" in layout.has_own else None, test_size=int((splits == "test").sum()),
        normalization=NORMALIZATION,
    )  # fmt: skip
    seconds = _decoding_seconds([root / files[place].place for place in _spread(missing, _DECODED_SAMPLE)], size)
    at_once = min(_MAX_DECODING_THREADS, os.cpu_count() or 1)
    return raw, seconds * len(missing) / at_once


def _decoding_seconds(paths: Sequence[Path], size: int) -> float:
    """Of one file, the mean of these."""
    from engine.data.decode import UndecodableError, decode_file

    begin = time.perf_counter()
    for path in paths:
        try:
            decode_file(path, size)
        except (UndecodableError, OSError):
            continue  # The run itself names every file that cannot be read.
    return (time.perf_counter() - begin) / max(len(paths), 1)


def _split(labels: np.ndarray[tuple[int], np.dtype[np.int64]], channels: int, size: int) -> RawSplit:
    """Black images that take no memory, each with a key of its own."""
    count = len(labels)
    images = np.broadcast_to(np.zeros((1, 1, 1, 1), dtype=np.uint8), (count, channels, size, size))
    keys = np.random.default_rng(0).permutation(np.arange(1, count + 1, dtype=np.uint64))
    return RawSplit(images, labels, keys)


def _spread(places: Sequence[int], count: int) -> list[int]:
    """About ``count`` of them, evenly from first to last."""
    if len(places) <= count:
        return list(places)
    return [places[number * len(places) // count] for number in range(count)]


def _no_test() -> RawSplit:
    raise NotImplementedError("a rehearsal has no test images")
