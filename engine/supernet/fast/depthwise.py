"""Depthwise convolutions, and their two gradients by ways that a processor is fast at.

The gradients are the exact ones, only computed as other convolutions: torch's own take several times as
long as the forward pass where a kernel is dilated or wider than three columns (``docs/fast-supernet.md``).
On other devices, and where the channels are not last in memory, torch's own are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.supernet.fast.layout import is_channels_last, match_layout, on_gpu, repeat_channels

_FAST_WIDTH = 3
"""Columns of a kernel up to which the weight gradient of a depthwise convolution has a fast path on processors."""

_FEW_CHANNELS = 8
"""Channels below which torch's own way is as fast: it does not fill a processor's vectors either way."""

Kernel = tuple[int, int]


def depthwise(x: Tensor, weight: Tensor, *, stride: int, dilation: int) -> Tensor:
    """Each channel with its own odd-sized kernel: (N, C, H, W), weight (C, 1, h, w) to (N, C, ⌈H/stride⌉, ⌈W/stride⌉)."""
    if dilation > 1 and stride == dilation:  # Taps and outputs fall on every stride-th pixel: no others matter.
        return depthwise(_every(x, stride), weight, stride=1, dilation=1)
    if _only_the_middle(x, stride, dilation):
        return x * _middle(weight)
    if on_gpu(x) and _has_phases(x, stride, dilation):
        return together(depthwise(phases(x, dilation), weight, stride=1, dilation=1), dilation)
    return F.conv2d(x, weight, None, stride, _padding(weight.shape, dilation), dilation, groups=weight.shape[0])


def depthwise_input_gradient(
    gradient: Tensor, weight: Tensor, x_shape: torch.Size, *, stride: int, dilation: int
) -> Tensor:
    """Gradient of ``depthwise`` with respect to ``x``.

    At stride 1 it is itself a depthwise convolution, with the kernels turned by 180 degrees.
    """
    if _only_the_middle(gradient, stride, dilation):
        return gradient * _middle(weight)
    if on_gpu(gradient) and _has_phases(gradient, stride, dilation):
        apart = phases(gradient, dilation)
        return together(depthwise_input_gradient(apart, weight, apart.shape, stride=1, dilation=1), dilation)
    if stride == 1 and gradient.device.type == "cpu":
        return F.conv2d(
            gradient, weight.flip(2, 3), None, 1, _padding(weight.shape, dilation), dilation, groups=weight.shape[0]
        )
    if dilation > 1 and stride == dilation:
        found = torch.zeros_like(_empty(x_shape, gradient))
        found[:, :, ::stride, ::stride] = depthwise_input_gradient(
            gradient, weight, gradient.shape, stride=1, dilation=1
        )
        return found
    placeholder = _empty(x_shape, gradient)  # Only its shape matters.
    return _torch_gradient(
        gradient, placeholder, weight, _padding(weight.shape, dilation), stride, dilation, of_weight=False
    )


class Views:
    """Images that depthwise convolutions read, and the views of them that weight gradients ask for, each made once.

    Edges that leave one state read the same images: they share one of these.

    Args:
        x: (N, C, H, W).
    """

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self._made: dict[tuple[object, ...], Any] = {}

    def every(self, step: int) -> Views:
        """Every step-th pixel of every step-th row."""
        found: Views = self._once("every", step, make=lambda: Views(_every(self.x, step)))
        return found

    def phases(self, step: int) -> Views:
        """See ``phases``."""
        found: Views = self._once("phases", step, make=lambda: Views(phases(self.x, step)))
        return found

    def window(self, *place: int) -> Tensor:
        """See ``_window``."""
        found: Tensor = self._once("window", *place, make=lambda: _window(self.x, *place))
        return found

    def _once(self, *key: object, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def depthwise_weight_gradient(gradient: Tensor, read: Views, weight: Tensor, *, stride: int, dilation: int) -> Tensor:
    """Gradient of ``depthwise`` with respect to ``weight``.

    Args:
        gradient: (N, E·C, H', W').
        read: the (N, C, H, W) that each of E edges read.
        weight: (E·C, 1, h, w); it gives nothing but its shape and number format.
    """
    x = read.x
    if dilation > 1 and stride == dilation:
        return depthwise_weight_gradient(gradient, read.every(stride), weight, stride=1, dilation=1)
    edges = weight.shape[0] // x.shape[1]
    if _only_the_middle(x, stride, dilation):
        found = torch.zeros_like(weight)
        _middle(found).copy_((gradient * repeat_channels(x, edges)).sum(dim=(0, 2, 3), keepdim=True))
        return found
    on_fast_path = x.device.type == "cpu" and is_channels_last(x) and weight.shape[0] >= _FEW_CHANNELS
    if (on_fast_path or on_gpu(x)) and _has_phases(x, stride, dilation):
        return depthwise_weight_gradient(
            phases(gradient, dilation), read.phases(dilation), weight, stride=1, dilation=1
        )
    is_slow = weight.shape[3] > _FAST_WIDTH or (weight.shape[3] == _FAST_WIDTH and x.shape[2] < weight.shape[2])
    if on_fast_path and dilation == 1 and is_slow:
        return _weight_gradient_in_strips(gradient, read, weight, stride)
    return _torch_gradient(
        gradient, repeat_channels(x, edges), weight, _padding(weight.shape, dilation), stride, dilation, of_weight=True
    )


def phases(x: Tensor, step: int) -> Tensor:
    """(N, C, H, W) to (step² · N, C, H/step, W/step): every step-th pixel as an image of its own.

    A kernel with a dilation of ``step`` touches pixels of one such image only, as a kernel without dilation does.
    """
    images, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(images, height // step, step, width // step, step, channels)
    apart = pixels.permute(2, 4, 0, 1, 3, 5).reshape(step * step * images, height // step, width // step, channels)
    return apart.permute(0, 3, 1, 2)


def together(apart: Tensor, step: int) -> Tensor:
    """The images whose ``phases`` these are: (step² · N, C, H/step, W/step) to (N, C, H, W)."""
    count, channels, height, width = apart.shape
    images = count // step**2
    pixels = apart.permute(0, 2, 3, 1).reshape(step, step, images, height, width, channels)
    whole = pixels.permute(2, 3, 0, 4, 1, 5).reshape(images, height * step, width * step, channels)
    return whole.permute(0, 3, 1, 2)


def _has_phases(x: Tensor, stride: int, dilation: int) -> bool:
    """Whether a dilated convolution of these images is a plain one of their phases."""
    return is_channels_last(x) and dilation > 1 and stride == 1 and not (x.shape[2] % dilation or x.shape[3] % dilation)


def _weight_gradient_in_strips(gradient: Tensor, read: Views, weight: Tensor, stride: int) -> Tensor:
    """Three columns of the kernel at a time, each strip from an image that is moved under it."""
    channels, _, height, width = weight.shape
    x, edges = read.x, channels // read.x.shape[1]
    strip_shape = weight.new_empty(channels, 1, height, _FAST_WIDTH)
    found = torch.empty_like(weight)
    # The fast path also wants images at least as high as the kernel: smaller ones get their border of zeros written out.
    border = 0 if x.shape[2] >= height else height // 2
    rows = x.shape[2] if border == 0 else (gradient.shape[2] - 1) * stride + height
    columns = (gradient.shape[3] - 1) * stride + _FAST_WIDTH
    for start in range(0, width - 2, 2):  # Neighbouring strips share a column: widths are odd.
        window = repeat_channels(read.window(-border, start - width // 2, rows, columns), edges)
        strip = _torch_gradient(gradient, window, strip_shape, (height // 2 - border, 0), stride, 1, of_weight=True)
        found[..., start : start + _FAST_WIDTH] = strip
    return found


def _window(x: Tensor, top: int, left: int, rows: int, columns: int) -> Tensor:
    """Part of (N, C, H, W) from a corner on, zeros where it lies outside; channels last."""
    images, channels, height, width = x.shape
    found = x.new_empty(images, rows, columns, channels)
    inner_rows = slice(min(max(-top, 0), rows), max(min(height - top, rows), 0))
    inner_columns = slice(min(max(-left, 0), columns), max(min(width - left, columns), 0))
    for border in (
        found[:, : inner_rows.start], found[:, inner_rows.stop :],
        found[:, :, : inner_columns.start], found[:, :, inner_columns.stop :],
    ):  # fmt: skip
        if border.numel():
            border.zero_()
    found[:, inner_rows, inner_columns] = x.permute(0, 2, 3, 1)[
        :, top + inner_rows.start : top + inner_rows.stop, left + inner_columns.start : left + inner_columns.stop
    ]
    return found.permute(0, 3, 1, 2)


def _torch_gradient(
    gradient: Tensor, x: Tensor, weight: Tensor, padding: Kernel, stride: int, dilation: int, *, of_weight: bool
) -> Tensor:
    mask = [not of_weight, of_weight, False]
    found = torch.ops.aten.convolution_backward(
        gradient,
        x,
        weight,
        None,
        [stride, stride],
        list(padding),
        [dilation, dilation],
        False,
        [0, 0],
        weight.shape[0],
        mask,
    )
    result: Tensor = found[1 if of_weight else 0]
    return result


def _only_the_middle(x: Tensor, stride: int, dilation: int) -> bool:
    """Whether all taps but the middle one fall outside of the images: a case in which torch is a hundred times slower."""
    return stride == 1 and dilation >= max(x.shape[2:])


def _middle(weight: Tensor) -> Tensor:
    """The middle taps of (C, 1, h, w) as (1, C, 1, 1): a view."""
    return weight[:, :, weight.shape[2] // 2, weight.shape[3] // 2].view(1, -1, 1, 1)


def _every(x: Tensor, step: int) -> Tensor:
    return match_layout(x[:, :, ::step, ::step], x)


def _padding(kernel: torch.Size, dilation: int) -> Kernel:
    return dilation * (kernel[2] // 2), dilation * (kernel[3] // 2)


def _empty(shape: torch.Size, like: Tensor) -> Tensor:
    memory_format = torch.channels_last if is_channels_last(like) else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=memory_format)
