"""CIFAR-10 and CIFAR-100 from their binary archives, read member by member without unpacking to disk."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from engine.data.fetch import fetch
from engine.data.raw import Normalization, Progress, RawData, RawSplit
from engine.data.splits import content_keys
from engine.errors import DataError

_PIXELS = 3 * 32 * 32
_MAX_NAMES_BYTES = 65_536


@dataclass(frozen=True)
class _Archive:
    """Layout of one archive.

    Attributes:
        label_bytes: bytes before the pixels of a row; the last of them is the label (CIFAR-100 has the coarse one first).
        train, test: files and the number of images in each.
    """

    label_bytes: int
    classes: int
    names: str
    train: Mapping[str, int]
    test: Mapping[str, int]
    normalization: Normalization


_ARCHIVES = {
    "cifar10": _Archive(
        1, 10, "batches.meta.txt", {f"data_batch_{number}.bin": 10_000 for number in range(1, 6)}, {"test_batch.bin": 10_000},
        # DARTS utils._data_transforms_cifar10.
        Normalization((0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768)),
    ),
    "cifar100": _Archive(
        2, 100, "fine_label_names.txt", {"train.bin": 50_000}, {"test.bin": 10_000},
        # Beta-DARTS; the PC-DARTS code takes those of CIFAR-10 here.
        Normalization((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    ),
}  # fmt: skip


def read_cifar(name: str, progress: Progress) -> RawData:
    """Read ``cifar10`` or ``cifar100``, downloading the archive where it is missing.

    Raises:
        DataError: the archive cannot be had or is broken.
    """
    (path,) = fetch(name, progress)
    return parse_cifar(name, path)


def parse_cifar(name: str, path: Path) -> RawData:
    """Read the archive at ``path``; the test images only when they are asked for.

    Raises:
        DataError: a member is missing or has another size.
    """
    archive = _ARCHIVES[name]
    sizes = {
        **{member: count * _row(archive) for member, count in archive.train.items()},
        archive.names: _MAX_NAMES_BYTES,
    }
    members = _members(path, sizes)
    names = tuple(members[archive.names].decode("utf-8", "replace").split())
    if len(names) != archive.classes:
        raise DataError(f"{archive.names} names {len(names)} classes, not {archive.classes}.", where=str(path))
    return RawData(
        names,
        _split(archive, path, [members[member] for member in archive.train]),
        read_test=lambda: _read_test(archive, path),
        test_size=sum(archive.test.values()),
        normalization=archive.normalization,
    )


def _read_test(archive: _Archive, path: Path) -> RawSplit:
    members = _members(path, {member: count * _row(archive) for member, count in archive.test.items()})
    return _split(archive, path, [members[member] for member in archive.test])


def _split(archive: _Archive, path: Path, contents: list[bytes]) -> RawSplit:
    rows = np.concatenate([np.frombuffer(content, dtype=np.uint8).reshape(-1, _row(archive)) for content in contents])
    labels = rows[:, archive.label_bytes - 1].astype(np.int64)
    if labels.max() >= archive.classes:
        raise DataError(f"a label is {labels.max()}, of {archive.classes} classes.", where=str(path))
    images = np.ascontiguousarray(rows[:, archive.label_bytes :]).reshape(-1, 3, 32, 32)
    return RawSplit(images, labels, content_keys(images))


def _row(archive: _Archive) -> int:
    return archive.label_bytes + _PIXELS


def _members(path: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Contents of the members with these file names; ``.bin`` must have the size, texts at most."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if name not in sizes or not member.isreg():
                    continue
                fits = member.size == sizes[name] if name.endswith(".bin") else member.size <= sizes[name]
                content = archive.extractfile(member) if fits else None
                if content is None:
                    raise DataError(f"{name} has {member.size:,} bytes, not {sizes[name]:,}.", where=str(path))
                found[name] = content.read()
                if len(found) == len(sizes):
                    break
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"is no archive that can be read ({error}).", where=str(path), mend="Remove it and fetch it again."
        ) from None
    missing = [name for name in sizes if name not in found]
    if missing:
        raise DataError(f"holds no {', '.join(missing)}.", where=str(path), mend="Remove it and fetch it again.")
    return found
