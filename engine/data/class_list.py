"""A text that says which file is of which class: ``NAME CLASS`` a line, or Kaggle's table of solutions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.data.folder_layout import shown
from engine.errors import DataError

_MAX_BYTES = 64 * 2**20
_KAGGLE_HEADER = "imageid"


def read_class_list(path: Path, names: Sequence[str], class_names: Sequence[str]) -> list[int]:
    """The class of each of these files, counted from 0.

    A line has the file's name (with or without folder and ending) and its class, which is the name of a folder of
    ``train/`` or a number from 0 in their sorted order; further columns are left alone. Columns are parted by blanks,
    tabs or a comma. Lines of files that are not there are left alone too; empty lines and ``#`` are no lines.

    Args:
        names: file names without folders.

    Raises:
        DataError: the list cannot be read, a line has no class or one that is not there, two lines contradict each
            other, or a file has no line.
    """
    lines = _lines(path)
    labels = {name: label for label, name in enumerate(class_names)}
    wanted = {key: name for name in names for key in (name.rsplit(".", 1)[0], name)}
    found: dict[str, tuple[int, int]] = {}
    for number, line in lines:
        name, kind = _columns(path, number, line)
        file = wanted.get(name)
        if file is None:
            continue
        label = _label(path, number, kind, labels)
        before = found.setdefault(file, (label, number))
        if before[0] != label:
            raise DataError(
                f"«{shown(file)}» is of class {class_names[label]} here and {class_names[before[0]]} in line {before[1]}.",
                where=_at(path, number), mend="Correct one of the lines.",
            )  # fmt: skip
    missing = [shown(name) for name in names if name not in found]
    if missing:
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise DataError(
            f"has no line for {', '.join(missing[:10])}{more}.",
            where=shown(str(path)),
            mend="Add a line NAME CLASS for each file, or remove the files.",
        )
    return [found[name][0] for name in names]


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"is larger than {_MAX_BYTES // 2**20} MiB.", where=shown(str(path)))
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror}).", where=shown(str(path)), mend="Check its rights."
        ) from None
    except UnicodeDecodeError:
        raise DataError("is no text.", where=shown(str(path)), mend="Give lines of NAME CLASS.") from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if lines and lines[0][1].lower().startswith(_KAGGLE_HEADER):
        del lines[0]
    return lines


def _columns(path: Path, number: int, line: str) -> tuple[str, str]:
    # Kaggle's table: ILSVRC2012_val_00000001,n01751748 111 108 479 494
    columns = line.replace(",", " ").replace("\t", " ").split()
    if len(columns) < 2:
        only_number = bool(columns) and columns[0].isdecimal()
        found = f"one column, «{columns[0][:60]}»" if columns else "no column"
        what = f"has {found}, and needs NAME CLASS."
        kit = " Numbers alone are the development kit's, whose order is not that of the folders." if only_number else ""
        raise DataError(what + kit, where=_at(path, number), mend="Write the file's name and its class in each line.")
    return columns[0].replace("\\", "/").rsplit("/", 1)[-1], columns[1]


def _label(path: Path, number: int, kind: str, labels: dict[str, int]) -> int:
    label = labels.get(kind)
    if label is None and kind.isascii() and kind.isdecimal() and int(kind[:9]) < len(labels):
        label = int(kind[:9])
    if label is None:
        numbers = f" Numbers go from 0 to {len(labels) - 1}." if kind.isdecimal() else ""
        raise DataError(
            f"«{kind[:60]}» is no class of train/.{numbers}",
            where=_at(path, number),
            mend="Name a folder of train/, or its number in sorted order, counted from 0.",
        )
    return label


def _at(path: Path, number: int) -> str:
    return f"{shown(str(path))}, line {number}"
