"""Widths of text in Helvetica (and Arial, Liberation Sans, which share its metrics), for pictures written without a font."""

from __future__ import annotations

import unicodedata

_ASCII = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
    278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
    611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833,
    556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
"""Advance widths of the characters 32 to 126 in thousandths of the size, from the font's metrics."""
_FURTHER = {"×": 584, "−": 584, "…": 1000, "–": 556, "·": 333, "→": 1000}


def helvetica_width(text: str, size: float) -> float:
    """Width of a text in a font of this size, same unit as the size; other scripts are taken a little too wide."""
    return sum(map(_advance, text)) * size / 1000


def _advance(letter: str) -> int:
    code = ord(letter)
    if 32 <= code <= 126:
        return _ASCII[code - 32]
    if letter in _FURTHER:
        return _FURTHER[letter]
    if unicodedata.combining(letter):
        return 0
    return 1000 if unicodedata.east_asian_width(letter) in "WF" else 700
