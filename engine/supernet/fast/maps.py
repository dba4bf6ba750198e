"""Primitives without weights: pools and the identity are computed once a state, whatever the number of its edges.

Each edge weighs the same few images differently, so all edges together are one product of two matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.supernet.fast.layout import match_layout
from engine.supernet.fast.normalization import EdgesNorm, normalize
from engine.supernet.fast.stacking import NamedPlaces, norm_places


class SharedPool(nn.Module):
    """A pool and the batch norm behind it: one for all edges, since they read the same state.

    Args:
        modules: the primitive as ``build_primitive`` gives it, one for each edge; their running statistics are equal.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.pool = modules[0].get_submodule("pool")
        self.bn = EdgesNorm([modules[0].get_submodule("bn")])

    def forward(self, x: Tensor) -> Tensor:
        return normalize(self.pool(x), self.bn, None)[0]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        yield from norm_places(self.bn, [f"{edge}.bn" for edge in edges], shared=True)


def spread_maps(maps: Sequence[Tensor], weights: Tensor) -> list[Tensor]:
    """For each of E edges the sum of R images by its weights.

    Args:
        maps: R tensors (N, C, H, W).
        weights: (E, R).

    Returns:
        E tensors (N, C, H, W).
    """
    # One number format, spelled out: under autocast the backward pass by hand runs outside of it.
    return list(_SpreadMaps.apply(weights.to(maps[0].dtype), *(match_layout(image, maps[0]) for image in maps)))


class _SpreadMaps(torch.autograd.Function):
    """Images are rows of pixels here, in whatever order they lie in memory: nothing is moved."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, *maps: Tensor) -> tuple[Tensor, ...]:
        ctx.save_for_backward(weights, *maps)
        return tuple(as_images(row, maps[0]) for row in weights @ rows(maps))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        weights, *maps = ctx.saved_tensors
        of_edges = rows([match_layout(gradient, maps[0]) for gradient in gradients])
        of_weights = of_edges @ rows(maps).t() if ctx.needs_input_grad[0] else None
        if not any(ctx.needs_input_grad[1:]):
            return (of_weights, *(None for _ in maps))
        return (of_weights, *(as_images(row, maps[0]) for row in weights.t() @ of_edges))


def weighted_sum(maps: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """The sum of R images (N, C, H, W), each times a number of its own."""
    found: Tensor = _WeightedSum.apply(len(maps), *weights, *(match_layout(image, maps[0]) for image in maps))
    return found


class _WeightedSum(torch.autograd.Function):
    """No product is written down on the way."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor) -> Tensor:
        ctx.count = count
        ctx.save_for_backward(*tensors)
        weights, maps = tensors[:count], tensors[count:]
        total = maps[0] * weights[0]
        for weight, image in zip(weights[1:], maps[1:], strict=True):
            total.addcmul_(image, weight)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        weights, maps = saved[: ctx.count], saved[ctx.count :]
        gradient = match_layout(gradient, maps[0])
        of_weights = [
            torch.dot(_flat(gradient), _flat(image)) if wanted else None
            for image, wanted in zip(maps, ctx.needs_input_grad[1:], strict=False)
        ]
        of_maps = [
            gradient * weight if wanted else None
            for weight, wanted in zip(weights, ctx.needs_input_grad[1 + ctx.count :], strict=True)
        ]
        return (None, *of_weights, *of_maps)


def rows(maps: Sequence[Tensor]) -> Tensor:
    """R tensors (N, C, H, W) of one memory order as the matrix (R, N·C·H·W) of what lies in memory."""
    return torch.stack([_flat(image) for image in maps]) if len(maps) > 1 else _flat(maps[0]).unsqueeze(0)


def _flat(image: Tensor) -> Tensor:
    """Dense images as a vector of what lies in memory, whatever its order: a view."""
    return image.as_strided((image.numel(),), (1,))


def as_images(row: Tensor, like: Tensor) -> Tensor:
    """A row as images of the size and memory order of ``like``: a view."""
    return row.as_strided(like.shape, like.stride(), row.storage_offset())
