"""Choosing sub-networks of a trained supernet for a budget: gradient-free, on frozen weights. No torch in here."""

from engine.two_stage.selection.book import Book, MeasuredNetwork
from engine.two_stage.selection.limits import Limits
from engine.two_stage.selection.select import STRATEGIES, Progress, Selection, default_strategy, non_dominated, select

__all__ = [
    "STRATEGIES",
    "Book",
    "Limits",
    "MeasuredNetwork",
    "Progress",
    "Selection",
    "default_strategy",
    "non_dominated",
    "select",
]
