"""Amounts of multiply-adds and parameters as people write and read them."""

from __future__ import annotations

import math
import re

from engine.errors import NascopeError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}
_AMOUNT = re.compile(r"(\d+(?:[_,]\d{3})+|\d+|\d*\.\d+|\d+\.)(?:[eE](\d{1,2}))?\s*([kKmMgGbB]?)", re.ASCII)
_LARGEST = 10**18


def parse_amount(text: str, where: str) -> int:
    """A whole number from ``500M``, ``0.5G``, ``528_359_040`` or ``5e8``; a part below one is dropped.

    Args:
        where: what the text was said for, named in the error.

    Raises:
        NascopeError: no such number, or one that is not above 0 or beyond 10^18.
    """
    found = _AMOUNT.fullmatch(text.strip())
    mend = "Write for example 500M, 0.5G or 500000000."
    if found is None:
        raise NascopeError(f"«{text[:60]}» is no amount of multiply-adds.", where=where, mend=mend)
    digits, exponent, unit = found.groups()
    value = float(digits.replace("_", "").replace(",", "")) * 10.0 ** int(exponent or 0) * _UNITS[unit.upper()]
    if not math.isfinite(value) or not 1 <= value <= _LARGEST:
        raise NascopeError(f"«{text[:60]}» is out of range: more than 0, at most 10^18.", where=where, mend=mend)
    # Rounded first: 1.001 G is 1001 M, whatever the last bit of 1.001 says.
    return math.floor(round(value, 3))


def in_words(amount: int) -> str:
    """Three or four digits and a unit: ``3.35 M``, ``528.4 M``, ``1.06 G``, ``940``."""
    for factor, unit in ((10**9, "G"), (10**6, "M"), (10**3, "K")):
        if amount >= factor * 0.9995:
            value = amount / factor
            return f"{value:.2f} {unit}" if value < 100 else f"{value:.1f} {unit}"
    return str(amount)
