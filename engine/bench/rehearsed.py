"""What a rehearsal counted and measured; no torch, so that it can be read anywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rehearsed:
    """What was counted and measured.

    Attributes:
        start_seconds: from the start of the process to the first step, reading the data included.
        weights_step_seconds: of a step of the warm-up epochs, which leave the alphas alone; 0 where there are none.
        first_step_seconds: of the very first step, which warms up, and compiles where that is wanted.
        step_seconds: median of whole steps with a full batch.
        last_step_seconds: of the last step of an epoch, whose batch may be smaller.
        validation_batch_seconds, validation_batches: forward passes at the end of an epoch.
        epoch_end_seconds: validation, diagnoses and what is told at the end of an epoch.
        detail_seconds: of what is told about ten times an epoch.
        checkpoint_seconds, checkpoint_bytes: of writing one, on the disk of temporary files.
        final_seconds: after the last epoch.
        step_event_bytes, epoch_event_bytes: what the log grows by.
        images: that train the weights.
        peak_mib: of the whole process on a processor, of torch's allocator on a GPU, since the process began.
        free_mib: what the process might take in all, as of its start.
        held_mib: how much of the peak was there before the network: program, libraries, images.
    """

    epochs: int
    steps_per_epoch: int
    warmup_steps: int
    images: int
    parameters: int
    start_seconds: float
    weights_step_seconds: float
    first_step_seconds: float
    step_seconds: float
    last_step_seconds: float
    timed_steps: int
    validation_batches: int
    validation_batch_seconds: float
    epoch_end_seconds: float
    detail_seconds: float
    checkpoint_seconds: float
    checkpoint_bytes: int
    final_seconds: float
    step_event_bytes: int
    epoch_event_bytes: int
    peak_mib: float | None
    free_mib: float
    held_mib: float
    decisions: dict[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Every attribute by its name."""
        return asdict(self)
