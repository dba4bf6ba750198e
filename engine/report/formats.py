"""Numbers and times as a reader wants them: honest digits, a unit, a dash for what is not there."""

from __future__ import annotations

import time
from typing import Any


def value_text(value: Any) -> str:
    """A setting or a number of unknown kind."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def number_text(value: Any) -> str:
    """A count with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u2009") if isinstance(value, int) else value_text(value)


def percent_text(value: Any) -> str | None:
    """A percentage; None for what is no number."""
    return f"{value:.1f} %" if isinstance(value, int | float) else None


def points_text(value: Any) -> str | None:
    """A difference of percentages; None for what is no number."""
    return f"{value:.1f} points" if isinstance(value, int | float) else None


def millions_text(count: float) -> str:
    """A count of parameters, in millions from a tenth of one on."""
    return f"{count / 1e6:.2f} M" if count >= 1e5 else number_text(int(count))


def times_text(count: int) -> str:
    """Once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def duration_text(seconds: float) -> str:
    """A stretch of time in its largest sensible unit."""
    minutes = seconds / 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def two_units_text(seconds: float) -> str:
    """A stretch of time in two units at most: «40 s», «3 min 20 s», «3 h 20 min», «2 d 4 h»."""
    whole = max(1, round(seconds))
    for size, name, smaller, smaller_name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            count, rest = divmod(whole, size)
            more = rest // smaller
            return f"{count} {name} {more} {smaller_name}" if more else f"{count} {name}"
    return f"{whole} s"


def size_text(mib: float) -> str:
    """A size given in MiB: «410 MiB», «5.1 GiB»."""
    return f"{mib:,.0f} MiB" if mib < 1024 else f"{mib / 1024:,.1f} GiB"


def date_text(t: Any) -> str:
    """Unix seconds as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(t)) if isinstance(t, int | float) else "–"
