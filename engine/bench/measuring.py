"""Measuring a search step: memory first, then the clock, then where the time goes."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator

import torch

from engine.bench.images import DataShape, random_data
from engine.bench.memory import DevicePeak, OutOfMemoryError, Peak, ProbeError, out_of_memory, peak_in_fresh_process
from engine.bench.operations import count_operations
from engine.bench.result import BenchResult, SupernetMeasures
from engine.bench.shares import time_shares
from engine.bench.subject import Subject
from engine.config import SearchConfig
from engine.data import LoadedData
from engine.errors import ConfigError, Fault
from engine.training.device import default_threads, describe_device
from engine.training.facts import versions
from engine.training.failure import is_out_of_memory

TIMING_SECONDS = 10.0
"""About how long the timed steps take together; one round of them is taken however long it lasts."""

_MOST_ROUNDS = 200
_TEXTBOOK = {
    "supernet": "reference", "activation_checkpointing": "off", "memory_format": "contiguous", "cuda_graphs": False,
}  # fmt: skip
"""What makes a search the one of the papers' public code, in the number format that was asked for."""

_SETTINGS = (
    "method", "data", "order", "channels", "layers", "nodes", "batch_size", "space", "partial_channels", "edge_normalization",
    "second_order", "precision", "supernet", "activation_checkpointing", "memory_format", "cuda_graphs",
)  # fmt: skip

Listener = Callable[[str], None]
"""Hears what is being measured, as a sentence."""


def measure(
    config: SearchConfig,
    shape: DataShape,
    device: torch.device,
    *,
    steps: int | None = None,
    with_reference: bool = True,
    listener: Listener = lambda sentence: None,
) -> BenchResult:
    """What a step of a search with these settings costs on this device, beside the textbook supernet.

    The steps are those of the trainer that a search runs, on random images in full batches. Both supernets take them
    in turn in one process, so that a change in the machine's load meets both alike. Peak memory on a processor is
    measured in a fresh process for each. Threads and random state of this process are left as they were.

    Args:
        shape: of the images (``shape_of_data``).
        steps: how many steps of each kind are timed; None takes as many as fit into about ``TIMING_SECONDS``.
        with_reference: whether to measure the textbook supernet too; there is no need where the settings name it.

    Raises:
        ConfigError: a random search, which takes no steps, or settings that fit no network.
        GenotypeError: a primitive that cannot be built.
        OutOfMemoryError: the step does not fit. (Where only the textbook's does not, the result says so.)
    """
    if config.order == 0:
        raise ConfigError(
            [Fault("method", "a random search draws its cell and trains nothing: there is no step to measure.", "Name another method.")]
        )  # fmt: skip
    wanted = [config]
    if with_reference and config.supernet != "reference":
        wanted.append(config.model_copy(update=_TEXTBOOK))
    with _threads(config.threads or default_threads()) as threads, _random_state(device):
        bench = _Bench(shape, device, threads, listener)
        bench.prepare(wanted)
        bench.time(steps)
        measured, *others = bench.measures()
        listener("Looking where the time goes")
        return BenchResult(
            device=str(device), device_title=describe_device(device), threads=threads, versions=versions(),
            settings={name: getattr(config, name) for name in _SETTINGS}, images=shape,
            measured=measured, reference=others[0] if others else None, time_shares=bench.time_shares(),
            messages=tuple(bench.messages),
        )  # fmt: skip


