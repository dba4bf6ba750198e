"""How long the blocks of a space take on this device: each distinct block is timed once, sums screen many networks.

Source of the idea: once-for-all (Cai et al. 2020), its latency tables. Blocks are timed alone, so a sum is a rank more than
a time; ``engine.two_stage.selection.latency_front`` fits it to whole networks.
"""

from __future__ import annotations

import math
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.networks.mbconv import MBConv, block_shapes
from engine.networks.subnet import Head, SubnetNetwork, prepare_images
from engine.runs.files import read_json, write_json
from engine.subnets import Architecture
from engine.training.device import wait_for

_SECONDS = 0.02
_LEAST_PASSES, _MOST_PASSES = 5, 200


class LatencyTable:
    """Times of blocks in milliseconds, for one image in float32; filled as networks are asked about.

    Args:
        folder: of the run; the table is kept there as ``latency-DEVICE.json``.
        device_name: as ``describe_device``; times of another device are not looked at.
        image_side: of the images that networks are given, and resize.
    """

    def __init__(
        self, folder: Path, device: torch.device, device_name: str, *, image_channels: int, image_side: int, channels_last: bool
    ) -> None:  # fmt: skip
        self._device = device
        self._channels_last = channels_last
        self._image = (image_channels, image_side)
        self._head = {"device": device_name, "channels_last": channels_last, "torch": torch.__version__}
        slug = re.sub(r"[^a-z0-9]+", "-", device_name.lower()).strip("-")[:60]
        self.path = folder / f"latency-{slug}.json"
        self._times: dict[str, float] = {}
        document = read_json(self.path)
        if isinstance(document, dict) and all(document.get(key) == value for key, value in self._head.items()):
            times = document.get("milliseconds")
            for key, value in times.items() if isinstance(times, dict) else ():
                if isinstance(value, int | float) and math.isfinite(value) and value > 0:
                    self._times[key] = float(value)
        self.timed_now = 0

    def milliseconds(self, architecture: Architecture) -> float:
        """Sum over the parts of a network."""
        return sum(self._part(key, architecture, part) for key, part in _parts(architecture, *self._image))

    def save(self) -> None:
        """Write the table into the run's folder.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        write_json(self.path, {**self._head, "milliseconds": self._times})

    def _part(self, key: str, architecture: Architecture, part: _Part) -> float:
        if key not in self._times:
            module, shape = part.make(architecture)
            module = module.to(self._device).eval()
            images = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).to(self._device)
            if self._channels_last:
                module = module.to(memory_format=torch.channels_last)
                images = images.contiguous(memory_format=torch.channels_last)
            self._times[key] = _milliseconds(module, images, self._device)
            self.timed_now += 1
        return self._times[key]


class _Part:
    """A part of a network before it is built: stem, block or head."""

    def __init__(self, kind: str, stage: int, block: int, shape: tuple[int, int, int]) -> None:
        self.kind = kind
        self.stage = stage
        self.block = block
        self.shape = shape

    def make(self, architecture: Architecture) -> tuple[nn.Module, tuple[int, int, int]]:
        """The module and its input's (C, H, W)."""
        if self.kind == "stem":
            return _Opening(architecture), self.shape
        if self.kind == "head":
            closing = nn.Sequential(Head(architecture), nn.Linear(architecture.width[-1], architecture.space.classes))
            return closing, self.shape
        return MBConv(block_shapes(architecture)[self.stage][self.block]), self.shape


class _Opening(nn.Module):
    """Resizing and stem: (N, C, H, W) to (N, D, R / stride, R / stride)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.stem = SubnetNetwork(architecture).stem

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.stem(prepare_images(images, self.architecture))
        return found


def _parts(architecture: Architecture, image_channels: int, image_side: int) -> Iterator[tuple[str, _Part]]:
    """Every part with a key that tells it from all parts that take another time."""
    space, side = architecture.space, architecture.resolution
    key = f"stem {image_channels}x{image_side} r{side} w{architecture.width[0]} s{space.first_stride}"
    yield key, _Part("stem", 0, 0, (image_channels, image_side, image_side))
    side = -(-side // space.first_stride)
    for stage, shapes in enumerate(block_shapes(architecture)):
        for block, shape in enumerate(shapes):
            key = (
                f"block {shape.channels_in}-{shape.channels_inner}-{shape.channels_out} k{shape.kernel_size} s{shape.stride} "
                f"se{shape.channels_squeezed} e{int(shape.expands)} side{side}"
            )
            yield key, _Part("block", stage, block, (shape.channels_in, side, side))
            side = -(-side // shape.stride)
    expansion = space.head_expansion if space.head == "v3" else 0
    key = f"head {space.head} x{expansion} {architecture.width[-2]}-{architecture.width[-1]}-{space.classes} side{side}"
    yield key, _Part("head", 0, 0, (architecture.width[-2], side, side))


@torch.inference_mode()
def _milliseconds(module: nn.Module, images: Tensor, device: torch.device) -> float:
    """Median of a pass."""

    def once() -> float:
        wait_for(device)
        begin = time.perf_counter()
        module(images)
        wait_for(device)
        return time.perf_counter() - begin

    for _ in range(2):
        last = once()
    passes = max(_LEAST_PASSES, min(_MOST_PASSES, round(_SECONDS / max(last, 1e-6))))
    return 1000.0 * statistics.median(once() for _ in range(passes))
