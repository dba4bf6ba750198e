"""The sums of scaled convolutions as one autograd function: all primitives, on all edges that leave a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.supernet.fast.depthwise import Views, depthwise, depthwise_input_gradient, depthwise_weight_gradient
from engine.supernet.fast.edge_group import EdgeGroup
from engine.supernet.fast.layout import match_layout, repeat_channels, sum_repeats
from engine.supernet.fast.normalization import EdgesNorm, normalize, normalize_again, normalize_gradient
from engine.supernet.fast.pointwise import pointwise, pointwise_input_gradient, pointwise_weight_gradient


@dataclass(frozen=True)
class _Layer:
    """One depthwise, pointwise, batch norm on E edges side by side; what it reads is rectified already.

    Attributes:
        scale: alphas, one a channel, of the last layer of a primitive; None before.
    """

    depthwise: Tensor
    pointwise: Tensor
    norm: EdgesNorm
    scale: Tensor | None
    edges: int
    stride: int
    dilation: int

    def convolve(self, x: Tensor) -> Tensor:
        """What the batch norm reads."""
        return pointwise(self._between(x), self.pointwise, self.edges)

    def weight_gradients(self, gradient: Tensor, x: Tensor, read: Views) -> tuple[Tensor, Tensor, Tensor]:
        """Of depthwise and pointwise weights, and of what lies between; ``gradient``: of what the batch norm reads."""
        of_pointwise = pointwise_weight_gradient(gradient, self._between(x), self.pointwise, self.edges)
        of_between = pointwise_input_gradient(gradient, self.pointwise, self.edges)
        of_depthwise = depthwise_weight_gradient(
            of_between, read, self.depthwise, stride=self.stride, dilation=self.dilation
        )
        return of_depthwise, of_pointwise, of_between

    def input_gradient(self, of_between: Tensor, x_shape: torch.Size) -> Tensor:
        return depthwise_input_gradient(of_between, self.depthwise, x_shape, stride=self.stride, dilation=self.dilation)

    def _between(self, x: Tensor) -> Tensor:
        return depthwise(x, self.depthwise, stride=self.stride, dilation=self.dilation)


def _layers(groups: Sequence[EdgeGroup], scales: Tensor, weights: Sequence[Tensor]) -> list[list[list[_Layer]]]:
    """Of each group, of each primitive, its layers; ``weights``: depthwise and pointwise of all of them in turn."""
    remaining = iter(weights)
    channels = scales.shape[1] // sum(group.edges for group in groups)
    found = []
    first = 0
    for group in groups:
        last = first + group.edges * channels
        found.append([
            [
                _Layer(
                    next(remaining), next(remaining), norm, scale[first:last] if time == convolution.repeats - 1 else None,
                    group.edges, convolution.stride if time == 0 else 1, convolution.dilation,
                )
                for time, norm in enumerate(convolution.norms())
            ]
            for scale, convolution in zip(scales, group.convolutions(), strict=True)
        ])  # fmt: skip
        first = last
    return found


class Sums(torch.autograd.Function):
    """The sums of scaled convolutions, one tensor (N, E·C, H', W') a group, with a backward pass by hand.

    Of each layer only what its batch norm reads is kept; going back, what led to it is computed once more: a depthwise
    convolution and a batch norm whose statistics are known cost little, and the rest is a third of the memory.
    """

    @staticmethod
    def forward(
        ctx: Any, rectified: Tensor, scales: Tensor, groups: Sequence[EdgeGroup], *weights: Tensor
    ) -> tuple[Tensor, ...]:
        kept: list[Tensor] = []
        totals = []
        for primitives in _layers(groups, scales, weights):
            x = repeat_channels(rectified, primitives[0][0].edges)
            total: Tensor | None = None
            for layers in primitives:
                images = x
                for layer in layers:
                    before = layer.convolve(images if layer is layers[0] else images.relu_())
                    images, mean, inverse_deviation = normalize(before, layer.norm, layer.scale)
                    kept += [before, mean, inverse_deviation]
                total = images if total is None else total.add_(images)
            assert total is not None
            totals.append(total)
        ctx.groups, ctx.count = groups, len(weights)
        ctx.training = [norm.training for group in groups for norm in group.norms()]
        ctx.save_for_backward(rectified, scales, *weights, *kept)
        return tuple(totals)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rectified, scales, *saved = ctx.saved_tensors
        kept = saved[ctx.count :]
        training = list(ctx.training)
        wants_x, wants_weights = ctx.needs_input_grad[0], any(ctx.needs_input_grad[3:])
        groups = list(zip(gradients, _layers(ctx.groups, scales, saved[: ctx.count]), strict=True))
        read = Views(rectified)
        of_x: Tensor | None = None
        of_scales: list[list[Tensor]] = []
        of_weights: list[Tensor | None] = []
        # From the last group, primitive and layer to the first: ``kept`` is used up from its end.
        for gradient, primitives in reversed(groups):
            edges = primitives[0][0].edges
            gradient = match_layout(gradient, rectified)
            x = repeat_channels(rectified, edges) if wants_weights else None
            x_shape = torch.Size([rectified.shape[0], edges * rectified.shape[1], *rectified.shape[2:]])
            of_scales.append([])
            of_group: Tensor | None = None
            for layers in reversed(primitives):
                g = gradient
                before, mean, inverse_deviation = _pop(kept)
                for place in reversed(range(len(layers))):
                    layer = layers[place]
                    g, of_scale = normalize_gradient(
                        g, before, layer.norm, layer.scale, mean, inverse_deviation, training=training.pop()
                    )
                    if of_scale is not None:
                        of_scales[-1].append(of_scale)
                    images, views = x, read
                    if place > 0:
                        before, mean, inverse_deviation = _pop(kept)
                        images = normalize_again(
                            before, layers[place - 1].norm, mean, inverse_deviation, training=training[-1]
                        ).relu_()
                        views = Views(images)
                    of_depthwise = of_pointwise = None
                    if wants_weights:
                        assert images is not None
                        of_depthwise, of_pointwise, g = layer.weight_gradients(g, images, views)
                    elif wants_x or place > 0:
                        g = pointwise_input_gradient(g, layer.pointwise, edges)
                    of_weights += [of_pointwise, of_depthwise]
                    if place > 0:
                        assert images is not None
                        g = layer.input_gradient(g, images.shape)
                        g = torch.ops.aten.threshold_backward.grad_input(g, images, 0, grad_input=g)  # ReLU's, in place
                    elif wants_x:
                        g = layer.input_gradient(g, x_shape)
                        of_group = g if of_group is None else of_group.add_(g)
            if of_group is not None:
                of_edges = sum_repeats(of_group, edges)
                of_x = of_edges if of_x is None else of_x.add_(of_edges)
        of_alphas = torch.cat([torch.stack(rows[::-1]) for rows in reversed(of_scales)], dim=1)
        return (of_x, of_alphas, None, *reversed(of_weights))


def _pop(kept: list[Tensor]) -> list[Tensor]:
    """Take the last three: what a batch norm read, its mean and inverse deviation."""
    last = kept[-3:]
    del kept[-3:]
    return last


def plain_sums(rectified: Tensor, scales: Tensor, groups: Sequence[EdgeGroup]) -> list[Tensor]:
    """As ``Sums``, of torch's own operations."""
    weights = [weight for group in groups for weight in group.weights()]
    totals = []
    for primitives in _layers(groups, scales, weights):
        total: Tensor | None = None
        for layers in primitives:
            x = repeat_channels(rectified, layers[0].edges)
            for layer in layers:
                x = F.relu(x) if layer is not layers[0] else x
                x = normalize(layer.convolve(x), layer.norm, layer.scale)[0]
            total = x if total is None else total + x
        assert total is not None
        totals.append(total)
    return totals


def as_autocast(x: Tensor, weights: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Under autocast all in its number format: the backward pass by hand runs outside of autocast."""
    if not torch.is_autocast_enabled(x.device.type):
        return x, weights
    dtype = torch.get_autocast_dtype(x.device.type)
    return x.to(dtype), [weight.to(dtype) for weight in weights]
