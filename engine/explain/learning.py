"""Whether a run learns: gradients, losses and accuracies, recognized from its curves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from engine.explain.choices import Array
from engine.explain.diagnosis import Diagnosis, History, HistorySeries

# First-order steps of the DARTS code on its toy networks: weight gradient 12 to 20 times (DARTS) and about 40 times (PC-DARTS)
# the alphas'; second order about 1. Outside of 0.1 to 10,000 one of the two stands still beside the other.
GRADIENT_RATIO_RANGE = (0.1, 10_000.0)
# A DARTS search on CIFAR-10 ends with about 99.7 % on the weights' half and 88 to 89 % on the alphas' (darts issues 12, 110).
NORMAL_GAP_PERCENT = 15.0
STALLED_AFTER_EPOCHS = 5
STALLED_LOSS_SHARE = 0.98
CHANCE_FACTOR = 1.5


def learning_diagnoses(history: History) -> list[Diagnosis]:
    """What the curves of any kind of run say."""
    return [*_gradients(history.series), *_learning(history)]


def _gradients(series: Mapping[str, HistorySeries]) -> list[Diagnosis]:
    weight, alpha = (series.get(f"gradient.{name}_gradient_norm") for name in ("weight", "alpha"))
    if weight is None or alpha is None:
        return []
    weight_by_step = dict(zip(weight.steps.tolist(), weight.values.tolist(), strict=True))
    ratios = [
        weight_by_step[step] / norm
        for step, norm in zip(alpha.steps.tolist(), alpha.values.tolist(), strict=True)
        if norm > 0 and math.isfinite(weight_by_step.get(step, math.nan))
    ][-50:]
    if len(ratios) < 3:
        return []
    ratio = float(np.median(ratios))
    low, high = GRADIENT_RATIO_RANGE
    if low <= ratio <= high:
        return []
    seen = (
        f"The weights' gradient is {ratio:,.0f} times the alphas'"
        if ratio > high
        else f"The alphas' gradient is {1 / ratio:,.0f} times the weights'"
    )
    return [
        Diagnosis(
            "gradient_imbalance", "info",
            f"{seen} (median of the last {len(ratios)} logged steps). The two may learn at very different speeds: compare their "
            "updates, and change learning_rate or alpha_learning_rate.",
            {"ratio": ratio, "steps": len(ratios)},
        )
    ]  # fmt: skip


def _learning(history: History) -> list[Diagnosis]:
    found = []
    losses = _values(history.series, "epoch.train_loss")
    steps = _values(history.series, "step.loss")
    if np.isnan(losses).any() or np.isnan(steps).any():
        found.append(
            Diagnosis(
                "loss_not_finite", "severe",
                "The training loss became infinite or no number: everything after it is worthless. Lower learning_rate, or resume "
                "from an earlier checkpoint.",
                {"steps": int(np.isnan(steps).sum())},
            )
        )  # fmt: skip
    elif len(losses) >= STALLED_AFTER_EPOCHS and losses[-1] > STALLED_LOSS_SHARE * losses[0]:
        found.append(
            Diagnosis(
                "loss_not_falling", "warning",
                f"The training loss has not fallen in {len(losses)} epochs ({losses[0]:.3f} to {losses[-1]:.3f}). Check the labels, "
                "and try another learning_rate.",
                {"first": float(losses[0]), "last": float(losses[-1]), "epochs": len(losses)},
            )
        )  # fmt: skip
    return found + _accuracies(history)


def _accuracies(history: History) -> list[Diagnosis]:
    train, validation = (
        _values(history.series, f"epoch.{split}_accuracy_percent") for split in ("train", "validation")
    )
    if not len(validation) or not len(train) or not math.isfinite(validation[-1]) or not math.isfinite(train[-1]):
        return []
    gap = float(train[-1] - validation[-1])
    numbers = {"train_percent": float(train[-1]), "validation_percent": float(validation[-1])}
    listed = history.started.get("classes")
    classes = len(listed) if isinstance(listed, list) else int(listed or 0)
    if classes > 1 and len(validation) >= STALLED_AFTER_EPOCHS and validation[-1] < CHANCE_FACTOR * 100 / classes:
        return [
            Diagnosis(
                "accuracy_at_chance", "warning",
                f"Validation accuracy is {validation[-1]:.1f} % after {len(validation)} epochs; guessing among {classes} classes gives "
                f"{100 / classes:.1f} %. Check the labels, the learning rate and the size of the network.",
                numbers | {"chance_percent": 100 / classes},
            )
        ]  # fmt: skip
    if gap > NORMAL_GAP_PERCENT:
        return [
            Diagnosis(
                "overfit", "info",
                f"Training accuracy is {gap:.1f} points above validation ({train[-1]:.1f} against {validation[-1]:.1f} %): the "
                "network knows its training images by heart. A gap of 10 points is normal for a DARTS search on CIFAR-10.",
                numbers | {"gap_percent": gap},
            )
        ]  # fmt: skip
    return []


def _values(series: Mapping[str, HistorySeries], name: str) -> Array:
    found = series.get(name)
    return found.values if found is not None else np.empty(0)
