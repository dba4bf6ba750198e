"""A predictor of the accuracy of sub-networks, from some that were measured: to rank others without measuring them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.subnets import Architecture

Floats = npt.NDArray[np.float64]

FEWEST = 8
"""Networks that a fit needs: below, a line through so many choices says nothing."""
_FOLDS = 5
_TREES = 50
_STRENGTHS = np.logspace(-2, 4, 13)


class AccuracyPredictor:
    """The mean of two regressions on measured accuracies: what each choice adds, and a random forest.

    The first is linear in one 0/1 feature for every choice that may be made (a middle resolution may be the best one: no
    line through 20, 24, 28, 32 can say so), penalized by the square; the penalty is chosen by leaving one network out. The
    forest sees which choices go together. On supernets of the laptop space each alone ranks held-out networks a little
    worse than their mean, and a line over the plain numbers much worse. All random numbers are fixed: the same networks
    give the same predictor.

    Features are ``architecture.values()``: resolution, widths, depths, kernel sizes, expansions. Only the order of
    predictions is meant to be used. Source of the idea: AttentiveNAS section 3.4, which fits a forest.
    """

    def __init__(self) -> None:
        self._model: Any = None
        self._features = np.zeros((0, 0))
        self._targets = np.zeros(0)
        self._rank_correlation: float | None = None
        self._is_validated = False

    @property
    def is_fitted(self) -> bool:
        """Whether ``predict`` can be asked."""
        return self._model is not None

    @property
    def networks(self) -> int:
        """How many it was fitted to."""
        return len(self._targets)

    @property
    def rank_correlation(self) -> float | None:
        """Spearman's rank correlation of measured accuracies with predictions for networks that were held out (five
        folds); None where all accuracies, or all predictions, are equal, and before a fit. Takes five fits when it is asked
        for first."""
        from sklearn.model_selection import KFold, cross_val_predict

        if self.is_fitted and not self._is_validated:
            folds = KFold(_FOLDS, shuffle=True, random_state=0)  # Neighbours in a list of a search are relatives.
            held_out = cross_val_predict(_regression(), self._features, self._targets, cv=folds)
            self._rank_correlation = rank_correlation(self._targets, held_out)
            self._is_validated = True
        return self._rank_correlation

    def fit(self, architectures: Sequence[Architecture], accuracies: Sequence[float]) -> AccuracyPredictor:
        """Fit anew to measured networks of one space; accuracies in percent.

        Raises:
            ValueError: fewer than ``FEWEST`` networks, lists of different lengths, or an accuracy that is not finite.
        """
        if len(architectures) != len(accuracies) or len(architectures) < FEWEST:
            raise ValueError(
                f"{len(architectures)} networks with {len(accuracies)} accuracies; at least {FEWEST} of each"
            )
        targets = np.asarray(accuracies, dtype=np.float64)
        if not np.isfinite(targets).all():
            raise ValueError("an accuracy is not finite")
        self._features, self._targets = _features(architectures), targets
        self._model = _regression().fit(self._features, targets)
        self._is_validated, self._rank_correlation = False, None
        return self

    def predict(self, architectures: Sequence[Architecture]) -> Floats:
        """Predicted accuracies in percent, ``(len(architectures),)``; not bounded to 0..100.

        Raises:
            RuntimeError: nothing was fitted yet.
        """
        if self._model is None:
            raise RuntimeError("the predictor is not fitted yet")
        if not architectures:
            return np.zeros(0)
        return np.asarray(self._model.predict(_features(architectures)), dtype=np.float64)


def rank_correlation(measured: npt.ArrayLike, predicted: npt.ArrayLike) -> float | None:
    """Spearman's rank correlation; None where one of both is constant."""
    from scipy import stats

    if np.ptp(np.asarray(measured)) == 0 or np.ptp(np.asarray(predicted)) == 0:
        return None
    found = float(stats.spearmanr(measured, predicted).statistic)
    return found if math.isfinite(found) else None


def _features(architectures: Sequence[Architecture]) -> Floats:
    return np.array([architecture.values() for architecture in architectures], dtype=np.float64)


def _regression() -> Any:
    from sklearn.ensemble import RandomForestRegressor, VotingRegressor  # A second to load, which few runs need.
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    choices = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    sums = make_pipeline(choices, RidgeCV(alphas=_STRENGTHS))
    return VotingRegressor([("sums", sums), ("forest", RandomForestRegressor(_TREES, random_state=0))])
