"""Does a written file compute what the network computes?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.errors import NascopeError
from engine.export.source import ExportedNetwork, MainLogits

TOLERANCE = 1e-3
"""Largest difference that rounding explains, relative to the largest logit; a wrong network is off by orders of magnitude."""

_NOISE = 1e-6


def wrapped(source: ExportedNetwork, *, with_normalization: bool) -> nn.Module:
    """The network as it is exported: eval mode, main logits only."""
    return MainLogits(source.network, source.normalization if with_normalization else None).eval()


def example_images(source: ExportedNetwork, images: int, *, with_normalization: bool) -> Tensor:
    """Random images (images, C, H, W): normalized ones, or pixels of 0..1 where the network normalizes itself."""
    generator = torch.Generator().manual_seed(20)
    shape = (images, *source.input_shape)
    return torch.rand(shape, generator=generator) if with_normalization else torch.randn(shape, generator=generator)


def refuse_other_logits(expected: Tensor, found: Tensor, runner: str) -> float:
    """The largest difference.

    Raises:
        NascopeError: it is more than rounding.
    """
    difference = float((expected - found).abs().max()) if expected.shape == found.shape else float("inf")
    if not difference <= TOLERANCE * float(expected.abs().max()) + _NOISE:
        raise NascopeError(
            f"the written file gives other logits than the network (difference {difference:g}, computed by {runner}).",
            where="export", mend="Nothing was written; please report it.",
        )  # fmt: skip
    return difference
