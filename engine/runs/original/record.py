"""What a log of the original code says, arranged by epochs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.genotype import Genotype
from engine.runs.original.tensors import Array


@dataclass(frozen=True)
class LoggedStep:
    """One line ``train 050 loss top1 top5``: running means over the epoch so far."""

    t: float | None
    step: int
    loss: float
    top1: float


@dataclass
class LoggedEpoch:
    """One epoch.

    Attributes:
        number: from 0.
        t, ended: unix seconds of its first and its newest line; None where the log has no times.
        genotype: the cells, printed before the epoch's first step.
        tensors: matrices that were printed behind the genotype, as printed.
        valid_loss: of the last ``valid`` line, a running mean.
    """

    number: int
    t: float | None = None
    ended: float | None = None
    learning_rate: float | None = None
    genotype: Genotype | None = None
    tensors: list[Array] = field(default_factory=list)
    steps: list[LoggedStep] = field(default_factory=list)
    train_accuracy: float | None = None
    valid_accuracy: float | None = None
    valid_loss: float | None = None

    @property
    def is_bare(self) -> bool:
        """Whether nothing but its head line was seen."""
        return self.genotype is None and not self.tensors and not self.steps and self.train_accuracy is None

    @property
    def is_complete(self) -> bool:
        """Whether it was trained to its end."""
        return self.train_accuracy is not None or self.valid_accuracy is not None


@dataclass
class OriginalLog:
    """A log of ``train_search.py`` or ``train.py`` of DARTS, PC-DARTS and their near relatives.

    Attributes:
        arguments: the printed ``Namespace``, as far as its values are literals.
        parameters_millions: the printed ``param size``.
        genotype: cells printed before the first epoch (a retraining's).
        faults: what could not be read, with its line.
    """

    path: Path
    arguments: dict[str, Any] = field(default_factory=dict)
    epochs: list[LoggedEpoch] = field(default_factory=list)
    parameters_millions: float | None = None
    genotype: Genotype | None = None
    faults: list[str] = field(default_factory=list)
    faults_left_out: int = 0
    started: float | None = None
    earlier_searches: int = 0

    @property
    def place(self) -> str:
        """Its path as text that can be written: a name in another encoding than UTF-8 holds bytes that cannot."""
        return os.fsencode(self.path.absolute()).decode("utf-8", "replace")

    @property
    def kind(self) -> Literal["search", "retrain"]:
        """A retraining names its cells (``arch``), a search prints cells of its own."""
        if "arch" in self.arguments:
            return "retrain"
        return "search" if any(epoch.genotype is not None for epoch in self.epochs) else "retrain"

    @property
    def is_imagenet(self) -> bool:
        """Whether a script for ImageNet wrote it: only those have these arguments."""
        return bool({"tmp_data_dir", "label_smooth", "begin"} & self.arguments.keys())

    @property
    def epochs_wanted(self) -> int:
        """How many epochs the log says there were to be; as many as it has where it says nothing."""
        said = self.arguments.get("epochs")
        last = self.epochs[-1].number + 1 if self.epochs else 0
        return said if isinstance(said, int) and not isinstance(said, bool) and said >= last else last

    @property
    def is_finished(self) -> bool:
        """Whether its last epoch was trained to the end."""
        return bool(self.epochs) and self.epochs[-1].number + 1 == self.epochs_wanted and self.epochs[-1].is_complete

    def add_fault(self, text: str) -> None:
        """Keep the first faults; a hostile log could have millions."""
        if len(self.faults) < 20:
            self.faults.append(text)
        else:
            self.faults_left_out += 1