class _Entry:
    """A supernet and what was found of it so far."""

    def __init__(self, config: SearchConfig, data: LoadedData, device: torch.device, peak: Peak) -> None:
        self.supernet: str = config.supernet
        on_cuda = DevicePeak(device) if device.type == "cuda" else None
        self.subject = Subject(config, data, device, peak.decisions)
        if on_cuda is not None:
            on_cuda.forget()
        # The first step also makes what optimizers keep, so that the counted one is like all that follow.
        self.images = self.subject.whole_step()
        self.peak_memory_mib = peak.mib if on_cuda is None else on_cuda.mib()
        # A recorded step runs its operations unseen.
        self.unrecorded = self.subject
        if config.cuda_graphs and on_cuda is not None:
            self.unrecorded = Subject(
                config.model_copy(update={"cuda_graphs": False}), data, device, self.subject.decisions
            )
            self.unrecorded.whole_step()
        self.operations = count_operations(self.unrecorded.whole_step)
        self.step_seconds: list[float] = []
        self.weights_step_seconds: list[float] = []

    def measures(self) -> SupernetMeasures:
        return SupernetMeasures(
            supernet=self.supernet, parameters=self.subject.parameters, images_per_step=self.images,
            timed_steps=len(self.step_seconds), step_seconds=statistics.median(self.step_seconds),
            weights_step_seconds=statistics.median(self.weights_step_seconds), operations_per_step=self.operations,
            peak_memory_mib=self.peak_memory_mib, decisions=self.subject.decisions,
        )  # fmt: skip


class _Bench:
    """The measured supernet first, the textbook's second."""

    def __init__(self, shape: DataShape, device: torch.device, threads: int, listener: Listener) -> None:
        self.messages: list[str] = []
        self._shape, self._device, self._threads, self._listener = shape, device, threads, listener
        self._entries: list[_Entry] = []

    def prepare(self, configs: list[SearchConfig]) -> None:
        """Build the supernets, warm them up and count; the second one may not fit."""
        # All fresh processes before any step in this one: it would hold memory that they need.
        fitting: list[tuple[SearchConfig, Peak]] = []
        for place, config in enumerate(configs):
            with self._may_not_fit(config, allowed=place > 0):
                fitting.append((config, self._peak_on_processor(config)))
        data = random_data(configs[0], self._shape, self._device)
        for place, (config, peak) in enumerate(fitting):
            with self._may_not_fit(config, allowed=place > 0):
                self._listener(f"Warming up the {config.supernet} supernet")
                self._entries.append(_Entry(config, data, self._device, peak))

    def time(self, steps: int | None) -> None:
        """Take timed steps in rounds, each round in the other order than the one before."""
        self._listener("Timing steps")
        self._round(forward=True)
        spent = sum(entry.step_seconds[0] + entry.weights_step_seconds[0] for entry in self._entries)
        rounds = steps if steps is not None else max(1, min(_MOST_ROUNDS, round(TIMING_SECONDS / spent)))
        for number in range(1, rounds):
            self._round(forward=number % 2 == 0)

    def measures(self) -> list[SupernetMeasures]:
        return [entry.measures() for entry in self._entries]

    def time_shares(self) -> dict[str, float] | None:
        shares = time_shares(self._entries[0].unrecorded.whole_step, self._device)
        if shares is None:
            self.messages.append(f"The time by kind of operation cannot be told on {self._device}.")
        return shares

    def _peak_on_processor(self, config: SearchConfig) -> Peak:
        if self._device.type != "cpu":
            return Peak(None)
        self._listener(f"Measuring the memory of the {config.supernet} supernet in a process of its own")
        try:
            return peak_in_fresh_process(config, self._shape, self._threads)
        except ProbeError as error:
            self.messages.append(f"The peak memory of the {config.supernet} supernet could not be measured: {error}.")
            return Peak(None)

    def _round(self, *, forward: bool) -> None:
        for entry in self._entries if forward else reversed(self._entries):
            entry.step_seconds.append(entry.subject.whole_step_seconds())
            entry.weights_step_seconds.append(entry.subject.weights_step_seconds())

    @contextlib.contextmanager
    def _may_not_fit(self, config: SearchConfig, *, allowed: bool) -> Iterator[None]:
        """Where memory runs out, say so in a message if that is allowed, else raise it in words."""
        try:
            yield
            return
        except OutOfMemoryError as error:
            found = error
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            found = out_of_memory(error, config)
        if not allowed:
            raise found
        self.messages.append(f"The {config.supernet} supernet does not fit, so nothing is compared. {found.what}")
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


@contextlib.contextmanager
def _threads(count: int) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield count
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _random_state(device: torch.device) -> Iterator[None]:
    """Put torch's random state back at the end."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
