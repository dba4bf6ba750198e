"""How long a network takes for a batch on this machine, and the memory it takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.errors import ConfigError, Fault
from engine.training.device import memory_mib, wait_for
from engine.training.failure import is_out_of_memory

WARM_UP_SECONDS = 0.5
"""At least so long, and ``_WARM_UP_PASSES``, before the clock counts: caches, clocks and autotuners settle."""

TIMING_SECONDS = 3.0
"""About how long the timed passes of one batch size take together."""

_WARM_UP_PASSES = 3
_LEAST_PASSES, _MOST_PASSES = 5, 1000


@dataclass(frozen=True)
class Latency:
    """Of an inference pass in eval mode.

    Attributes:
        batch_size: images a pass.
        passes: how many were timed.
        median_ms, lower_quartile_ms, upper_quartile_ms: of a pass, in milliseconds.
        peak_memory_mib: of the device's own memory, weights included; None on a processor.
    """

    batch_size: int
    passes: int
    median_ms: float
    lower_quartile_ms: float
    upper_quartile_ms: float
    peak_memory_mib: float | None

    @property
    def images_per_second(self) -> float:
        """At the median."""
        return 1000.0 * self.batch_size / self.median_ms

    def as_json(self) -> dict[str, float | int | None]:
        """For ``nascope cost --latency --json``."""
        return {
            "batch_size": self.batch_size, "passes": self.passes, "median_ms": self.median_ms,
            "lower_quartile_ms": self.lower_quartile_ms, "upper_quartile_ms": self.upper_quartile_ms,
            "images_per_second": self.images_per_second, "peak_memory_mib": self.peak_memory_mib,
        }  # fmt: skip


def measure_latency(
    network: nn.Module,
    image_shape: Sequence[int],
    batch_sizes: Sequence[int],
    device: torch.device,
    *,
    timing_seconds: float | None = None,
) -> list[Latency]:
    """The time of a pass for each batch size, on random images that lie on the device already.

    float32, no gradients. The network is moved to the device and put into eval mode, and stays so.

    Args:
        image_shape: (channels, H, W).
        timing_seconds: about how long the timed passes of a batch size take together; None: ``TIMING_SECONDS``.

    Raises:
        ConfigError: a batch that does not fit into memory.
    """
    seconds = TIMING_SECONDS if timing_seconds is None else timing_seconds
    found = []
    for batch_size in batch_sizes:
        try:
            network.to(device).eval()
            found.append(_measure(network, (batch_size, *image_shape), device, seconds))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            fault = f"{batch_size} images at once do not fit into the memory of {device}."
            raise ConfigError([Fault("batch_size", fault, "Take a smaller --batch-size.")]) from error
    return found


@torch.inference_mode()
def _measure(network: nn.Module, shape: tuple[int, ...], device: torch.device, timing_seconds: float) -> Latency:
    images = torch.randn(*shape, generator=torch.Generator().manual_seed(0)).to(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    clock = _clock(network, images, device)
    begin, warm_up = time.perf_counter(), 0
    while warm_up < _WARM_UP_PASSES or time.perf_counter() - begin < WARM_UP_SECONDS:
        last = clock()
        warm_up += 1
    passes = max(_LEAST_PASSES, min(_MOST_PASSES, round(timing_seconds / last)))
    times = sorted(1000.0 * clock() for _ in range(passes))
    lower, median, upper = statistics.quantiles(times, n=4, method="inclusive")
    return Latency(shape[0], passes, median, lower, upper, memory_mib(device)[0])


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch leaves it untyped


def _clock(network: nn.Module, images: Tensor, device: torch.device) -> Callable[[], float]:
    """Seconds of one pass: by the device's own events on CUDA, else by the wall clock around a finished pass."""

    def by_events() -> float:
        begin, end = _event(), _event()
        begin.record()
        network(images)
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000.0

    def by_wall() -> float:
        wait_for(device)
        begin = time.perf_counter()
        network(images)
        wait_for(device)
        return time.perf_counter() - begin

    return by_events if device.type == "cuda" else by_wall
