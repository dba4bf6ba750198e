"""Runs as folders: created, read, steered and listed. No torch."""

from engine.runs.control import Order, give_order
from engine.runs.events import Event
from engine.runs.folder import RunFolder, home, runs_home
from engine.runs.history import AlphaRecord, RunHistory, Series
from engine.runs.library import RunSummary, find_runs, summarize
from engine.runs.log import EventTail, EventWriter, read_events
from engine.runs.status import State, Status

__all__ = [
    "AlphaRecord", "Event", "EventTail", "EventWriter", "Order", "RunFolder", "RunHistory", "RunSummary", "Series", "State",
    "Status", "find_runs", "give_order", "home", "read_events", "runs_home", "summarize",
]  # fmt: skip
