"""Methods and protocols as data.

A **method** is a setting of the switches (what is searched how); a **protocol** is a setting of sizes and rates (for
how long, on which scale). Add a method by adding an entry here and, where needed, one function in the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.config.data_sets import DataSet

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Method:
    """A named setting of the search's switches."""

    name: str
    title: str
    summary: str
    source: str
    switches: Values
    departs: str = ""
    """What differs from the paper or its public code, and why."""


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("darts", "DARTS 1st order", "Alphas follow the validation loss at the present weights: fast.",
               "Liu et al., DARTS, ICLR 2019, xi = 0", {"order": 1}),
        Method("darts-v2", "DARTS 2nd order", "Alphas follow the validation loss after one unrolled weight step: about 2.5 times the work.",
               "Liu et al., DARTS, ICLR 2019, eq. 7 and 8", {"order": 2}),
        Method("pc-darts", "PC-DARTS", "A quarter of the channels is searched, edges get weights of their own, alphas wait for the weights.",
               "Xu et al., PC-DARTS, ICLR 2020", {"order": 1, "partial_channels": 4, "edge_normalization": True, "warmup_epochs": 15}),
        Method("beta-darts", "Beta-DARTS", "DARTS with a growing regularizer that keeps the alphas of an edge from running apart.",
               "Ye et al., Beta-DARTS, CVPR 2022", {"order": 1, "beta_decay": 50.0},
               "The public code covers NAS-Bench-201 only, one alpha tensor over 100 epochs. Here the two kinds of cells add up, each "
               "with the scale of that code, and the weight grows to its maximum over the epochs of the run, however many they are."),
        Method("random", "random cell", "Draws one cell uniformly from the space and trains nothing: the baseline that every search must beat.",
               "Li and Talwalkar, UAI 2019", {"order": 0}),
    )
}  # fmt: skip

PRESETS = {
    "auto": "small for the digits, paper for everything else",
    "paper": "the sizes, rates and epochs that the method's paper used on CIFAR-10",
    "small": "a network and a schedule for small images and a laptop",
}

_PAPER_SEARCH: Values = {
    "epochs": 50, "batch_size": 64, "channels": 16, "layers": 8, "learning_rate": 0.025, "learning_rate_min": 0.001,
    "momentum": 0.9, "weight_decay": 3e-4, "gradient_clip": 5.0, "alpha_learning_rate": 3e-4, "alpha_weight_decay": 1e-3,
    "train_portion": 0.5, "validation_portion": 0.0, "seed": 2,
}  # fmt: skip
_PAPER_SEARCH_BY_METHOD: dict[str, Values] = {
    "pc-darts": {
        "batch_size": 256,
        "learning_rate": 0.1,
        "learning_rate_min": 0.0,
        "alpha_learning_rate": 6e-4,
        "warmup_epochs": 15,
    },
}
# About 200 steps in all: the alphas need a larger rate to travel as far as in the papers' 20,000.
_SMALL_SEARCH: Values = {
    "epochs": 20, "batch_size": 64, "channels": 8, "layers": 5, "learning_rate": 0.1, "learning_rate_min": 0.001,
    "alpha_learning_rate": 1e-2, "validation_portion": 0.15,
}  # fmt: skip
_SMALL_SEARCH_BY_METHOD: dict[str, Values] = {
    "pc-darts": {"channels": 16, "warmup_epochs": 6},
    # 50 is meant for 3e-4 over 100 epochs of NAS-Bench-201; with a rate 30 times larger it would only pull the alphas together.
    "beta-darts": {"beta_decay": 5.0},
}
_PAPER_RETRAIN: Values = {
    "epochs": 600, "batch_size": 96, "channels": 36, "layers": 20, "learning_rate": 0.025, "learning_rate_min": 0.0,
    "momentum": 0.9, "weight_decay": 3e-4, "gradient_clip": 5.0, "drop_path": 0.2, "auxiliary": True, "auxiliary_weight": 0.4,
    "cutout": 16, "validation_portion": 0.0, "seed": 0,
}  # fmt: skip
_SMALL_RETRAIN: Values = {
    "epochs": 40, "batch_size": 64, "channels": 16, "layers": 5, "learning_rate": 0.05, "learning_rate_min": 0.0,
    "drop_path": 0.1, "auxiliary": False, "cutout": 0, "validation_portion": 0.15,
}  # fmt: skip


def protocol(kind: str, method: str | None, dataset: DataSet, preset: str) -> dict[str, Any]:
    """Values of a protocol, fitted to the data set: no cutout, head or held-out split where they make no sense.

    Args:
        kind: ``search`` or ``retrain``.
        method: of a search; a retraining takes the protocol of the DARTS paper.
        preset: a key of ``PRESETS``.
    """
    small = preset == "small" or (preset == "auto" and dataset.name == "digits")
    if kind == "search":
        values = dict(_SMALL_SEARCH if small else _PAPER_SEARCH)
        values |= (_SMALL_SEARCH_BY_METHOD if small else _PAPER_SEARCH_BY_METHOD).get(method or "", {})
    else:
        values = dict(_SMALL_RETRAIN if small else _PAPER_RETRAIN)
        if not dataset.auxiliary:
            values["auxiliary"] = False
    if not dataset.cutout:
        values["cutout"] = 0
    return values
