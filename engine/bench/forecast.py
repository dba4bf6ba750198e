"""What a run will take, told before it starts by a few of its steps in a fresh process.

Time is added up from what was measured once: the steps of the warm-up epochs and whole ones, the validation at the end
of each epoch, checkpoints, the start. Memory is the peak of the rehearsing process, which is built like the run's own.
A second rehearsal with another batch size tells what an image takes, and so the largest batch that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from engine.bench.forecast_result import Forecast
from engine.bench.memory import OutOfMemoryError
from engine.bench.rehearsal_process import rehearse_in_child
from engine.bench.rehearsed import Rehearsed
from engine.config import RunConfig, SearchConfig
from engine.training.device import default_threads, describe_device, free_memory_bytes
from engine.training.loop import DETAILS_PER_EPOCH, STEP_EVENTS_PER_EPOCH

REHEARSAL_SECONDS = 10.0
"""About how long whole steps are timed."""
SHARE = {"cpu": 0.85, "cuda": 0.92}
"""Of the free memory that a batch may fill: other programs need some, an allocator loses some between its blocks."""

_TRIALS = 4
"""Of the largest batch on a GPU, each smaller than the one before by a tenth."""
_LARGEST_BATCH = 65_536
_SOON_SECONDS = 1.5
_SAVES_AN_EPOCH = 1.3
"""One at the end of each; where it is the best so far it is copied too."""
_START_OF_RANDOM_SECONDS = 5.0
_STRETCH = 8
"""Up to this many times the batch of the reference, the linear rule is used without a word."""

Listener = Callable[[str], None]
"""Hears what is being done, as a sentence."""
RehearseInChild = Callable[[RunConfig, float, Mapping[str, Any] | None], Rehearsed]


@dataclass(frozen=True)
class _Line:
    """Peak memory over the batch size, MiB."""

    fixed: float
    an_image: float

    def at(self, batch_size: int) -> float:
        return self.fixed + self.an_image * batch_size


def forecast(
    config: RunConfig, device: torch.device, *, reference: tuple[int, float] | None = None, seconds: float = REHEARSAL_SECONDS,
    listener: Listener = lambda sentence: None, rehearse: RehearseInChild = rehearse_in_child,
) -> Forecast:  # fmt: skip
    """Peak memory and hours of a run on this device, and the largest batch that would fit.

    Writes nothing that stays and downloads nothing. For a run in one process: several share the work.

    Args:
        reference: a batch size and the learning rate that belongs to it, the preset's say; None takes the run's own.
        seconds: about how long whole steps are timed.
        rehearse: does a rehearsal, given the configuration, the seconds (0: only what shows the memory) and the layout.

    Raises:
        NascopeError: settings that fit no network, data that cannot be used.
        OutOfMemoryError: not even two images fit.
        ForecastError: the rehearsing process died or hung.
    """
    config = config.model_copy(update={"device": str(device)})
    if isinstance(config, SearchConfig) and config.order == 0:
        return _nothing_to_train(config, device)
    asked = config.batch_size
    tried, found = _first_that_fits(config, seconds, rehearse, listener)
    messages = list(found.messages)
    if tried.batch_size != asked:
        messages.append(f"A batch of {asked} does not fit; the hours are those of batches of {tried.batch_size}.")
    room = SHARE.get(device.type, 0.8) * found.free_mib
    line, largest = _largest_batch(tried, found, room, rehearse, listener)
    if largest is not None and device.type == "cuda":
        largest = _tried(tried, largest, found, rehearse, listener)
    peak = found.peak_mib if tried.batch_size == asked or line is None else line.at(asked)
    pair = reference or (asked, config.learning_rate)
    if largest is not None and largest > _STRETCH * pair[0]:
        messages.append(
            f"{largest} is {largest / pair[0]:.0f} times the batch that the learning rate was made for: so far the linear rule is only a start."
        )
    parts = _hours_by_part(found, config.checkpoint_minutes)
    return Forecast(
        peak_memory_mib=peak, hours=sum(parts.values()), largest_batch_size=largest,
        learning_rate=None if largest is None else scaled_rate(pair, largest),
        batch_size=asked, seconds_per_step=found.step_seconds,
        weights_seconds_per_step=found.weights_step_seconds if found.warmup_steps else None,
        steps=found.epochs * found.steps_per_epoch, epochs=found.epochs, steps_per_epoch=found.steps_per_epoch, images=found.images,
        parameters=found.parameters, device=str(device), device_title=_title(config, device), free_memory_mib=found.free_mib,
        fits=None if peak is None else tried.batch_size == asked and peak <= room, disk_mib=_disk_mib(found),
        timed_steps=found.timed_steps, hours_by_part=parts, decisions=found.decisions, messages=tuple(messages),
    )  # fmt: skip


def scaled_rate(reference: tuple[int, float], batch_size: int) -> float:
    """The learning rate for another batch size, by the linear scaling rule, rounded to four digits.

    Source: Goyal et al. 2017, section 2.1: a batch k times as large takes a rate k times as large.
    """
    return float(f"{reference[1] * batch_size / reference[0]:.4g}")


def _first_that_fits(
    config: RunConfig, seconds: float, rehearse: RehearseInChild, listener: Listener
) -> tuple[RunConfig, Rehearsed]:
    """The rehearsal with the batch that was asked for, or with the first of its quarters that fits."""
    listener("Rehearsing some steps")
    while True:
        try:
            return config, rehearse(config, seconds, None)
        except OutOfMemoryError:
            if config.batch_size <= 2:
                raise
            config = config.model_copy(update={"batch_size": max(2, config.batch_size // 4)})
            listener(f"That does not fit. Rehearsing with batch_size={config.batch_size}")


def _largest_batch(
    config: RunConfig, found: Rehearsed, room_mib: float, rehearse: RehearseInChild, listener: Listener
) -> tuple[_Line | None, int | None]:
    """Memory over the batch size, and the largest batch that stays within the room."""
    if found.peak_mib is None:
        return None, None
    first = min(config.batch_size, found.images)
    second = _second_batch(first, found, room_mib)
    if second == first:
        return None, first if found.peak_mib <= room_mib else None
    listener("Measuring the memory of another batch size")
    try:
        other = rehearse(config.model_copy(update={"batch_size": second}), 0.0, found.decisions)
    except OutOfMemoryError:
        return None, first
    assert other.peak_mib is not None
    an_image = (other.peak_mib - found.peak_mib) / (second - first)
    if an_image <= 0:  # So small a network that the difference is noise.
        return None, found.images
    line = _Line(found.peak_mib - an_image * first, an_image)
    fitting = min((room_mib - line.fixed) / an_image, _LARGEST_BATCH)
    return line, found.images if fitting >= found.images else _rounded(fitting)


def _second_batch(first: int, found: Rehearsed, room_mib: float) -> int:
    """Another batch size that tells what an image takes: a larger one where it surely fits and is soon done."""
    assert found.peak_mib is not None
    grown = found.peak_mib - found.held_mib
    for times in (4, 2):
        larger = min(times * first, found.images)
        if larger > first and found.peak_mib + times * grown < room_mib and times * found.step_seconds < _SOON_SECONDS:
            return larger
    return max(2, first // 2)


def _tried(
    config: RunConfig, largest: int, found: Rehearsed, rehearse: RehearseInChild, listener: Listener
) -> int | None:
    """The largest batch that was seen to fit: a GPU's kernels may want more room for a larger batch than the line says."""
    for _ in range(_TRIALS):
        if largest <= config.batch_size:
            return config.batch_size
        listener(f"Trying batch_size={largest}")
        try:
            rehearse(config.model_copy(update={"batch_size": largest}), 0.0, found.decisions)
            return largest
        except OutOfMemoryError:
            largest = _rounded(largest * 0.9) or 2
    return config.batch_size


