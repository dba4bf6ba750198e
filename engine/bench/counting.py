"""Counting what a user's own primitive costs, by building it and watching one image go through."""

from __future__ import annotations

from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.cost import Cost
from engine.errors import GenotypeError
from engine.primitives import build_primitive


@cache
def count_by_building(name: str, channels: int, side: int, stride: int, affine: bool) -> Cost:
    """The cost of a primitive as torch counts it: convolutions and matrix products; element-wise work is not counted.

    Args:
        side: of the input in pixels.

    Raises:
        GenotypeError: it cannot be built, or does not take such an image.
    """
    with torch.random.fork_rng(devices=[]):
        module = build_primitive(name, channels, stride, affine=affine, pool_norm=False).eval()
    image = torch.zeros(1, channels, side, side)
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            module(image)
    except (RuntimeError, ValueError, TypeError) as error:
        raise GenotypeError(
            f"it stops on {channels} channels of {side}×{side} pixels: {' '.join(str(error).split())[:200]}",
            where=f"primitive «{name}»",
            mend="Mend its module: it maps (N, channels, H, W) to the same channels.",
        ) from error
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Cost(parameters, counter.get_total_flops() // 2)  # torch counts a multiplication and an addition as two
