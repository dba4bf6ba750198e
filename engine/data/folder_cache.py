"""Decoded images kept on disk, so that a folder is decoded once and only changed files are decoded again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.data.folder_layout import ImageFile
from engine.data.randomness import Words
from engine.data.raw import Pixels
from engine.runs.files import read_json, write_atomically
from engine.runs.folder import home

_VERSION = 1
_FOLDERS_KEPT = 12
_INDEX = "index.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class CachedImages:
    """What the cache has for a list of files.

    Attributes:
        images: ``(M, 3, S, S)`` uint8, a memory map in the order of the cache.
        keys: ``(M,)`` content keys.
        places: for each file asked for its row in ``images``, or -1 where it is not there or has changed; ``(N,)``.
    """

    images: Pixels
    keys: Words
    places: np.ndarray[tuple[int], np.dtype[np.int64]]


def load_cached(root: Path, size: int, files: Sequence[ImageFile]) -> CachedImages | None:
    """What was decoded before of these files at this size; None where there is nothing that can be used.

    A file counts as unchanged while its place, its size and the time of its last change are the same.
    """
    folder = _folder(root, size)
    index = read_json(folder / _INDEX)
    if not isinstance(index, dict) or index.get("version") != _VERSION:
        return None
    try:
        images = np.load(folder / str(index["images"]), mmap_mode="r", allow_pickle=False)
        keys = np.array([int(row[3], 16) for row in index["files"]], dtype=np.uint64)
        rows = {(str(row[0]), int(row[1]), int(row[2])): place for place, row in enumerate(index["files"])}
    except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError):
        return None
    if images.shape != (len(keys), 3, size, size) or images.dtype != np.uint8 or len(rows) != len(keys):
        return None
    os.utime(folder)  # The folders used last are kept.
    places = np.array([rows.get((file.place, file.size_bytes, file.modified_ns), -1) for file in files], dtype=np.int64)
    return CachedImages(images, keys, places)


def store_cached(root: Path, size: int, files: Sequence[ImageFile], images: Pixels, keys: Words) -> None:
    """Keep these decoded images for the next start; a full disk costs only that."""
    folder = _folder(root, size)
    rows = [
        [file.place, file.size_bytes, file.modified_ns, f"{key:016x}"]
        for file, key in zip(files, keys.tolist(), strict=True)
    ]
    name = f"images-{hashlib.blake2b(json.dumps(rows).encode(), digest_size=8).hexdigest()}.npy"
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.save(file, images, allow_pickle=False)
        temporary.replace(folder / name)
        # The index names the array file, so a reader sees the old pair or the new one.
        # In ASCII, since a file name need not be valid text.
        write_atomically(
            folder / _INDEX, json.dumps({"version": _VERSION, "folder": str(root), "images": name, "files": rows})
        )
        _forget_old(folder, keep=name)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        _log.warning("decoded images could not be kept in %s (%s): the next start decodes them again", folder, error)


def _folder(root: Path, size: int) -> Path:
    digest = hashlib.blake2b(os.fsencode(root.resolve()) + f"\0{size}".encode(), digest_size=8).hexdigest()
    return home() / "cache" / "image-folders" / f"{digest}-{size}"


def _forget_old(folder: Path, *, keep: str) -> None:
    """Remove this folder's older arrays, and the caches that were not used for longest. A reader's map stays valid."""
    for path in folder.glob("images-*.npy"):
        if path.name != keep:
            _remove(path)
    caches = sorted((path for path in folder.parent.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in caches[:-_FOLDERS_KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:  # Windows keeps files that another process has mapped.
        _log.info("%s is still in use (%s)", path, error)
