"""What a forecast says, as plain numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.report.formats import size_text, two_units_text


@dataclass(frozen=True)
class Forecast:
    """What a run would take on this device.

    Attributes:
        peak_memory_mib: most memory that the run would hold at once: the whole process on a processor, as its own
            system counts it; what torch's allocator hands out on a GPU. None on a device that tells neither.
        hours: from the command to the end of the run.
        largest_batch_size: that fits into ``share`` of the free memory, and holds no more images than there are.
        learning_rate: that matches ``largest_batch_size`` by the linear scaling rule (Goyal et al. 2017).
        batch_size: that was asked for.
        seconds_per_step: of whole steps.
        weights_seconds_per_step: of the steps of warm-up epochs; None where there are none.
        steps, epochs, steps_per_epoch: of the whole run.
        images: that train the weights.
        device, device_title: as ``--device`` takes it, and in words.
        free_memory_mib: that the run might take, now.
        fits: whether the peak stays within ``share`` of it.
        disk_mib: that the run's folder grows to.
        hours_by_part: ``start``, ``warmup_steps``, ``steps``, ``validation``, ``checkpoints``, ``end``; they add up to ``hours``.
        decisions: how the supernet is laid out where the settings leave it open.
        messages: sentences that a person should read.
    """

    peak_memory_mib: float | None
    hours: float
    largest_batch_size: int | None
    learning_rate: float | None
    batch_size: int
    seconds_per_step: float | None
    weights_seconds_per_step: float | None
    steps: int
    epochs: int
    steps_per_epoch: int
    images: int
    parameters: int
    device: str
    device_title: str
    free_memory_mib: float
    fits: bool | None
    disk_mib: float
    timed_steps: int
    hours_by_part: Mapping[str, float] = field(default_factory=dict)
    decisions: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As ``--forecast --json`` prints it."""
        return asdict(self) | {"messages": list(self.messages)}

    def in_words(self) -> str:
        """«about 3 h 20 min, 5.1 GiB of 8.0 GiB, fits; largest batch 96 (learning rate 0.0375)»."""
        parts = [f"about {two_units_text(self.hours * 3600)}"]
        if self.peak_memory_mib is not None:
            free = size_text(self.free_memory_mib)
            parts.append(f"{size_text(self.peak_memory_mib)} of {free}, {'fits' if self.fits else 'does not fit'}")
        sentence = ", ".join(parts)
        if self.largest_batch_size is not None:
            sentence += f"; largest batch {self.largest_batch_size} (learning rate {self.learning_rate:g})"
        return sentence
