"""One way to a supernet: which of the two, and in which layout for the device and the size of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from engine.config.network import NetworkKind
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.networks.layout import reduction_places
from engine.supernet.base import Supernet
from engine.supernet.fast.network import FastSupernet
from engine.supernet.reference import ReferenceSupernet

Variant = Literal["fast", "reference"]

_CACHED_BYTES = 2**20
"""On a processor edges lie side by side while their images take less: about half of a core's second-level cache."""

_VECTOR_CHANNELS = 16
"""And until they have this many channels: a processor's vector holds 16 numbers."""

_IMAGENET_STEM_SHRINKS = 64
"""Pixels of an image for one of the first cell behind the stem for ImageNet."""


def build_supernet(
    variant: Variant,
    channels: int,
    classes: int,
    layers: int,
    *,
    batch_shape: Sequence[int],
    device: torch.device,
    nodes: int = 4,
    primitives: Sequence[str] = DARTS_PRIMITIVES,
    partial_channels: int = 1,
    edge_normalization: bool = False,
    network: NetworkKind = "cifar",
    channels_last: bool | None = None,
) -> Supernet:
    """A supernet on a device, its fresh weights and alphas drawn from torch's generator: the same in both variants.

    Args:
        batch_shape: (N, image_channels, H, W) of the batches to come.
        channels_last: memory order of the images of the fast one; None: last on processors and NVIDIA GPUs.
        others: as ``ReferenceSupernet``.

    Raises:
        ConfigError, GenotypeError: as ``ReferenceSupernet``.
    """
    images, image_channels, height, width = batch_shape
    if variant == "reference":
        return ReferenceSupernet(
            channels, classes, layers, image_channels=image_channels, nodes=nodes, primitives=primitives,
            partial_channels=partial_channels, edge_normalization=edge_normalization, network=network,
        ).to(device)  # fmt: skip
    is_processor = device.type == "cpu"
    pixels = height * width // (_IMAGENET_STEM_SHRINKS if network == "imagenet" else 1)
    return FastSupernet(
        channels, classes, layers, image_channels=image_channels, nodes=nodes, primitives=primitives,
        partial_channels=partial_channels, edge_normalization=edge_normalization, network=network,
        channels_last=device.type in ("cpu", "cuda") if channels_last is None else channels_last,
        edges_together=_edges_together(channels // partial_channels, layers, nodes, images * pixels) if is_processor else None,
    ).to(device)  # fmt: skip


def _edges_together(channels: int, layers: int, nodes: int, pixels: int) -> list[int]:
    """For each cell how many edges' images stay in the cache of a processor's core."""
    found = []
    for layer in range(layers):
        if layer in reduction_places(layers):
            channels, pixels = 2 * channels, pixels // 4
        cached = _CACHED_BYTES // (4 * channels * max(1, pixels))
        found.append(min(nodes, max(cached, -(-_VECTOR_CHANNELS // channels))))
    return found
