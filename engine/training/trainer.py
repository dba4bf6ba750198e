"""What the loop asks of a trainer: a trainer owns what a step is, the loop owns everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from engine.config import RunConfig
from engine.config.advice import rate_for_another_batch
from engine.data import LoadedData, Stream
from engine.distributed import Ranks
from engine.errors import ConfigError, Fault
from engine.genotype import Genotype

Report = tuple[str, Mapping[str, Any]]
"""An event before it has a time and a step: its type and fields."""

Batch = tuple[Tensor, Tensor]
"""Images (N, C, H, W) and labels (N,)."""

StopCheck = Callable[[], None]
"""Called between validation batches; raises when the run must stop, so that a stop is felt at once."""


@dataclass(frozen=True)
class EpochReport:
    """What a trainer says at the end of an epoch.

    Attributes:
        metrics: fields of the ``epoch`` event, plain numbers.
        reports: further events, in order.
        genotype: cells of a search, None else.
        score: larger is better, decides about ``checkpoint-best.pt``: the accuracy on ``metrics["validation_split"]``,
            None where a retraining holds no images out.
    """

    metrics: dict[str, Any]
    reports: list[Report] = field(default_factory=list)
    genotype: Genotype | None = None
    score: float | None = None


class Trainer(Protocol):
    """One kind of training. All methods work on the device that it was made for."""

    epochs: int
    """Epochs to train; 0 for a search that trains nothing."""
    steps_per_epoch: int
    decisions: Mapping[str, Any]
    """What was decided for this machine and is taken up again by a resume; goes to ``decided`` in ``config.json``."""

    def facts(self) -> dict[str, Any]:
        """Fields of the ``started`` event."""

    def initial_report(self) -> EpochReport:
        """What can be said before the first step: the alphas and cells as drawn."""

    def check(self) -> None:
        """Try what would fail late: one validation batch. Changes nothing."""

    def step(self, step: int) -> int:
        """Do one training step, counted from 0 over all epochs; returns the images it saw."""

    def step_metrics(self) -> dict[str, float | None]:
        """Numbers of the newest step; reads back from the device, so the loop asks only when it logs."""

    def detail_reports(self) -> list[Report]:
        """Events that are logged about ten times an epoch (alphas, gradient norms)."""

    def end_epoch(self, epoch: int, stop_check: StopCheck) -> EpochReport:
        """Validate and sum up an epoch. May be called again for the same epoch after an interruption."""

    def final_reports(self, stop_check: StopCheck) -> list[Report]:
        """Events after the last epoch."""

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on, as tensors and plain values."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""

    def close(self) -> None:
        """Let go of processes that read ahead; called once, however a sitting ends."""


def stopping(batches: Iterable[Batch], stop_check: StopCheck) -> Iterator[Batch]:
    """The same batches, with a look before each whether the run must stop."""
    for batch in batches:
        stop_check()
        yield batch


def said_by_data(data: LoadedData, *streams: Stream) -> list[Report]:
    """What a person should know about the data (files left out, a batch cut to the set), as events."""
    sentences = [*data.messages, *(stream.message for stream in streams if stream.message is not None)]
    return [("message", {"text": sentence, "level": "info"}) for sentence in sentences]


def said_by_streams(*streams: Stream | None) -> list[Report]:
    """What streams met since the last time (images that cannot be decoded), as events; asked on all ranks at once."""
    sentences = [sentence for stream in streams if stream is not None for sentence in stream.news()]
    return [("message", {"text": sentence, "level": "warning"}) for sentence in sentences]


def refuse_small_shares(ranks: Ranks, *streams: Stream) -> None:
    """Refuse more processes than a joint batch can feed: batch norm can make nothing of one image.

    Raises:
        ConfigError: a stream's batches give a rank fewer than two images.
    """
    for stream in streams:
        images = stream.order.batch_size
        if ranks.size > 1 and images < 2 * ranks.size:
            fault = f"{images} images a step give each of {ranks.size} processes fewer than two."
            raise ConfigError([Fault("batch_size", fault, f"Use {2 * ranks.size} or more, or fewer processes.")])


def said_by_settings(config: RunConfig) -> list[Report]:
    """What a person should know about the settings, as events."""
    sentence = rate_for_another_batch(config)
    return [] if sentence is None else [("message", {"text": sentence, "level": "warning"})]
