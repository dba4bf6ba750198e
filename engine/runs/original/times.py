"""Times at the head of a log line, in the two forms that the original code writes."""

from __future__ import annotations

import re
from datetime import datetime

_ISO = re.compile(r"^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:[,.](\d{1,6}))?\s+")
_SHORT = re.compile(r"^(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d) ([AP]M)\s+")
_IN_A_NAME = re.compile(r"(?<!\d)(20\d\d)[01]\d[0-3]\d-[0-2]\d[0-5]\d")

LONGEST = 40
"""Characters of a line that are looked at."""


class Clock:
    """Reads the time of each line as local time, in unix seconds.

    Log files have ``2018-06-27 13:25:46,378``; standard output has ``06/27 01:25:46 PM``, without a year. The year is
    then that of the experiment's name (``search-EXP-20180627-132546``), else ``year``; it grows when the months begin anew.
    """

    def __init__(self, year: int) -> None:
        self._year = year
        self._month = 0

    def set_year_from(self, text: str) -> bool:
        """Take the year from a name with a date in it; whether it was another one before."""
        found = _IN_A_NAME.search(text[:4096])
        before = self._year
        if found is not None:
            self._year = int(found.group(1))
        return self._year != before

    def read(self, line: str) -> tuple[float | None, str]:
        """The time and the rest of the line; None and the whole line where it has none."""
        head = line[:LONGEST]
        found = _ISO.match(head)
        if found is not None:
            year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
            return _seconds(year, month, day, hour, minute, second, found.group(7)), line[found.end() :]
        found = _SHORT.match(head)
        if found is None:
            return None, line
        month, day, hour, minute, second = (int(part) for part in found.groups()[:5])
        if month < self._month - 6:
            self._year += 1
        self._month = month
        hour = hour % 12 + (12 if found.group(6) == "PM" else 0)
        return _seconds(self._year, month, day, hour, minute, second, None), line[found.end() :]


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int, part: str | None) -> float | None:
    try:
        return datetime(year, month, day, hour, minute, second).timestamp() + (float(f"0.{part}") if part else 0.0)
    except (ValueError, OverflowError, OSError):
        return None
