"""A predictor of accuracy in front of the measurements: of many proposals the most promising one is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.cost.subnets import subnet_macs
from engine.errors import NascopeError
from engine.subnets import Architecture
from engine.two_stage.predictor import AccuracyPredictor
from engine.two_stage.selection.book import Book

LEAST_NETWORKS = 16
"""Measured networks that a predictor is fitted to at least."""

_REFIT_AFTER = 8


@dataclass(frozen=True)
class PredictorReport:
    """How far the predictor could be trusted.

    Attributes:
        rank_correlation: Spearman's, of predictions for held-out networks; None where it cannot be told.
        networks: that it was fitted to, at its last fit.
        first_rank_correlation, first_networks: the same of its first fit, to networks that mostly are random ones.
    """

    rank_correlation: float | None
    networks: int
    first_rank_correlation: float | None
    first_networks: int

    def as_json(self) -> dict[str, float | int | None]:
        """For ``nascope select --json``."""
        return {
            "rank_correlation": self.rank_correlation, "networks": self.networks,
            "first_rank_correlation": self.first_rank_correlation, "first_networks": self.first_networks,
        }  # fmt: skip


class Promising:
    """A ``Preference`` of a ``Hunt``, fitted anew as the book grows: under a budget the proposal with the best prediction,
    else the one that should raise the front the most.

    Raises:
        NascopeError: fewer than ``LEAST_NETWORKS`` are measured.
    """

    def __init__(self, book: Book, *, is_limited: bool) -> None:
        self._book = book
        self._is_limited = is_limited
        count = len(book.networks())
        if count < LEAST_NETWORKS:
            raise NascopeError(
                f"a predictor is fitted to {LEAST_NETWORKS} measured networks or more, and there are {count}.", where="--predictor",
                mend="Leave it out, or allow more: a higher budget where few networks keep to this one, else more --evaluations.",
            )  # fmt: skip
        self._predictor = AccuracyPredictor()
        self._fit()
        self._first = (self._predictor.rank_correlation, self._predictor.networks)

    def __call__(self, proposals: Sequence[Architecture]) -> Architecture:
        if len(self._book.networks()) >= self._predictor.networks + _REFIT_AFTER:
            self._fit()
        predicted = self._predictor.predict(proposals)
        if self._is_limited:
            return proposals[int(np.argmax(predicted))]
        # A network as good as a cheaper one adds nothing: what counts is the rise over the best at its cost or below.
        measured = self._book.networks()
        macs = np.array([network.macs for network in measured])
        accuracy = np.array([network.accuracy_percent for network in measured])
        costs = np.array([subnet_macs(proposal) for proposal in proposals])
        within = macs[None, :] <= costs[:, None]
        level = np.where(within, accuracy[None, :], -np.inf).max(axis=1)
        rises = predicted - np.where(np.isfinite(level), level, 0.0)
        return proposals[int(np.argmax(rises))]

    def report(self) -> PredictorReport:
        """How well it ranks."""
        return PredictorReport(self._predictor.rank_correlation, self._predictor.networks, *self._first)

    def _fit(self) -> None:
        networks = self._book.networks()
        self._predictor.fit(
            [network.architecture for network in networks], [network.accuracy_percent for network in networks]
        )
