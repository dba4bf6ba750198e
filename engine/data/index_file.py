"""A list of training images that several runs share: made once, then read, so that all train on the same subset.

PC-DARTS searches on ImageNet with 10 % of each class for the weights and 2.5 % for the alphas; its code draws them by
scripts of its own, and nobody can tell afterwards which they were. Here they stand in a JSON file: places of files below
the data set's folder, so that the list holds on another machine, or rows where the images come from arrays.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data.folder_layout import shown
from engine.data.randomness import Positions
from engine.data.raw import RawData
from engine.data.splits import fingerprint
from engine.errors import DataError
from engine.runs.files import write_atomically

SCHEMA = 1
_KIND = "nascope image list"
_MAX_BYTES = 2**29
_LISTS = ("weights", "alphas", "train")
_MEND = "Remove it, then it is made anew; or set index_file to another."


@dataclass(frozen=True, eq=False)
class Subset:
    """The listed images.

    Attributes:
        rows: of ``RawData.train``, ascending.
        weights: ``(len(rows),)``, true for the weights' half of a search; None where the list knows no halves.
    """

    rows: Positions
    weights: NDArray[np.bool_] | None


def write_index(path: Path, raw: RawData, subset: Subset, *, data: str, seed: int) -> None:
    """Write a subset; a reader sees the old file or the new one.

    Args:
        data: name of the data set, without its place.

    Raises:
        DataError: the place cannot be written.
    """
    names = raw.train.names
    listed: Any = subset.rows if names is None else [os.fsdecode(name) for name in names[subset.rows].tolist()]
    document: dict[str, Any] = {
        "kind": _KIND, "schema": SCHEMA, "data": data, "seed": seed, "classes": len(raw.class_names),
        "images": len(raw.train), "fingerprint": _fingerprint(raw), "listed_by": "row" if names is None else "file",
    }  # fmt: skip
    for name, chosen in _halves(subset).items():
        document[name] = [
            listed[place] if names is not None else int(listed[place]) for place in np.flatnonzero(chosen)
        ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In ASCII, since a file name need not be valid text.
        write_atomically(path, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise DataError(
            f"cannot be written ({error.strerror}).", where=shown(str(path)), mend="Set index_file to another place."
        ) from None


def read_index(path: Path, raw: RawData, *, data: str) -> Subset:
    """Read a list and find its images among the training files.

    Raises:
        DataError: it is no such list, was made for other data, names images that are not there or one of them twice, or
            leaves a class without images.
    """
    document = _document(path)
    where = shown(str(path))
    if document.get("data") != data:
        raise DataError(
            f"lists images of {str(document.get('data'))[:60]}, and the data are {data}.", where=where, mend=_MEND
        )
    by_file = raw.train.names is not None
    if document.get("listed_by") != ("file" if by_file else "row"):
        raise DataError(
            f"lists by {str(document.get('listed_by'))[:20]}, which {data} has not.", where=where, mend=_MEND
        )
    if not by_file and document.get("fingerprint") != _fingerprint(raw):
        raise DataError("was made for other images: its fingerprint differs from theirs.", where=where, mend=_MEND)
    lists = {name: _entries(path, document, name, by_file=by_file) for name in _LISTS if name in document}
    if set(lists) not in ({"train"}, {"weights", "alphas"}):
        raise DataError(
            f"needs the lists weights and alphas, or train; found {', '.join(lists) or 'none'}.",
            where=where,
            mend=_MEND,
        )
    _refuse_repeated(where, lists)
    rows = {name: _rows(where, raw, entries) for name, entries in lists.items()}
    for name, found in rows.items():
        absent = np.setdiff1d(np.arange(len(raw.class_names)), raw.train.labels[found])
        if len(absent):
            some = ", ".join(raw.class_names[label] for label in absent[:10].tolist())
            raise DataError(f"«{name}» lists no image of {len(absent)} classes ({some}).", where=where, mend=_MEND)
    everything = np.sort(np.concatenate(list(rows.values())))
    weights = np.isin(everything, rows["weights"]) if "weights" in rows else None
    return Subset(everything, weights)


def _halves(subset: Subset) -> dict[str, NDArray[np.bool_]]:
    if subset.weights is None:
        return {"train": np.ones(len(subset.rows), dtype=np.bool_)}
    return {"weights": subset.weights, "alphas": ~subset.weights}


def _document(path: Path) -> dict[str, Any]:
    where = shown(str(path))
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"is larger than {_MAX_BYTES // 2**20} MiB.", where=where, mend=_MEND)
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror}).", where=where, mend="Check the place and its rights."
        ) from None
    except (ValueError, RecursionError):
        raise DataError("is no JSON.", where=where, mend=_MEND) from None
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        raise DataError("is no list of images that nascope made.", where=where, mend=_MEND)
    schema = document.get("schema")
    if schema != SCHEMA:
        raise DataError(
            f"has schema {str(schema)[:20]}, and this nascope reads {SCHEMA}.",
            where=where,
            mend="Use the nascope that made it.",
        )
    return document


def _entries(path: Path, document: dict[str, Any], name: str, *, by_file: bool) -> list[Any]:
    entries = document[name]
    kind = str if by_file else int
    if not isinstance(entries, list) or not all(type(entry) is kind for entry in entries):
        words = "places of files" if by_file else "row numbers"
        raise DataError(f"«{name}» is no list of {words}.", where=shown(str(path)), mend=_MEND)
    return entries


def _refuse_repeated(where: str, lists: dict[str, list[Any]]) -> None:
    seen: dict[Any, str] = {}
    for name, entries in lists.items():
        for entry in entries:
            before = seen.setdefault(entry, name)
            if before != name:
                raise DataError(f"«{shown(str(entry))}» is in both {before} and {name}.", where=where, mend=_MEND)
        if len(set(entries)) != len(entries):
            twice, _ = Counter(entries).most_common(1)[0]
            raise DataError(f"«{name}» lists «{shown(str(twice))}» twice.", where=where, mend=_MEND)


def _rows(where: str, raw: RawData, entries: Sequence[Any]) -> Positions:
    count = len(raw.train)
    if raw.train.names is None:
        strange = [str(entry) for entry in entries if not 0 <= entry < count]
        found = [] if strange else list(entries)
    else:
        places = {os.fsdecode(name): row for row, name in enumerate(raw.train.names.tolist())}
        strange = [shown(entry) for entry in entries if entry not in places]
        found = [] if strange else [places[entry] for entry in entries]
    if strange:
        more = f" and {len(strange) - 10} more" if len(strange) > 10 else ""
        raise DataError(
            f"lists images that are not among the training images: {', '.join(strange[:10])}{more}.",
            where=where, mend="Put the files back. " + _MEND,
        )  # fmt: skip
    return np.array(found, dtype=np.int64)


def _fingerprint(raw: RawData) -> str:
    return fingerprint(raw.class_names, (raw.train.labels, raw.train.keys))