def _rounded(batch_size: float) -> int | None:
    """A multiple of 8 from 16 on, which GPUs like; None below 2."""
    whole = int(batch_size)
    if whole < 2:
        return None
    return whole - whole % 8 if whole >= 16 else whole


def _hours_by_part(found: Rehearsed, checkpoint_minutes: float) -> dict[str, float]:
    """Where the hours go, from what each thing takes once."""
    warmup_epochs = found.warmup_steps // found.steps_per_epoch
    epoch_seconds = (found.steps_per_epoch - 1) * found.step_seconds + found.last_step_seconds
    steps_seconds = (found.epochs - warmup_epochs) * epoch_seconds
    warmup_seconds = found.warmup_steps * found.weights_step_seconds
    within_epochs = (steps_seconds + warmup_seconds) / (60 * checkpoint_minutes)
    saves = 2 + found.epochs * _SAVES_AN_EPOCH + (within_epochs if epoch_seconds > 60 * checkpoint_minutes else 0)
    told = found.epochs * min(DETAILS_PER_EPOCH, found.steps_per_epoch) * found.detail_seconds
    seconds = {
        "start": found.start_seconds + max(0.0, found.first_step_seconds - found.step_seconds),
        "warmup_steps": warmup_seconds, "steps": steps_seconds,
        "validation": found.epochs * found.epoch_end_seconds + told, "checkpoints": saves * found.checkpoint_seconds,
        "end": found.final_seconds,
    }  # fmt: skip
    return {name: value / 3600 for name, value in seconds.items()}


def _disk_mib(found: Rehearsed) -> float:
    """Last, best and half-written checkpoint, and the log."""
    an_epoch = min(STEP_EVENTS_PER_EPOCH, found.steps_per_epoch) * found.step_event_bytes + found.epoch_event_bytes
    return (3 * found.checkpoint_bytes + found.epochs * an_epoch) / 2**20


def _nothing_to_train(config: RunConfig, device: torch.device) -> Forecast:
    """A random search draws its cell at once."""
    return Forecast(
        peak_memory_mib=None, hours=_START_OF_RANDOM_SECONDS / 3600, largest_batch_size=None, learning_rate=None,
        batch_size=config.batch_size, seconds_per_step=None, weights_seconds_per_step=None, steps=0, epochs=0, steps_per_epoch=0,
        images=0, parameters=0, device=str(device), device_title=_title(config, device),
        free_memory_mib=free_memory_bytes(device) / 2**20, fits=True, disk_mib=0.1, timed_steps=0,
        messages=("A random search draws its cell and trains nothing.",),
    )  # fmt: skip


def _title(config: RunConfig, device: torch.device) -> str:
    """The device in words, with the threads that the run would have."""
    if device.type != "cpu":
        return describe_device(device)
    threads = config.threads or default_threads()
    return f"cpu, {threads} thread{'s' * (threads != 1)}"
