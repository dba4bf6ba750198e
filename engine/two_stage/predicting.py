"""The predictor of a training: when it is fitted, to which networks, and what a checkpoint keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.config.two_stage import TwoStageConfig
from engine.subnets import Architecture, Space
from engine.training.trainer import Report
from engine.two_stage.predictor import AccuracyPredictor
from engine.two_stage.sampling import fixed_networks, samples_by_macs

_POINTS = (0.1, 0.4, 0.7)
"""Shares of the epochs after which it is fitted anew: accuracies rise while the training goes on, and their order settles."""


def goes_by_predictor(config: TwoStageConfig) -> bool:
    """Whether a training scores its candidates by a predictor."""
    return config.score == "predictor" and samples_by_macs(config)


def fitting_epochs(epochs: int) -> set[int]:
    """After how many epochs of a training its predictor is fitted anew; never after the last, when nobody asks it any more."""
    return {max(1, round(share * epochs)) for share in _POINTS} - {epochs}


class PredictorKeeper:
    """Measures networks at three points of a training and fits a predictor to them; always the same networks."""

    def __init__(self, config: TwoStageConfig, space: Space) -> None:
        self._config = config
        self._space = space
        self._predictor = AccuracyPredictor()
        self._measured: list[tuple[tuple[int, ...], float]] = []
        self._fitting_epochs = fitting_epochs(config.epochs)

    @property
    def is_fitted(self) -> bool:
        """Whether ``predict`` can be asked."""
        return self._predictor.is_fitted

    def predict(self, architectures: Sequence[Architecture]) -> list[float]:
        """Predicted accuracies in percent."""
        found: list[float] = self._predictor.predict(architectures).tolist()
        return found

    def end_epoch(self, epoch: int, accuracy: Callable[[Architecture], float]) -> list[Report]:
        """Fit anew where it is time to; ``accuracy`` measures a network, in percent."""
        if epoch + 1 not in self._fitting_epochs:
            return []
        asked = fixed_networks(self._space, self._config.predictor_networks, "predictor", self._config.seed)
        self._measured = [(each.values(), accuracy(each)) for each in asked]
        self._fit()
        found = self._predictor.rank_correlation
        order = (
            f"Spearman's rank correlation for networks held out is {found:.2f}"
            if found is not None
            else "their accuracies, or the predictions, are all equal"
        )
        text = f"The predictor was fitted to {len(asked)} networks measured after {epoch + 1} epochs: {order}."
        return [("message", {"text": text, "level": "info"})]

    def state_dict(self) -> dict[str, Any]:
        """The measured networks: a fit to them draws no random numbers."""
        return {
            "values": [list(values) for values, _ in self._measured],
            "accuracies": [found for _, found in self._measured],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Fit to what was measured before."""
        self._measured = [
            (tuple(values), found) for values, found in zip(state["values"], state["accuracies"], strict=True)
        ]
        if self._measured:
            self._fit()

    def _fit(self) -> None:
        architectures = [Architecture.from_values(self._space, values) for values, _ in self._measured]
        self._predictor.fit(architectures, [found for _, found in self._measured])
