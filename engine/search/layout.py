"""How a search lays its supernet out on its device: decided once, kept in the run's folder, taken up by a resume."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from engine.config import SearchConfig
from engine.supernet import FastSupernet, Supernet, build_supernet
from engine.supernet.buffers import MovingCopies, modules_with_buffers
from engine.training.device import free_memory_bytes, wait_for

_SHARE_OF_FREE_MEMORY = 0.7
_SAMPLE_IMAGES = 2
_TRIAL_SECONDS = 0.5


def lay_out(
    config: SearchConfig, classes: int, image_shape: Sequence[int], device: torch.device, decided: Mapping[str, Any]
) -> tuple[Supernet, dict[str, Any]]:
    """The supernet of a configuration, and what was decided for it.

    Args:
        image_shape: (image_channels, H, W).
        decided: what an earlier sitting decided; empty in the first.

    Returns:
        The supernet on its device, and ``activation_checkpointing`` and ``memory_format`` as they were decided; nothing
        for the textbook's supernet, which leaves nothing to decide.
    """
    batch_shape = (config.batch_size, *image_shape)
    supernet = build_supernet(
        config.supernet, config.channels, classes, config.layers, batch_shape=batch_shape, device=device, nodes=config.nodes,
        primitives=config.primitives, partial_channels=config.partial_channels, edge_normalization=config.edge_normalization,
    )  # fmt: skip
    if not isinstance(supernet, FastSupernet):
        return supernet, {}
    if config.activation_checkpointing != "auto":
        supernet.recomputes_cells = config.activation_checkpointing == "on"
    elif "activation_checkpointing" in decided:
        supernet.recomputes_cells = decided["activation_checkpointing"] == "on"
    else:
        wanted = bytes_for_backward(supernet, batch_shape, device)
        supernet.recomputes_cells = wanted > _SHARE_OF_FREE_MEMORY * free_memory_bytes(device)
    if config.memory_format != "auto":
        supernet.channels_last = config.memory_format == "channels-last"
    elif "memory_format" in decided:
        supernet.channels_last = decided["memory_format"] == "channels-last"
    elif device.type != "cpu":
        supernet.channels_last = _faster_channels_last(supernet, batch_shape, device, config.precision)
    return supernet, {
        "memory_format": "channels-last" if supernet.channels_last else "contiguous",
        "activation_checkpointing": "on" if supernet.recomputes_cells else "off",
    }


def bytes_for_backward(supernet: Supernet, batch_shape: Sequence[int], device: torch.device) -> int:
    """What a training pass of a batch keeps for its backward pass, told by one with two images; changes nothing."""
    images = torch.zeros(min(_SAMPLE_IMAGES, batch_shape[0]), *batch_shape[1:], device=device)
    own: set[int] = set()
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with _leaving_no_trace(supernet, device), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        # The buffers of now are copies, and do not grow with the batch either.
        own |= {tensor.untyped_storage().data_ptr() for tensor in [*supernet.parameters(), *supernet.buffers(), images]}
        supernet(images)
    return sum(kept.values()) * batch_shape[0] // len(images)


def _faster_channels_last(
    supernet: FastSupernet, batch_shape: Sequence[int], device: torch.device, precision: str = "float32"
) -> bool:
    """Try both orders of memory for half a second each; changes nothing."""
    images = torch.zeros(*batch_shape, device=device)
    seconds = {}
    for channels_last in (True, False):
        supernet.channels_last = channels_last
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            seconds[channels_last] = _seconds_a_pass(supernet, images)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return seconds[True] < seconds[False]


def _seconds_a_pass(supernet: Supernet, images: Tensor) -> float:
    weights = list(supernet.parameters())
    best = float("inf")
    until = None
    while until is None or time.monotonic() < until:
        begin = time.monotonic()
        with _leaving_no_trace(supernet, images.device):
            torch.autograd.grad(supernet(images).sum(), weights, allow_unused=True)
        wait_for(images.device)
        if until is None:
            until = time.monotonic() + _TRIAL_SECONDS  # The first pass warms up.
        else:
            best = min(best, time.monotonic() - begin)
    return best


@contextmanager
def _leaving_no_trace(supernet: Supernet, device: torch.device) -> Iterator[None]:
    """Trial passes in training mode: neither buffers nor random numbers move."""
    supernet.train()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), MovingCopies(modules_with_buffers(supernet)):
        yield
