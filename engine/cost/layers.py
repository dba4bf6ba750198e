"""What one layer costs: weights, multiply-adds, and the element-wise work that some counters add.

The convention, everywhere: one image, eval mode. A convolution takes output elements · kernel height · kernel width ·
input channels / groups multiply-adds, a linear layer inputs · outputs. Biases, batch norms, ReLUs, pools and sums take none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import ConfigError, Fault


@dataclass(frozen=True)
class Cost:
    """Of a layer, an operation, a cell or a network; costs add up.

    Attributes:
        parameters: weights, scales, shifts and biases.
        macs: multiply-adds for one image.
        elementwise: 2 for each output element of a batch norm and 1 for each of a ReLU: what some published numbers
            count on top of ``macs``.
    """

    parameters: int = 0
    macs: int = 0
    elementwise: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs, self.elementwise + other.elementwise)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.parameters * times, self.macs * times, self.elementwise * times)

    @property
    def macs_with_elementwise(self) -> int:
        """Multiply-adds by the convention that counts batch norms and ReLUs too."""
        return self.macs + self.elementwise


FREE = Cost()
"""What costs nothing: identities, zeros, bare pools."""


def total(costs: Iterable[Cost]) -> Cost:
    """All of them together."""
    return sum(costs, FREE)


def halved(side: int) -> int:
    """Side in pixels behind a stride of 2: ⌈side / 2⌉, since every layer of stride 2 here pads so."""
    return (side + 1) // 2


def strided(side: int, stride: int) -> int:
    """Side in pixels behind a stride of 1 or 2."""
    return halved(side) if stride == 2 else side


def convolution(
    channels_in: int,
    channels_out: int,
    kernel: tuple[int, int],
    pixels: int,
    *,
    groups: int = 1,
    affine: bool | None = None,
) -> Cost:
    """A convolution without bias, and the batch norm behind it.

    Args:
        pixels: of the output image.
        affine: whether the batch norm has a scale and a shift; None: no batch norm follows.
    """
    weights = channels_out * kernel[0] * kernel[1] * channels_in // groups
    found = Cost(weights, weights * pixels)
    return found if affine is None else found + batch_norm(channels_out, pixels, affine=affine)


def batch_norm(channels: int, pixels: int, *, affine: bool) -> Cost:
    """A batch norm over images of this many pixels."""
    return Cost(2 * channels if affine else 0, 0, 2 * channels * pixels)


def relu(channels: int, pixels: int) -> Cost:
    """A ReLU."""
    return Cost(elementwise=channels * pixels)


def linear(features: int, classes: int) -> Cost:
    """A linear layer with bias."""
    return Cost(features * classes + classes, features * classes)


def relu_conv_bn(channels_in: int, channels_out: int, side: int, *, affine: bool) -> Cost:
    """ReLU, 1×1 convolution, batch norm: fits a cell's input to its channels."""
    pixels = side * side
    return relu(channels_in, pixels) + convolution(channels_in, channels_out, (1, 1), pixels, affine=affine)


def factorized_reduce(channels_in: int, channels_out: int, side: int, *, affine: bool) -> Cost:
    """ReLU, two 1×1 convolutions of stride 2 for half of the channels each, batch norm; ``side`` is the input's.

    Raises:
        ConfigError: ``channels_out`` is odd.
    """
    if channels_out % 2:
        fault = f"a factorized reduce cannot give {channels_out} channels."
        raise ConfigError([Fault("channels", fault, "Use an even number.")])
    pixels = halved(side) ** 2
    half = convolution(channels_in, channels_out // 2, (1, 1), pixels)
    return relu(channels_in, side * side) + half * 2 + batch_norm(channels_out, pixels, affine=affine)
