"""A run rehearsed: its trainer takes a few real steps, and does once whatever it would do again and again.

Everything goes through the questions that the loop asks a trainer, so that all kinds of run are alike; only the end of a
supernet's epoch is put together from passes (``engine.bench.supernet_ends``).
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from engine.bench.memory_probe import resident_peak_bytes
from engine.bench.rehearsed import Rehearsed
from engine.bench.stand_in import stand_in
from engine.bench.supernet_ends import kept_images, said_of_predictor, supernet_ends
from engine.config import RetrainConfig, RunConfig, SearchConfig, SubnetConfig, TwoStageConfig
from engine.data import LoadedData
from engine.data.order import BatchOrder
from engine.retrain.trainer import RetrainTrainer
from engine.runs import Event, EventWriter
from engine.search.trainer import SearchTrainer
from engine.training.checkpoint import random_states, save_checkpoint
from engine.training.device import free_memory_bytes, wait_for
from engine.training.trainer import Trainer
from engine.two_stage.trainer import TwoStageTrainer

_LEAST_TIMED, _MOST_TIMED = 2, 300
_STEPS_A_BLOCK_OF_A_GPU = 5
"""Steps between two waits for a GPU: a wait after each would hide that the processor runs ahead."""
_SURE_AFTER, _SURE = 0.2, 0.01
"""After this share of the time a median that is known to this part of itself is known well enough."""
_LONG_STEP_SECONDS = 20.0
"""After a first step that long one more is enough."""
_WHOLE_PASS_SECONDS = 1.5
"""The end of an epoch or of a run is done whole where it takes no longer, else added up from its batches."""
_SUPERNET_EPOCH_BYTES = 4096
"""Of what is logged about the measured networks where none is measured."""
_PASSES_OF_THE_GAP, _RECALIBRATION_BATCHES = 3, 16
"""What a search does after its last epoch (``engine.search.gap``)."""


def rehearse(
    config: RunConfig, device: torch.device, *, seconds: float, decided: Mapping[str, Any] | None = None
) -> Rehearsed:
    """Rehearse a run in this process, which should be a fresh one: memory is that of all it ever did.

    Args:
        seconds: about how long the timed steps take; 0 takes only what shows the memory.
        decided: how the supernet is laid out where the settings leave it open; None decides here.

    Raises:
        NascopeError: settings that fit no network, data that cannot be used.
    """
    free_mib = (free_memory_bytes(device) + _held_bytes(device)) / 2**20
    torch.manual_seed(config.seed)
    images = stand_in(config, device)
    kept = [kept_images(config, images.data, device)] if isinstance(config, TwoStageConfig) else []
    held_mib = _held_bytes(device) / 2**20
    trainer = _trainer(config, images.data, device, decided)
    trainer.initial_report()
    trainer.check()
    start_seconds = time.time() - psutil.Process().create_time() + images.more_seconds
    with tempfile.TemporaryDirectory(prefix="nascope-forecast-") as folder:
        found = _Rehearsal(config, trainer, images.data, kept, device, Path(folder), seconds).run()
    said = said_of_predictor(config) if isinstance(config, TwoStageConfig) else ()
    return Rehearsed(
        epochs=trainer.epochs, steps_per_epoch=trainer.steps_per_epoch, images=_images(trainer),
        parameters=int(trainer.facts()["parameters"]), start_seconds=start_seconds, peak_mib=_peak_mib(device), free_mib=free_mib,
        held_mib=held_mib, decisions=dict(trainer.decisions), messages=(*images.messages, *said), **found,
    )  # fmt: skip


class _Rehearsal:
    """Steps, then everything that comes between and after them."""

    def __init__(
        self, config: RunConfig, trainer: Trainer, data: LoadedData, kept: list[Tensor], device: torch.device, folder: Path, seconds: float
    ) -> None:  # fmt: skip
        self._config = config
        self._trainer = trainer
        self._data = data
        self._kept = kept
        self._device = device
        self._folder = folder
        self._seconds = seconds
        self._per_epoch = trainer.steps_per_epoch
        self._warmup = config.warmup_epochs * self._per_epoch if isinstance(config, SearchConfig) else 0
        # In the middle of the run: drop path grows from nothing, and is nothing in the first epoch.
        self._whole = self._per_epoch * max(self._warmup // self._per_epoch, trainer.epochs // 2)
        self._writer = EventWriter(folder / "events.jsonl")
        self._bytes = 0
        self._first_seconds = 0.0

    def run(self) -> dict[str, Any]:
        try:
            step_seconds, last_seconds, timed = self._whole_steps()
            weights_seconds = self._weights_steps(step_seconds) if self._warmup else 0.0
            step_bytes = self._bytes
            detail_seconds, detail_bytes = self._details()
            checkpoint_seconds, checkpoint_bytes = self._checkpoint()
            batches, batch_seconds = self._validation_batches()
            end_seconds, end_bytes = self._epoch_end(batches, batch_seconds)
            final_seconds = self._final(batches, batch_seconds)
        finally:
            self._writer.close()
        return {
            "first_step_seconds": self._first_seconds, "warmup_steps": min(self._warmup, self._trainer.epochs * self._per_epoch), "step_seconds": step_seconds,
            "last_step_seconds": last_seconds, "timed_steps": timed, "weights_step_seconds": weights_seconds,
            "detail_seconds": detail_seconds, "checkpoint_seconds": checkpoint_seconds, "checkpoint_bytes": checkpoint_bytes,
            "validation_batches": batches, "validation_batch_seconds": batch_seconds, "epoch_end_seconds": end_seconds,
            "final_seconds": final_seconds, "step_event_bytes": step_bytes, "epoch_event_bytes": end_bytes + 10 * detail_bytes,
        }  # fmt: skip

    # -- steps ----------------------------------------------------------------------------------------------------

    def _whole_steps(self) -> tuple[float, float, int]:
        """Median of full steps, median of an epoch's last ones, and how many were timed."""
        has_full = self._per_epoch > 1
        full = self._times(lambda number: self._whole + number % max(1, self._per_epoch - 1), self._seconds)
        if not has_full:
            return statistics.median(full), statistics.median(full), len(full)
        # The last batch of an epoch may be smaller; with many steps it counts for nothing.
        if self._per_epoch > 50 or self._seconds == 0:
            return statistics.median(full), statistics.median(full), len(full)
        last = self._times(lambda number: self._whole + self._per_epoch - 1, self._seconds / 4)
        return statistics.median(full), statistics.median(last), len(full)

    def _weights_steps(self, whole_seconds: float) -> float:
        if self._seconds == 0:
            return whole_seconds
        return statistics.median(self._times(lambda number: number % max(1, self._per_epoch - 1), self._seconds / 3))

    def _times(self, place: Callable[[int], int], seconds: float) -> list[float]:
        """Seconds a step of several blocks of steps, after a warm-up."""
        first = self._block(place, 0, 1)
        self._first_seconds = self._first_seconds or first
        if seconds == 0:
            return [first, self._block(place, 1, 1)]
        if first < _LONG_STEP_SECONDS / 10:
            first = self._block(place, 1, 1)
        size = _STEPS_A_BLOCK_OF_A_GPU if self._device.type == "cuda" else 1
        least = 1 if first > _LONG_STEP_SECONDS else _LEAST_TIMED
        times: list[float] = []
        until = time.perf_counter() + seconds
        enough = until - (1 - _SURE_AFTER) * seconds
        while len(times) < least or (time.perf_counter() < until and len(times) < _MOST_TIMED):
            times.append(self._block(place, 2 + len(times) * size, size))
            if time.perf_counter() > enough and median_error(times) < _SURE:
                break
        return times

    def _block(self, place: Callable[[int], int], first: int, size: int) -> float:
        """Steps as the loop takes and logs them."""
        wait_for(self._device)
        begin = time.perf_counter()
        for number in range(first, first + size):
            step = place(number)
            self._trainer.step(step)
            if number == first:
                self._bytes = self._log(
                    "step",
                    {
                        **self._trainer.step_metrics(),
                        "images_per_second": 0.123456789012,
                        "step_seconds": 0.123456789012,
                    },
                )
        wait_for(self._device)
        return (time.perf_counter() - begin) / size

    # -- between steps --------------------------------------------------------------------------------------------

    def _details(self) -> tuple[float, int]:
        begin = time.perf_counter()
        size = sum(self._log(kind, fields) for kind, fields in self._trainer.detail_reports())
        return time.perf_counter() - begin, size

    def _checkpoint(self) -> tuple[float, int]:
        path = self._folder / "checkpoint.pt"
        begin = time.perf_counter()
        self._writer.sync()
        save_checkpoint(path, {"trainer": self._trainer.state_dict(), "random": random_states()})
        return time.perf_counter() - begin, path.stat().st_size

    def _validation_batches(self) -> tuple[int, float]:
        """How many an epoch's end has, and the seconds of one."""
        facts = self._trainer.facts()
        split = facts["validation_split"]
        if split is None:
            return 0, 0.0
        order = BatchOrder(int(facts["splits"][split]), self._config.batch_size, 0, split, shuffle=False)
        times: list[float] = []
        until = time.perf_counter() + self._seconds / 8
        while len(times) < 1 or (time.perf_counter() < until and len(times) < 20):
            begin = time.perf_counter()
            self._trainer.check()
            wait_for(self._device)
            times.append(time.perf_counter() - begin)
        # Images, not batches: the last batch may be a small one.
        return order.steps_per_epoch, statistics.median(times) * order.count / (
            order.steps_per_epoch * order.batch_size
        )

    def _epoch_end(self, batches: int, batch_seconds: float) -> tuple[float, int]:
        if isinstance(self._trainer, TwoStageTrainer):
            return self._supernet_epoch_end(self._trainer)
        if batches * batch_seconds > _WHOLE_PASS_SECONDS:
            return batches * batch_seconds, 0
        return self._whole_epoch_end(self._trainer.epochs // 2)

    def _whole_epoch_end(self, epoch: int) -> tuple[float, int]:
        begin = time.perf_counter()
        report = self._trainer.end_epoch(epoch, lambda: None)
        size = sum(self._log(kind, fields) for kind, fields in [*report.reports, ("epoch", report.metrics)])
        return time.perf_counter() - begin, size

    def _supernet_epoch_end(self, trainer: TwoStageTrainer) -> tuple[float, int]:
        """Whole where it takes no longer than the steps that are timed: it also shows the memory."""
        assert isinstance(self._config, TwoStageConfig)
        ends = supernet_ends(trainer, self._config, self._data, self._device, tries=3 if self._seconds else 1)
        if ends.reading_seconds + ends.epoch_seconds > self._seconds:
            return ends.seconds_an_epoch(trainer.epochs), _SUPERNET_EPOCH_BYTES
        self._kept.clear()  # The trainer reads its own now.
        # The last epoch: no predictor is fitted after it. The first time reads the images.
        _, size = self._whole_epoch_end(trainer.epochs - 1)
        seconds, _ = self._whole_epoch_end(trainer.epochs - 1)
        return dataclasses.replace(ends, epoch_seconds=seconds).seconds_an_epoch(trainer.epochs), size

    def _final(self, batches: int, batch_seconds: float) -> float:
        if not isinstance(self._config, SearchConfig):
            return 0.0
        wanted = (_PASSES_OF_THE_GAP * batches + min(_RECALIBRATION_BATCHES, self._per_epoch)) * batch_seconds
        if wanted > _WHOLE_PASS_SECONDS or self._seconds == 0:
            return wanted
        begin = time.perf_counter()
        self._trainer.final_reports(lambda: None)
        return time.perf_counter() - begin

    def _log(self, kind: str, fields: Mapping[str, Any]) -> int:
        """Write an event; returns its bytes."""
        event = Event(time.time(), self._whole, self._whole // self._per_epoch, kind, fields)
        self._writer.write(event)
        return len(json.dumps(dict(fields))) + len(kind) + 60


def median_error(times: Sequence[float]) -> float:
    """Standard error of the median over the median, from the quartiles; infinite for fewer than eight values.

    Source: for normal values the deviation is 0.741 of the distance of the quartiles, the median's error 1.253 of it / sqrt(n).
    """
    if len(times) < 8:
        return math.inf
    first, middle, third = statistics.quantiles(times, n=4)
    return 1.253 * 0.741 * (third - first) / math.sqrt(len(times)) / middle


def _trainer(
    config: RunConfig, data: LoadedData, device: torch.device, decided: Mapping[str, Any] | None
) -> Trainer:  # fmt: skip
    if isinstance(config, SearchConfig):
        return SearchTrainer(config, data, device, decided)
    if isinstance(config, TwoStageConfig):
        return TwoStageTrainer(config, data, device, decided)
    assert isinstance(config, RetrainConfig | SubnetConfig)
    return RetrainTrainer(config, data, device, decided)


def _images(trainer: Trainer) -> int:
    splits = trainer.facts()["splits"]
    return int(splits.get("weights", splits.get("train")))


def _held_bytes(device: torch.device) -> int:
    """What this process holds of the memory in question."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def _peak_mib(device: torch.device) -> float | None:
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 2**20
    return resident_peak_bytes() / 2**20 if device.type == "cpu" else None
