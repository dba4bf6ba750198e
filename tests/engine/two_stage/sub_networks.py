"""What tests of two-stage networks share: architectures, spaces at random, deterministic weights. No test itself."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import strategies as st
from torch import nn

from engine.subnets import Architecture, Space, Stage, named_subnets, space_named
from engine.subnets.space import last_side

LAPTOP = space_named("laptop")


def of(space, resolution, width, depth, kernel_size, expand_ratio):
    return Architecture(space, resolution, tuple(width), tuple(depth), tuple(kernel_size), tuple(expand_ratio))


SMALLEST = of(LAPTOP, 20, (8, 8, 16, 24, 96), (1, 1, 1), (3, 3, 3), (1, 2, 2))
BIGGEST = of(LAPTOP, 32, (16, 16, 24, 40, 128), (2, 3, 3), (5, 5, 5), (1, 4, 4))
RANDOM = of(LAPTOP, 24, (16, 16, 16, 40, 96), (2, 3, 2), (5, 3, 5), (1, 2, 4))

ORIGINAL_LOGITS = [
    pytest.param(SMALLEST, 20, (4.33556092e-3, -4.59891552e-3, 9.20870419e-4, 3.54638648e-3), 1.78041215e-2, id="smallest"),
    pytest.param(SMALLEST, 32, (1.13786255e-3, -1.66535760e-3, 7.65594443e-4, 7.90304643e-4), 1.79311300e-2, id="smallest, resized"),
    pytest.param(RANDOM, 24, (2.10045172e-3, -3.37799374e-3, 1.76050030e-3, 1.36579132e-3), 1.46416284e-2, id="random"),
    pytest.param(BIGGEST, 32, (4.96959625e-5, -6.83467602e-4, 1.27931395e-3, -1.80417179e-3), 2.07506410e-2, id="biggest"),
    pytest.param(named_subnets()["AttentiveNAS-A0"].architecture, 192, (4.45987631e-5, -6.51768419e-5, 8.40069119e-5, -1.00583960e-4), 1.31326937e-2, id="AttentiveNAS-A0"),
]  # fmt: skip
"""Architecture, side of ``images``, first logits and their norm of the original code's own layers, with weights as ``fill``."""


def architectures(space):
    """Any architecture of the space."""
    return st.tuples(*(st.sampled_from(coordinate.choices) for coordinate in space.coordinates())).map(
        lambda values: Architecture.from_values(space, values)
    )


def _choices(values, most=3):
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(
        lambda found: tuple(sorted(found))
    )


@st.composite
def spaces(draw):
    """Small spaces with widths that 8 does not divide, strides up to 4, kernels of 1 to 7, odd resolutions, both heads."""
    stages = tuple(
        Stage(
            f"mb{number}", draw(_choices(range(2, 20))), draw(_choices((1, 2, 3), 2)), draw(_choices((1, 3, 5, 7))),
            draw(st.just((1,)) | _choices((2, 3, 4, 6), 2)), draw(st.sampled_from((1, 1, 2, 2, 3, 4))), draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 3)))
    )  # fmt: skip
    space = Space(
        "own", "", "", "", draw(st.integers(2, 5)), (), draw(_choices(range(2, 12))), draw(st.integers(1, 2)), stages,
        draw(_choices(range(4, 20))), draw(st.sampled_from(("v3", "v1"))), draw(st.integers(1, 3)),
    )  # fmt: skip
    enough = [side for side in range(7, 200) if last_side(space, side) >= 2][:6]
    return dataclasses.replace(space, resolution=draw(_choices(enough)))


def fill(network):
    """Weights by the rule that the oracle numbers were made with: sin(0.37 j) / sqrt(elements of an output row)."""
    network.double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                values = torch.arange(1, parameter.numel() + 1, dtype=torch.float64).mul(0.37).sin()
                parameter.copy_((values / math.sqrt(parameter[0].numel())).view_as(parameter))
            elif name.endswith("norm.weight"):
                parameter.fill_(1)
            else:
                parameter.zero_()


def images(side, count=4):
    size = count * 3 * side * side
    return torch.arange(1, size + 1, dtype=torch.float64).mul(0.013).sin().view(count, 3, side, side)


def place(whole, part):
    """Index of a sub-network's part of a weight: the first channels, the centre of the kernel."""
    index = [slice(size) for size in part.shape[:2]]
    for whole_side, side in zip(whole.shape[2:], part.shape[2:], strict=True):
        index.append(slice((whole_side - side) // 2, (whole_side + side) // 2))
    return tuple(index)


def randomize(network, seed=0):
    """Values that no layer begins with, so that none can hide: also scales, shifts, biases."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
            if parameter.ndim > 1:
                parameter.div_(math.sqrt(parameter[0].numel()) / 2)


def unit_scales(network):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
