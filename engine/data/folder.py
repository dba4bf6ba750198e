"""A folder of a person's own images: every file is decoded once before anything starts, and every bad one is named."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from engine.data.decode import UndecodableError, decode_file
from engine.data.file_list import as_files, left_out_in_words, names_of, refusal, rows_of
from engine.data.folder_cache import load_cached, store_cached
from engine.data.folder_layout import FolderLayout, ImageFile, find_images, shown
from engine.data.randomness import Positions, Words
from engine.data.raw import Normalization, Pixels, Progress, RawData, RawSplit
from engine.errors import DataError

_CHUNK = 32
_MAX_THREADS = 16
_SHARE_OF_MEMORY = 0.8


def read_folder(
    root: Path,
    *,
    image_size: int,
    progress: Progress,
    find: Callable[[Path, Progress], FolderLayout] = find_images,
    reading: Literal["auto", "memory", "files"] = "memory",
    broken_images: Literal["stop", "skip"] = "stop",
    normalization: Normalization | None = None,
) -> RawData:
    """Read a folder of images as RGB of ``image_size`` by ``image_size``, or list its files to be read later.

    Args:
        find: tells the layout.
        reading: ``auto`` reads what fits in memory and lists what does not.
        broken_images: whether files that cannot be decoded end it or are left out and named.

    Raises:
        DataError: a layout that cannot be read (``find_images``), files that cannot be decoded (all are counted, ten
            are named), or more images than fit in memory.
    """
    layout = find(root, progress)
    if reading == "files" or (reading == "auto" and not _fits_in_memory(len(layout.files), image_size)):
        return as_files(root, layout, image_size=image_size, broken_images=broken_images, normalization=normalization)
    images, keys, faults = _decoded(root, layout.files, image_size, progress)
    files: Sequence[ImageFile] = layout.files
    left_out = None
    if faults:
        files, images, keys, left_out = _without(root, layout, images, keys, faults, broken_images)
    labels = np.array([file.label for file in files], dtype=np.int64)
    splits = np.array([file.split for file in files])
    names = names_of(files)

    def split(name: str) -> RawSplit:
        rows = rows_of(splits, name)
        return RawSplit(images[rows], labels[rows], keys[rows], names[rows])

    messages = [layout.ignored_in_words(), left_out, *(_copies(keys, splits, name) for name in ("validation", "test"))]
    has_test = "test" in layout.has_own
    return RawData(
        class_names=tuple(map(shown, layout.class_names)),
        train=split("train"),
        validation=split("validation") if "validation" in layout.has_own else None,
        read_test=(lambda: split("test")) if has_test else None,
        test_size=int((splits == "test").sum()),
        normalization=normalization,
        messages=tuple(message for message in messages if message),
    )


def _copies(keys: Words, splits: np.ndarray[tuple[int], np.dtype[np.str_]], name: str) -> str | None:
    """A warning where files of a split are copies of training files: they flatter the network."""
    count = int(np.isin(keys[splits == name], keys[splits == "train"]).sum())
    if not count:
        return None
    return f"{count} of the {name} files {'are copies' if count > 1 else 'is a copy'} of training files: accuracy there flatters."


def _decoded(
    root: Path, files: Sequence[ImageFile], size: int, progress: Progress
) -> tuple[Pixels, Words, list[tuple[str, str]]]:
    """``(N, 3, size, size)`` and ``(N,)`` keys in the order of the files, from the cache as far as it goes.

    Also the files that cannot be decoded, each with the reason; their rows hold nothing.
    """
    cached = load_cached(root, size, files)
    if cached is not None and np.array_equal(cached.places, np.arange(len(cached.keys))):
        return cached.images, cached.keys, []
    _check_memory(root, len(files), size)
    images = np.empty((len(files), 3, size, size), dtype=np.uint8)
    keys = np.empty(len(files), dtype=np.uint64)
    missing = np.arange(len(files))
    if cached is not None:
        known = np.flatnonzero(cached.places >= 0)
        images[known], keys[known] = cached.images[cached.places[known]], cached.keys[cached.places[known]]
        missing = np.flatnonzero(cached.places < 0)
    faults = _decode_all(root, files, missing, images, keys, size, progress)
    if not faults:
        store_cached(root, size, files, images, keys)
    return images, keys, faults


def _without(
    root: Path, layout: FolderLayout, images: Pixels, keys: Words, faults: list[tuple[str, str]], broken_images: str
) -> tuple[list[ImageFile], Pixels, Words, str]:
    """What is left where the broken files are left out: files, images, keys, and the sentence about it.

    Raises:
        DataError: they must not be left out.
    """
    if broken_images == "stop":
        raise refusal(root, faults)
    broken = {place for place, _ in faults}
    rows = [row for row, file in enumerate(layout.files) if file.place not in broken]
    return [layout.files[row] for row in rows], images[rows], keys[rows], left_out_in_words(faults)


def _decode_all(
    root: Path,
    files: Sequence[ImageFile],
    missing: Positions,
    images: Pixels,
    keys: Words,
    size: int,
    progress: Progress,
) -> list[tuple[str, str]]:
    """Decode the missing rows in place; gives the files that cannot be decoded, each with the reason."""
    faults: list[tuple[str, str]] = []
    stopped = threading.Event()

    def decode_some(rows: Positions) -> int:
        for row in rows.tolist():
            if stopped.is_set():
                break
            file = files[row]
            try:
                if file.size_bytes < 0:
                    raise UndecodableError("no plain file")
                images[row], keys[row] = decode_file(root / file.place, size)
            except UndecodableError as error:
                faults.append((file.place, str(error)))  # Appending to a list is atomic.
        return len(rows)

    done, total = 0, len(missing)
    progress("checking images", 0, total)
    threads = min(_MAX_THREADS, max(2, os.cpu_count() or 2))
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        futures = [pool.submit(decode_some, missing[start : start + _CHUNK]) for start in range(0, total, _CHUNK)]
        try:
            for future in as_completed(futures):
                done += future.result()
                progress("checking images", done, total)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return sorted(faults)


def _fits_in_memory(count: int, size: int) -> bool:
    return count * 3 * size * size <= _SHARE_OF_MEMORY * psutil.virtual_memory().available


def _check_memory(root: Path, count: int, size: int) -> None:
    wanted, free = count * 3 * size * size, psutil.virtual_memory().available
    if wanted > _SHARE_OF_MEMORY * free:
        raise DataError(
            f"{count:,} images of {size}×{size} pixels take {wanted / 2**30:.1f} GiB; {free / 2**30:.1f} GiB are free.",
            where=shown(str(root)),
            mend="Set a smaller image_size, or reading=files.",
        )
