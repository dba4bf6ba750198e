"""Amounts as people write and read them: multiply-adds, parameters, memory, time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from engine.errors import NascopeError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}
_AMOUNT = re.compile(r"(\d+(?:[_,]\d{3})+|\d+|\d*\.\d+|\d+\.)(?:[eE](\d{1,2}))?\s*([kKmMgGbB]?)", re.ASCII)
_LARGEST = 10**18

_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_MILLISECONDS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
_MEASURED = re.compile(r"(\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})\s*([a-zµ]{1,3})", re.ASCII | re.IGNORECASE)


def parse_amount(text: str, where: str, *, of: str = "multiply-adds") -> int:
    """A whole number from ``500M``, ``0.5G``, ``528_359_040`` or ``5e8``; a part below one is dropped.

    Args:
        where: what the text was said for, named in the error.
        of: what is counted, in the plural.

    Raises:
        NascopeError: no such number, or one that is not above 0 or beyond 10^18.
    """
    found = _AMOUNT.fullmatch(text.strip())
    mend = "Write for example 500M, 0.5G or 500000000."
    if found is None:
        raise NascopeError(f"«{text[:60]}» is no amount of {of}.", where=where, mend=mend)
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


def parse_bytes(text: str, where: str) -> int:
    """Whole bytes from ``8MiB``, ``500 kB`` or ``1.5GiB``; a unit must be named.

    Raises:
        NascopeError: no such amount, or one that is not above 0 or beyond 10^18.
    """
    return math.floor(round(_measured(text, where, _BYTES, "amount of memory", "8MiB, 500kB or 1GiB"), 3))


def parse_milliseconds(text: str, where: str) -> float:
    """Milliseconds from ``5ms``, ``0.5 s`` or ``800us``; a unit must be named.

    Raises:
        NascopeError: no such time, or one that is not above 0.
    """
    return _measured(text, where, _MILLISECONDS, "time", "5ms, 0.5s or 800us", least=1e-9)


def bytes_in_words(amount: int) -> str:
    """``8.00 MiB``, ``512.0 KiB``, ``940 bytes``."""
    for factor, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if amount >= factor:
            value = amount / factor
            return f"{value:.2f} {unit}" if value < 100 else f"{value:.1f} {unit}"
    return f"{amount} bytes"


def _measured(
    text: str, where: str, units: Mapping[str, float], what: str, examples: str, *, least: float = 1.0
) -> float:
    found = _MEASURED.fullmatch(text.strip())
    unit = found[2].lower() if found else ""
    mend = f"Write for example {examples}."
    if found is None or unit not in units:
        raise NascopeError(f"«{text[:60]}» is no {what}.", where=where, mend=mend)
    value = float(found[1]) * units[unit]
    if not least <= value <= _LARGEST:
        raise NascopeError(f"«{text[:60]}» is out of range.", where=where, mend=mend)
    return value
