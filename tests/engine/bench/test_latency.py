"""Measuring a pass: what is measured is what is said, on a device that is told to be slow."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from engine.bench import latency
from engine.bench.latency import measure_latency
from engine.errors import ConfigError

CPU = torch.device("cpu")


class Slow(nn.Module):
    """Takes two milliseconds an image, in eval mode and without gradients alone."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[tuple[int, ...]] = set()
        self.passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert not self.training
        assert not torch.is_grad_enabled()
        self.shapes.add(tuple(x.shape))
        self.passes += 1
        time.sleep(0.002 * len(x))
        return x


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch):
    monkeypatch.setattr(latency, "WARM_UP_SECONDS", 0.0)


def test_the_median_is_the_time_of_a_pass():
    network = Slow()

    one, four = measure_latency(network, (3, 8, 8), (1, 4), CPU, timing_seconds=0.1)

    assert network.shapes == {(1, 3, 8, 8), (4, 3, 8, 8)}
    assert 2.0 <= one.median_ms < 20.0
    assert 8.0 <= four.median_ms < 80.0
    for row in (one, four):
        assert row.lower_quartile_ms <= row.median_ms <= row.upper_quartile_ms
        assert row.images_per_second == pytest.approx(1000 * row.batch_size / row.median_ms)
        assert row.peak_memory_mib is None
    assert network.passes == one.passes + four.passes + 6  # three passes of each size warm up


def test_a_slow_pass_is_timed_a_few_times_and_a_fast_one_not_for_ever():
    few = measure_latency(Slow(), (1, 2, 2), (1,), CPU, timing_seconds=0.001)[0]
    many = measure_latency(nn.Identity(), (1, 2, 2), (1,), CPU, timing_seconds=1000.0)[0]

    assert few.passes == 5
    assert many.passes == 1000


def test_random_state_is_left_alone():
    before = torch.random.get_rng_state()

    measure_latency(nn.Identity(), (1, 2, 2), (1,), CPU, timing_seconds=0.001)

    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_batch_that_does_not_fit_is_said_in_words():
    class Full(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > 1:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
            return x

    with pytest.raises(ConfigError, match="512 images at once do not fit"):
        measure_latency(Full(), (1, 2, 2), (1, 512), CPU, timing_seconds=0.001)


def test_another_failure_is_not_called_a_lack_of_memory():
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        measure_latency(Broken(), (1, 2, 2), (1,), CPU)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_by_its_own_events():
    found = measure_latency(nn.Conv2d(3, 8, 3), (3, 32, 32), (1, 8), torch.device("cuda"), timing_seconds=0.1)

    assert all(row.median_ms > 0 and (row.peak_memory_mib or 0) > 0 for row in found)
