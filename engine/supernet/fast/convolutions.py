"""All separable and dilated convolutions of some edges that leave one state, summed with their alphas.

Every primitive of the kind ``relu_dw_pw_bn`` is ReLU, depthwise, pointwise, batch norm, once or several times. The
edges lie side by side as channels of one tensor, in groups whose size suits the device; one autograd function computes
all primitives on all edges that leave a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from engine.genotype.primitives import PrimitiveDeclaration
from engine.supernet.fast.depthwise import Views, depthwise, depthwise_input_gradient, depthwise_weight_gradient
from engine.supernet.fast.layout import match_layout, repeat_channels, sum_repeats
from engine.supernet.fast.normalization import EdgesNorm, normalize, normalize_again, normalize_gradient
from engine.supernet.fast.pointwise import pointwise, pointwise_input_gradient, pointwise_weight_gradient
from engine.supernet.fast.stacking import NamedPlaces, edge_places, norm_places, stacked_parameter


class Convolution(nn.Module):
    """One primitive of the kind ``relu_dw_pw_bn`` on E edges: its weights and running statistics, stacked.

    Args:
        modules: the primitive as ``build_primitive`` gives it, one for each edge.
    """

    def __init__(self, declared: PrimitiveDeclaration, modules: Sequence[nn.Module], stride: int) -> None:
        super().__init__()
        self.repeats = declared.repeats
        self.stride = stride
        self.dilation = declared.dilation
        for time in range(1, self.repeats + 1):
            for part in (f"dw{time}", f"pw{time}"):
                weights = [module.get_parameter(f"{part}.weight") for module in modules]
                self.register_parameter(part, stacked_parameter(weights))
            norms = [module.get_submodule(f"bn{time}") for module in modules]
            self.add_module(f"bn{time}", EdgesNorm(norms))

    def weights(self) -> list[Tensor]:
        """Depthwise and pointwise weights in turn."""
        return [getattr(self, f"{part}{time}") for time in range(1, self.repeats + 1) for part in ("dw", "pw")]

    def norms(self) -> list[EdgesNorm]:
        return [getattr(self, f"bn{time}") for time in range(1, self.repeats + 1)]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        for time in range(1, self.repeats + 1):
            for part in (f"dw{time}", f"pw{time}"):
                yield from edge_places(self, part, [f"{edge}.{part}.weight" for edge in edges])
            yield from norm_places(getattr(self, f"bn{time}"), [f"{edge}.bn{time}" for edge in edges])


class EdgeGroup(nn.Module):
    """The same primitives on E edges side by side."""

    def __init__(self, primitives: Sequence[PrimitiveDeclaration], edges: Sequence[nn.Module], stride: int) -> None:
        super().__init__()
        self.edges = len(edges)
        for declared in primitives:
            modules = [edge.get_submodule(declared.name) for edge in edges]
            self.add_module(declared.name, Convolution(declared, modules, stride))

    def convolutions(self) -> list[Convolution]:
        return list(self.children())  # type: ignore[arg-type]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        for name, convolution in zip(self._modules, self.convolutions(), strict=True):
            yield from convolution.places([f"{edge}.{name}" for edge in edges])


class Convolutions(nn.Module):
    """For each edge that leaves a state, the sum over primitives of alpha · primitive(state).

    Args:
        primitives: all of the kind ``relu_dw_pw_bn``.
        edges: the textbook's mixed operations.
        together: how many edges lie side by side in one tensor, at most.
    """

    def __init__(
        self, primitives: Sequence[PrimitiveDeclaration], edges: Sequence[nn.Module], stride: int, together: int
    ) -> None:
        super().__init__()
        self.groups = nn.ModuleList(
            EdgeGroup(primitives, edges[start : start + together], stride) for start in range(0, len(edges), together)
        )

    def forward(self, rectified: Tensor, alphas: Tensor, *, plain: bool = False) -> list[Tensor]:
        """ReLU(state) (N, C, H, W) and weights (edges, primitives) to a tensor (N, C, H', W') for each edge.

        Args:
            plain: use torch's operations only: slower, takes more memory, and can be differentiated twice.
        """
        channels = rectified.shape[1]
        # (primitives, edges · C): a row for each primitive, every alpha as often as its edge has channels.
        scales = alphas.t().unsqueeze(-1).expand(-1, -1, channels).reshape(alphas.shape[1], -1).contiguous()
        groups = self._groups()
        if plain:
            found = _plain_sums(rectified, scales, groups)
        else:
            rectified, weights = _as_autocast(rectified, [weight for group in groups for weight in _weights(group)])
            found = _Sums.apply(rectified, scales, groups, *weights)
        return [
            part
            for images in found
            for part in (torch.split(images, channels, dim=1) if images.shape[1] > channels else [images])
        ]

    def _groups(self) -> list[EdgeGroup]:
        return list(self.groups)  # type: ignore[arg-type]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        first = 0
        for group in self._groups():
            yield from group.places(edges[first : first + group.edges])
            first += group.edges


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


class _Sums(torch.autograd.Function):
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
        ctx.training = [norm.training for group in groups for norm in _norms(group)]
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


def _plain_sums(rectified: Tensor, scales: Tensor, groups: Sequence[EdgeGroup]) -> list[Tensor]:
    """As ``_Sums``, of torch's own operations."""
    weights = [weight for group in groups for weight in _weights(group)]
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


def _weights(group: EdgeGroup) -> list[Tensor]:
    return [weight for convolution in group.convolutions() for weight in convolution.weights()]


def _norms(group: EdgeGroup) -> list[EdgesNorm]:
    return [norm for convolution in group.convolutions() for norm in convolution.norms()]


def _as_autocast(x: Tensor, weights: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Under autocast all in its number format: the backward pass by hand runs outside of autocast."""
    if not torch.is_autocast_enabled(x.device.type):
        return x, weights
    dtype = torch.get_autocast_dtype(x.device.type)
    return x.to(dtype), [weight.to(dtype) for weight in weights]
