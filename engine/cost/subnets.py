"""What a sub-network of a two-stage space costs, in closed form: multiply-adds, parameters, memory of a pass.

Counted as for cells (``engine/cost/layers.py``): one image, eval mode, convolutions and linear layers only. Parameters are
those that a pass uses: no 1x1 convolution stands in a shortcut between equal widths. The published code builds one there
all the same and prints its parameters with the rest.

Source: layers as in AttentiveNAS' modules (one choice of width, depth, kernel and expansion a stage).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from engine.cost.quantities import in_words
from engine.subnets.architecture import Architecture, biggest
from engine.subnets.space import Space

BYTES = 4
"""Of a number in float32."""


def rounded_to_8(channels: int) -> int:
    """The nearest multiple of 8, at least 8 and not below nine tenths of ``channels``."""
    found = max(8, (channels + 4) // 8 * 8)
    return found + 8 if 10 * found < 9 * channels else found


@dataclass(frozen=True)
class StageCost:
    """One part of a sub-network.

    Attributes:
        name: ``stem``, a stage's name, ``head`` (its 1x1 convolutions) or ``classifier``.
        macs: multiply-adds for one image.
        parameters: weights, scales, shifts and biases.
        side: of the output feature map, pixels; 1 behind the global pool.
        width: output channels.
        depth: blocks; 1 for parts that are no stage.
        kernel_size: of the depthwise convolutions, or of the part's own.
        expand_ratio: None for parts that are no stage.
        squeeze_excite: whether its blocks have squeeze-and-excitation.
    """

    name: str
    macs: int
    parameters: int
    side: int
    width: int
    depth: int
    kernel_size: int
    expand_ratio: int | None = None
    squeeze_excite: bool = False

    def as_json(self) -> dict[str, Any]:
        """As ``nascope cost --json`` prints it."""
        return {
            "name": self.name, "macs": self.macs, "parameters": self.parameters, "output_side": self.side, "width": self.width,
            "depth": self.depth, "kernel_size": self.kernel_size, "expand_ratio": self.expand_ratio,
            "squeeze_excite": self.squeeze_excite,
        }  # fmt: skip


@dataclass(frozen=True)
class SubnetCost:
    """A sub-network's cost, part by part.

    Attributes:
        architecture: whose it is; its space says how many classes.
        stages: from the stem to the classifier.
        memory_bytes: of a pass of one image in float32: weights, running statistics, and the feature maps that live at the
            same time where they are largest (``docs/cost.md`` has the rule).
    """

    architecture: Architecture
    stages: tuple[StageCost, ...]
    memory_bytes: int

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        return sum(stage.macs for stage in self.stages)

    @property
    def parameters(self) -> int:
        """Weights, scales, shifts and biases."""
        return sum(stage.parameters for stage in self.stages)

    def in_words(self) -> str:
        """``0.66 M multiply-adds · 34.7 k parameters · laptop``: what stands under its picture."""
        return f"{in_words(self.macs)} multiply-adds · {in_words(self.parameters)} parameters · {self.architecture.space.name}"

    def as_json(self) -> dict[str, Any]:
        """As ``nascope cost --json`` prints it; ``input`` is channels, height, width."""
        space, resolution = self.architecture.space, self.architecture.resolution
        return {
            "macs": self.macs, "parameters": self.parameters, "memory_bytes": self.memory_bytes,
            "input": [space.image_channels, resolution, resolution], "classes": space.classes, "key": self.architecture.key,
            "architecture": self.architecture.as_json(), "stages": [stage.as_json() for stage in self.stages],
        }  # fmt: skip


def subnet_cost(architecture: Architecture) -> SubnetCost:
    """The cost of every part of a sub-network."""
    space = architecture.space
    sums = list(_parts(architecture))
    names = ("stem", *(stage.name for stage in space.stages), "head", "classifier")
    widths = (*architecture.width, space.classes)
    depths = (1, *architecture.depth, 1, 1)
    kernels = (3, *architecture.kernel_size, 1, 1)
    expansions = (None, *architecture.expand_ratio, None, None)
    excited = (False, *(stage.squeeze_excite for stage in space.stages), False, False)
    stages = tuple(
        StageCost(name, part.macs, part.parameters, part.side, width, depth, kernel, expansion, squeeze)
        for name, part, width, depth, kernel, expansion, squeeze in zip(
            names, sums, widths, depths, kernels, expansions, excited, strict=True
        )
    )
    stored = sum(part.parameters + part.statistics for part in sums)
    return SubnetCost(architecture, stages, BYTES * (stored + max(part.live for part in sums)))


def subnet_macs(architecture: Architecture) -> int:
    """Multiply-adds for one image, and nothing else: quick enough to be asked for every network of a small space."""
    return sum(part.macs for part in _parts(architecture))


def supernet_parameters(space: Space) -> int:
    """Weights, scales, shifts and biases that are trained together: the biggest network's, and the shortcuts' others.

    Every block of a supernet has a 1x1 convolution in its shortcut, since networks of other widths may need it.
    """
    widest = biggest(space)
    unused = 0
    for place, depth in enumerate(widest.depth):
        channels, width = widest.width[place : place + 2]
        unused += (depth - 1) * width * width + (channels * width if channels == width else 0)
    return subnet_cost(widest).parameters + unused


class _Part(NamedTuple):
    """Sums over the layers of a part; ``statistics`` are running means and variances, ``live`` the most numbers in
    feature maps at one time, both in numbers, not bytes."""

    macs: int
    parameters: int
    statistics: int
    live: int
    side: int


def _parts(architecture: Architecture) -> Iterator[_Part]:
    space, width = architecture.space, architecture.width
    part = _stem(architecture.resolution, space.image_channels, width[0], space.first_stride)
    yield part
    for place, stage in enumerate(space.stages):
        part = _stage(
            width[place], width[place + 1], architecture.depth[place], architecture.kernel_size[place],
            architecture.expand_ratio[place], stage.stride, stage.squeeze_excite, part.side,
        )  # fmt: skip
        yield part
    middle = space.head_expansion * width[-2] if space.head == "v3" else None
    yield _head(width[-2], middle, width[-1], part.side)
    yield _classifier(width[-1], space.classes)


# The same stage is asked for again and again while a space is sampled. Only numbers are keys: cheap to hash.
@lru_cache(maxsize=2**16)
def _stage(
    channels: int, width: int, depth: int, kernel: int, expansion: int, stride: int, is_excited: bool, side: int
) -> _Part:
    opening = _block(channels, width, kernel, expansion, stride, is_excited, side)
    further = _block(width, width, kernel, expansion, 1, is_excited, opening.side)
    more = depth - 1
    return _Part(
        opening.macs + more * further.macs, opening.parameters + more * further.parameters,
        opening.statistics + more * further.statistics, max(opening.live, further.live) if more else opening.live, opening.side,
    )  # fmt: skip


def _block(channels: int, width: int, kernel: int, expansion: int, stride: int, is_excited: bool, side: int) -> _Part:
    """An MBConv block: 1x1 to the middle width, depthwise, squeeze-and-excitation, 1x1 to the width; and its shortcut."""
    side_out = -(-side // stride)
    before, after = side * side, side_out * side_out
    middle = channels if expansion == 1 else rounded_to_8(channels * expansion)
    squeezed = rounded_to_8(middle // 4)
    is_expanded, is_matched = expansion != 1, channels != width
    macs = middle * kernel * kernel * after + middle * width * after
    parameters = middle * kernel * kernel + 2 * middle + middle * width + 2 * width
    statistics = 2 * middle + 2 * width
    if is_expanded:
        macs += channels * middle * before
        parameters += channels * middle + 2 * middle
        statistics += 2 * middle
    if is_excited:
        macs += 2 * middle * squeezed
        parameters += 2 * middle * squeezed + squeezed + middle
    if is_matched:
        macs += channels * width * after
        parameters += channels * width
    # The block's input lives to the end, for the shortcut; without expansion it is the depthwise convolution's too.
    held = channels * before
    depthwise = held + (middle * before if is_expanded else 0) + middle * after
    projection = held + middle * after + width * after
    shortcut = held + width * after + (channels * after if stride > 1 else 0) + (width * after if is_matched else 0)
    return _Part(macs, parameters, statistics, max(depthwise, projection, shortcut), side_out)


@lru_cache(maxsize=2**12)
def _stem(resolution: int, image_channels: int, width: int, stride: int) -> _Part:
    side = -(-resolution // stride)
    weights = 9 * image_channels * width
    live = image_channels * resolution * resolution + width * side * side
    return _Part(weights * side * side, weights + 2 * width, 2 * width, live, side)


@lru_cache(maxsize=2**12)
def _head(channels: int, middle: int | None, width: int, side: int) -> _Part:
    """The head before its classifier; ``middle`` is the width before the pool, None where that is ``width`` itself."""
    pooled = width if middle is None else middle
    behind = 0 if middle is None else middle * width
    pixels = side * side
    return _Part(
        channels * pooled * pixels + behind, channels * pooled + 2 * pooled + behind, 2 * pooled, (channels + pooled) * pixels, 1
    )  # fmt: skip


@lru_cache(maxsize=2**12)
def _classifier(width: int, classes: int) -> _Part:
    return _Part(width * classes, width * classes + classes, 0, width + classes, 1)
