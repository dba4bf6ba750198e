"""Methods and presets as data.

A **method** is a setting of the switches (what is searched how); a **preset** names a setting of sizes and rates (for
how long, on which scale): a paper's protocol, or a small one. Add a method by adding an entry here, to the protocols
of ``engine.config.protocols`` and, where needed, one function in the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.config.data_sets import DataSet
from engine.config.protocols import paper_protocol

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
    kind: str = "search"
    """The kind of run: ``search`` for cells, or ``two-stage``."""


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
        Method("bignas", "BigNAS", "Trains one supernet for all sub-networks at once: the biggest, the smallest and two drawn uniformly each step.",
               "Yu et al., BigNAS, ECCV 2020", {"sampling": "uniform", "initialization": "he-fan-out"},
               "Kernel sizes are chosen a stage, as in the public ports, not a block. Weight decay acts once a step on the shared weights, which "
               "under added gradients is what regularizing the biggest network alone amounts to.", "two-stage"),
        Method("attentive-nas", "AttentiveNAS", "BigNAS whose sampled networks are the best of some candidates near a drawn number of multiply-adds.",
               "Wang et al., AttentiveNAS, CVPR 2021", {"sampling": "best-up", "candidates": 3, "score": "loss", "initialization": "default"},
               "The prior over multiply-adds is made anew from the space at hand; the paper's file is for its own space only. With several "
               "processes the candidates' losses are of the joint batch, so that all train the same network.", "two-stage"),
        Method("random", "random cell", "Draws one cell uniformly from the space and trains nothing: the baseline that every search must beat.",
               "Li and Talwalkar, UAI 2019", {"order": 0}),
    )
}  # fmt: skip

PRESETS = {
    "auto": "small for the digits, paper for everything else",
    "paper": "sizes, rates and epochs of the paper: of the method's for a search, of the paper that found the cells for a retraining (DARTS' where that is not known)",
    "paper-darts": "those of the DARTS paper, whatever is searched or retrained: for fair comparisons",
    "paper-pc-darts": "those of the PC-DARTS paper, whatever is searched or retrained",
    "small": "a network and a schedule for small images and a laptop",
}

_NAMED = {"PC_DARTS_cifar": "pc-darts", "PC_DARTS_image": "pc-darts"}
"""Published cells whose paper retrains otherwise than DARTS."""

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
# The recipe of a few minutes on one processor core; see docs/two-stage.md.
_SMALL_TWO_STAGE: Values = {
    "epochs": 30, "batch_size": 64, "learning_rate": 0.1, "learning_rate_warmup_epochs": 2, "learning_rate_min": 0.0, "momentum": 0.9,
    "weight_decay": 1e-5, "gradient_clip": 1.0, "image_size": 32, "calibration_images": 1024, "calibration_batch_size": 64,
    "validation_portion": 0.15, "cutout": 0,
}  # fmt: skip
_SMALL_SUBNET: Values = {
    "epochs": 30, "batch_size": 64, "learning_rate": 0.1, "learning_rate_warmup_epochs": 2, "learning_rate_min": 0.0, "momentum": 0.9,
    "weight_decay": 1e-5, "gradient_clip": 5.0, "label_smoothing": 0.1, "image_size": 32, "validation_portion": 0.15, "cutout": 0,
}  # fmt: skip
_SMALL_RETRAIN: Values = {
    "epochs": 40, "batch_size": 64, "channels": 16, "layers": 5, "learning_rate": 0.05, "learning_rate_min": 0.0,
    "drop_path": 0.1, "auxiliary": False, "cutout": 0, "validation_portion": 0.15,
}  # fmt: skip


def preset_values(kind: str, method: str | None, dataset: DataSet, preset: str) -> dict[str, Any]:
    """Values of a preset, fitted to the data set: no cutout, head or held-out split where they make no sense.

    Args:
        kind: a key of ``CONFIG_CLASSES``.
        method: of a search or a two-stage training; of a retraining the one that found the cells, None where that is not
            known.
        preset: a key of ``PRESETS``.
    """
    method = method or ("bignas" if kind in ("two-stage", "subnet") else "darts")
    is_small = preset == "small" or (preset == "auto" and dataset.name == "digits")
    values = _small_values(kind, method) if is_small else _paper_values(kind, method, dataset, preset)
    if kind == "two-stage":
        values["space"] = _space_for(method, dataset, is_small=is_small)
    if kind == "retrain" and not dataset.auxiliary:
        values["auxiliary"] = False
    if not dataset.cutout:
        values["cutout"] = 0
    return values


def _small_values(kind: str, method: str) -> dict[str, Any]:
    match kind:
        case "search":
            return {**_SMALL_SEARCH, **_SMALL_SEARCH_BY_METHOD.get(method, {})}
        case "two-stage":
            return dict(_SMALL_TWO_STAGE)
        case "subnet":
            return dict(_SMALL_SUBNET)
    return dict(_SMALL_RETRAIN)


def _space_for(method: str, dataset: DataSet, *, is_small: bool) -> str:
    """A space whose resolutions suit the images."""
    if dataset.random_crop:
        return "laptop-cifar" if is_small else method
    if dataset.channels == 1:
        return "laptop"
    return "laptop-cifar" if is_small else "cifar"


def _paper_values(kind: str, method: str, dataset: DataSet, preset: str) -> dict[str, Any]:
    whose = preset.removeprefix("paper-") if preset.startswith("paper-") and kind in ("search", "retrain") else method
    protocol = paper_protocol(kind, whose, dataset.name)
    # A random cell trains nothing, but shows the sizes and rates that its seed is drawn beside.
    base = dict(paper_protocol(kind, "darts", dataset.name).values) if whose == "random" and kind == "search" else {}
    return {**base, **protocol.values, **(protocol.switches if whose == method else {})}


def method_names(kind: str = "search") -> tuple[str, ...]:
    """Names of the methods of one kind of run."""
    return tuple(method.name for method in METHODS.values() if method.kind == kind)


def retraining_method(genotype: Any) -> str | None:
    """The method that found these cells, as their JSON tells; None where it does not, or where it is no method here."""
    if not isinstance(genotype, Mapping):
        return None
    source = genotype.get("source")
    method = source.get("method") if isinstance(source, Mapping) else None
    if isinstance(method, str) and method in method_names():
        return method
    return _NAMED.get(str(genotype.get("name")))
