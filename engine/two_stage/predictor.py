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
_STRENGTHS = np.logspace(-2, 4, 13)


class AccuracyPredictor:
    """A line over the choices of an architecture (standardized, penalized by the square), fitted to measured accuracies.

    Ridge regression, since a few dozen measured networks must do for 20 to 31 choices whose effects mostly add up: a
    forest, as AttentiveNAS fitted to hundreds, would see each choice in a handful of leaves only. The penalty is chosen by
    leaving one network out (closed form). No random number is drawn: the same networks give the same predictor.

    Features are ``architecture.values()``: resolution, widths, depths, kernel sizes, expansions. Only the order of
    predictions is meant to be used. Source of the idea: AttentiveNAS section 3.4.
    """

    def __init__(self) -> None:
        self._model: Any = None
        self._rank_correlation: float | None = None
        self.networks = 0

    @property
    def is_fitted(self) -> bool:
        """Whether ``predict`` can be asked."""
        return self._model is not None

    @property
    def rank_correlation(self) -> float | None:
        """Spearman's rank correlation of measured accuracies with predictions for networks that were held out (five
        folds); None where all accuracies, or all predictions, are equal."""
        return self._rank_correlation

    def fit(self, architectures: Sequence[Architecture], accuracies: Sequence[float]) -> AccuracyPredictor:
        """Fit anew to measured networks of one space; accuracies in percent.

        Raises:
            ValueError: fewer than ``FEWEST`` networks, lists of different lengths, or an accuracy that is not finite.
        """
        from sklearn.model_selection import KFold, cross_val_predict  # A second to load, which few runs need.

        if len(architectures) != len(accuracies) or len(architectures) < FEWEST:
            raise ValueError(
                f"{len(architectures)} networks with {len(accuracies)} accuracies; at least {FEWEST} of each"
            )
        targets = np.asarray(accuracies, dtype=np.float64)
        if not np.isfinite(targets).all():
            raise ValueError("an accuracy is not finite")
        features = _features(architectures)
        folds = KFold(_FOLDS, shuffle=True, random_state=0)  # Neighbours in a list of a search are relatives.
        held_out = cross_val_predict(_regression(), features, targets, cv=folds)
        self._rank_correlation = rank_correlation(targets, held_out)
        self._model = _regression().fit(features, targets)
        self.networks = len(targets)
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
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), RidgeCV(alphas=_STRENGTHS))
