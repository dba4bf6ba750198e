"""Logs of the original DARTS and PC-DARTS code, read as data and turned into runs. No torch, nothing is evaluated."""

from engine.runs.original.convert import import_log
from engine.runs.original.read import find_log, read_log
from engine.runs.original.record import LoggedEpoch, OriginalLog

__all__ = ["LoggedEpoch", "OriginalLog", "find_log", "import_log", "read_log"]
