"""Tensors as torch prints them, read back: the new form ``tensor([[...]])`` and that of torch 0.3 in columns."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_VALUES = 8192
"""A cell of 8 nodes has 44 edges; with 64 primitives that is 2,816 values."""

_SCALE = re.compile(r"^([-+.\deE]+)\*(?=\[)")
_SCALE_LINE = re.compile(r"^\s*([-+.\deE]+)\s*\*\s*$")
_COLUMNS = re.compile(r"^\s*Columns\s+\d+\s+(?:to|and)\s+\d+\s*$")


class TensorError(ValueError):
    """A printed tensor that does not give its values; the text says why."""


def parse_printed(text: str) -> Array:
    """The values of a printed tensor, of one or two dimensions.

    Args:
        text: from ``tensor(`` on, or from ``Variable containing:`` on, to its end. Wrapped lines may break anywhere.

    Raises:
        TensorError: values were left out (``...``), are no numbers, or do not make rows of one length.
    """
    if "..." in text:
        raise TensorError("its values were left out (torch printed «...»)")
    return _columns(text) if "Variable containing" in text else _brackets(text)


def _brackets(text: str) -> Array:
    # A terminal that wraps hard breaks inside numbers too; torch itself breaks after a comma only.
    plain = "".join(text.split())
    plain = plain[plain.index("tensor(") + len("tensor(") :] if "tensor(" in plain else plain
    scale = 1.0
    found = _SCALE.match(plain)
    if found is not None:
        scale = _number(found.group(1))
        plain = plain[found.end() :]
    if plain.startswith("[["):
        end = plain.find("]]")
        rows = plain[2:end].split("],[") if end > 0 else []
    elif plain.startswith("["):
        end = plain.find("]")
        rows = [plain[1:end]] if end > 0 else []
    else:
        raise TensorError("it is no list of numbers")
    values = _rows([row.split(",") for row in rows]) * scale
    return values if plain.startswith("[[") else values[0]


def _columns(text: str) -> Array:
    """Torch 0.3: rows of numbers between blanks; wide tensors come in blocks of columns, small numbers with a factor."""
    blocks: list[list[list[str]]] = [[]]
    scale = 1.0
    for line in text.splitlines()[1:]:
        if line.lstrip().startswith("[torch"):
            break
        factor = _SCALE_LINE.match(line)
        if factor is not None:
            scale = _number(factor.group(1))
        elif _COLUMNS.match(line):
            if blocks[-1]:
                blocks.append([])
        elif line.strip():
            blocks[-1].append(line.split())
    tables = [_rows(block) for block in blocks]
    if len({len(table) for table in tables}) != 1:
        raise TensorError("its blocks of columns have different numbers of rows")
    return np.concatenate(tables, axis=1) * scale


def _rows(cells: list[list[str]]) -> Array:
    if not cells or sum(map(len, cells)) > MAX_VALUES:
        raise TensorError(f"it has no values, or more than {MAX_VALUES}")
    if len({len(row) for row in cells}) != 1:
        raise TensorError("its rows have different lengths")
    return np.array([[_number(cell) for cell in row] for row in cells], dtype=np.float64)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TensorError(f"«{text[:40]}» in it is no number") from None
    if not np.isfinite(value):
        raise TensorError(f"it holds {text[:40]}")
    return value


def as_raw_alphas(printed: Array) -> tuple[Array, int]:
    """Raw alphas whose softmax is what was printed, float32, and how many printed zeros got a floor.

    The original prints softmaxed alphas with four decimals, so that a small weight reads as 0, whose logarithm is not
    finite: half of the last digit (or half of the smallest weight, where that is less) takes its place. Rows that do not add up to 1 are taken as raw alphas.
    """
    probabilities = (printed >= 0).all() and np.allclose(printed.sum(axis=1), 1.0, atol=0.01)
    if not probabilities:
        return printed.astype(np.float32).astype(np.float64), 0
    zeros = printed == 0
    floor = min(5e-5, float(printed[~zeros].min()) / 2)
    raw = np.log(np.where(zeros, floor, printed))
    return raw.astype(np.float32).astype(np.float64), int(zeros.sum())
