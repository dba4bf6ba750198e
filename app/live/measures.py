"""What a curve panel can show: for each choice its lines, where their numbers come from, scale and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication

from app.live.trace import Points
from app.run_model import RunModel
from engine.genotype.discretize import softmax
from engine.runs import RunHistory

Array = NDArray[np.float64]

Role = Literal["train", "validation", "alphas", "dim"]
"""Tokens of the theme that a line may have as its colour."""

Look = Literal["noisy", "smooth", "plain"]
"""noisy: pale raw line under a smoothed one. smooth: the smoothed one alone. plain: as it is."""

Scale = Literal["zero", "percent", "fit"]
"""Where the y axis begins and ends: from zero, 0 to 100, or around the numbers."""


@dataclass(frozen=True)
class Line:
    """One line of a plot.

    Attributes:
        source: name of a series of the history, or ``entropy.normal``, ``entropy.reduction``.
        is_fact: whether its newest number stands in the panel's header, where any of the measure's lines does.
    """

    source: str
    label: str
    role: Role
    look: Look
    dashed: bool = False
    is_fact: bool = False


@dataclass(frozen=True)
class Measure:
    """One choice of a curve panel."""

    key: str
    title: str
    unit: str
    scale: Scale
    log: bool
    lines: tuple[Line, ...]
    empty: str
    """The sentence where a run has none of it yet."""
    number: Callable[[float], str]
    """A value in words, without unit."""

    @property
    def smooths(self) -> bool:
        """Whether smoothing changes anything here."""
        return any(line.look in ("noisy", "smooth") for line in self.lines)

    def value(self, value: float) -> str:
        """A value with its unit."""
        return f"{self.number(value)} {self.unit}".rstrip()


CHOICES = ("loss", "accuracy", "learning_rates", "entropy", "gradients", "speed", "memory")
"""Keys of all measures, in the order of the chooser."""

_OF_ALPHAS = frozenset({"entropy"})


def choices(model: RunModel | None) -> tuple[str, ...]:
    """Keys of the measures that this kind of run can have: nothing about alphas where none exist."""
    return tuple(key for key in CHOICES if model is None or model.has_cells or key not in _OF_ALPHAS)


@dataclass(frozen=True)
class _Points:
    times: Array
    steps: Array
    values: Array

    def __len__(self) -> int:
        return len(self.values)


def measure(key: str, model: RunModel | None = None) -> Measure:
    """The measure of a key in the language of the moment, with the lines that this kind of run can have.

    Raises:
        KeyError: the key is none of ``CHOICES``.
    """
    return {
        "loss": _loss,
        "accuracy": _accuracy,
        "learning_rates": _learning_rates,
        "entropy": _entropy,
        "gradients": _gradients,
        "speed": _speed,
        "memory": _memory,
    }[key](model)


def title(key: str, model: RunModel | None = None) -> str:
    """The name of a choice."""
    return measure(key, model).title


def points(history: RunHistory, source: str) -> Points | None:
    """The numbers of a line; None where the run has none."""
    if source.startswith("entropy."):
        return _entropies(history, source.removeprefix("entropy."))
    return history.series.get(source)


def mean_entropy(alphas: Array) -> float:
    """Mean over the edges of the entropy of their softmax, in nats; ``(edges, primitives)``, log of primitives at the start."""
    weights = softmax(alphas)
    return float(-(weights * np.log(np.maximum(weights, 1e-300))).sum(axis=-1).mean())


def _entropies(history: RunHistory, kind: str) -> Points | None:
    records = history.alphas_by_epoch()
    if not records:
        return None
    values = np.array([mean_entropy(record.of(kind)[0]) for record in records])
    steps = np.array([record.step for record in records], dtype=np.float64)
    # Times of alphas are not kept by the history; the epochs' series has them.
    return _Points(_times_at(history, steps), steps, values)


def _times_at(history: RunHistory, steps: Array) -> Array:
    series = history.series.get("step.loss")
    if series is None or not len(series):
        return np.full(len(steps), np.nan)
    places = np.minimum(np.searchsorted(series.steps, steps), len(series) - 1)
    found: Array = series.times[places]
    return found


def _is_search(model: RunModel | None) -> bool:
    return model is None or model.kind == "search"


def _validation_label(model: RunModel | None) -> str:
    """Honest about searches without a validation split: they are judged on the images that trained the alphas."""
    last = model.history.last.get("epoch") if model is not None else None
    if last is not None and last.data.get("validation_split") == "alphas":
        return QCoreApplication.translate("Curves", "alphas' images")
    if last is not None and last.data.get("validation_split") == "test":
        return QCoreApplication.translate("Curves", "test split")
    return QCoreApplication.translate("Curves", "validation")


def _is_supernet(model: RunModel | None) -> bool:
    return model is not None and model.kind == "two-stage"


def _supernet_loss(model: RunModel) -> Measure:
    """Blue is the biggest network, amber the smallest, magenta the mean of the sampled ones: here and for accuracies."""
    translate = QCoreApplication.translate
    smallest, sampled = translate("Curves", "smallest"), translate("Curves", "sampled")
    if model.config.get("distillation", True):  # Measured against the biggest one's answers, not the labels.
        smallest, sampled = (
            translate("Curves", "{network}, soft labels").format(network=name) for name in (smallest, sampled)
        )
    return Measure(
        "loss", translate("Curves", "Loss"), "", "zero", False,
        (
            Line("step.loss", translate("Curves", "biggest"), "train", "noisy"),
            Line("step.smallest_loss", smallest, "validation", "smooth"),
            Line("step.sampled_loss", sampled, "alphas", "smooth"),
            Line("epoch.validation_loss", translate("Curves", "biggest, validation"), "train", "plain", True),
        ),
        translate("Curves", "Losses of the biggest, the smallest and the sampled networks appear here step by step."), "{:.3f}".format,
    )  # fmt: skip


def _supernet_accuracy() -> Measure:
    translate = QCoreApplication.translate
    return Measure(
        "accuracy", translate("Curves", "Validation accuracy"), "%", "percent", False,
        (
            Line("step.accuracy_percent", translate("Curves", "biggest, training batches"), "dim", "noisy"),
            Line("epoch.validation_accuracy_percent", translate("Curves", "biggest"), "train", "plain", is_fact=True),
            Line("epoch.sampled_validation_accuracy_percent", translate("Curves", "sampled"), "alphas", "plain", is_fact=True),
            Line("epoch.smallest_validation_accuracy_percent", translate("Curves", "smallest"), "validation", "plain", is_fact=True),
        ),
        translate("Curves", "Accuracy of the biggest, the smallest and some sampled networks appears here after each epoch."),
        "{:.1f}".format,
    )  # fmt: skip


def _loss(model: RunModel | None) -> Measure:
    if model is not None and _is_supernet(model):
        return _supernet_loss(model)
    lines = [
        Line("step.loss", QCoreApplication.translate("Curves", "train"), "train", "noisy"),
        Line("epoch.validation_loss", _validation_label(model), "validation", "plain"),
    ]
    if model is not None and _is_search(model):
        lines.insert(
            1, Line("step.alpha_loss", QCoreApplication.translate("Curves", "alphas' batch"), "alphas", "smooth")
        )
    return Measure(
        "loss", QCoreApplication.translate("Curves", "Loss"), "", "zero", False, tuple(lines),
        QCoreApplication.translate("Curves", "Training and validation loss appear here step by step."), "{:.3f}".format,
    )  # fmt: skip


def _accuracy(model: RunModel | None) -> Measure:
    if _is_supernet(model):
        return _supernet_accuracy()
    return Measure(
        "accuracy", QCoreApplication.translate("Curves", "Accuracy"), "%", "percent", False,
        (
            Line("step.accuracy_percent", QCoreApplication.translate("Curves", "train"), "train", "noisy"),
            Line("epoch.validation_accuracy_percent", _validation_label(model), "validation", "plain"),
        ),
        QCoreApplication.translate("Curves", "Accuracy appears here: of each batch, and of the validation images after each epoch."),
        "{:.1f}".format,
    )  # fmt: skip


def _learning_rates(model: RunModel | None) -> Measure:
    lines = [Line("step.learning_rate", QCoreApplication.translate("Curves", "weights"), "train", "plain")]
    if _is_search(model):
        lines.append(
            Line("step.alpha_learning_rate", QCoreApplication.translate("Curves", "alphas"), "alphas", "plain")
        )
    return Measure(
        "learning_rates", QCoreApplication.translate("Curves", "Learning rates"), "", "zero", True, tuple(lines),
        QCoreApplication.translate("Curves", "Learning rates of the weights and the alphas appear here.") if _is_search(model)
        else QCoreApplication.translate("Curves", "The learning rate appears here."), "{:.3g}".format,
    )  # fmt: skip


def _entropy(model: RunModel | None) -> Measure:
    return Measure(
        "entropy", QCoreApplication.translate("Curves", "Alpha entropy"), QCoreApplication.translate("Curves", "nats"), "fit", False,
        (
            Line("entropy.normal", QCoreApplication.translate("Curves", "normal"), "train", "plain"),
            Line("entropy.reduction", QCoreApplication.translate("Curves", "reduction"), "alphas", "plain"),
        ),
        QCoreApplication.translate("Curves", "Entropy of the alphas appears here after each epoch: it falls as a search makes up its mind.")
        if _is_search(model)
        else QCoreApplication.translate("Curves", "A retraining has no alphas.") if model is not None and model.has_cells
        else QCoreApplication.translate("Curves", "There are no alphas here."),
        "{:.3f}".format,
    )  # fmt: skip


def _gradients(model: RunModel | None) -> Measure:
    lines = [
        Line("gradient.weight_gradient_norm", QCoreApplication.translate("Curves", "weights"), "train", "noisy"),
        Line("gradient.weight_update_norm", QCoreApplication.translate("Curves", "weights' update"), "train", "smooth", True),
    ]  # fmt: skip
    if _is_search(model):
        lines += [
            Line("gradient.alpha_gradient_norm", QCoreApplication.translate("Curves", "alphas"), "alphas", "noisy"),
            Line("gradient.alpha_update_norm", QCoreApplication.translate("Curves", "alphas' update"), "alphas", "smooth", True),
        ]  # fmt: skip
    return Measure(
        "gradients", QCoreApplication.translate("Curves", "Gradient norms"), "", "zero", True, tuple(lines),
        QCoreApplication.translate("Curves", "Norms of the gradients and of the updates they lead to appear here."), "{:.3g}".format,
    )  # fmt: skip


def _speed(model: RunModel | None) -> Measure:
    return Measure(
        "speed", QCoreApplication.translate("Curves", "Images a second"), QCoreApplication.translate("Curves", "images/s"), "zero", False,
        (Line("step.images_per_second", QCoreApplication.translate("Curves", "images a second"), "train", "noisy"),),
        QCoreApplication.translate("Curves", "Speed appears here, in images a second."), "{:,.0f}".format,
    )  # fmt: skip


def _memory(model: RunModel | None) -> Measure:
    return Measure(
        "memory", QCoreApplication.translate("Curves", "Memory"), "MiB", "zero", False,
        (
            Line("memory.resident_mib", QCoreApplication.translate("Curves", "process"), "train", "plain"),
            Line("memory.device_mib", QCoreApplication.translate("Curves", "device"), "alphas", "plain"),
        ),
        QCoreApplication.translate("Curves", "Memory of the engine appears here, in MiB."), "{:,.0f}".format,
    )  # fmt: skip
