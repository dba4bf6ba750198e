"""How a search lays its supernet out on its device: decided once, kept in the run's folder, taken up by a resume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from engine.config import SearchConfig, network_kind
from engine.distributed import ALONE, Ranks, synchronize
from engine.errors import ConfigError, Fault
from engine.supernet import FastSupernet, Supernet, build_supernet
from engine.supernet.buffers import MovingCopies, modules_with_buffers
from engine.training.device import free_memory_bytes

_SHARE_OF_FREE_MEMORY = 0.7
_SAMPLE_IMAGES = 2


def lay_out(
    config: SearchConfig,
    classes: int,
    image_shape: Sequence[int],
    device: torch.device,
    decided: Mapping[str, Any],
    ranks: Ranks = ALONE,
) -> tuple[Supernet, dict[str, Any]]:
    """The supernet of a configuration, and what was decided for it.

    Args:
        image_shape: (image_channels, H, W).
        decided: what an earlier sitting decided; empty in the first.
        ranks: processes that each compute a share of the batch; what suits rank 0 (its memory: each of them) suits all.

    Returns:
        The supernet on its device, and ``activation_checkpointing`` and ``memory_format`` as they were decided; nothing
        for the textbook's supernet, which leaves nothing to decide.

    Raises:
        ConfigError: batch norms that cannot be synchronized, and what ``build_supernet`` refuses.
    """
    batch_shape = (ranks.largest_share(config.batch_size), *image_shape)
    supernet = build_supernet(
        config.supernet, config.channels, classes, config.layers, batch_shape=batch_shape, device=device, nodes=config.nodes,
        primitives=config.primitives, partial_channels=config.partial_channels, edge_normalization=config.edge_normalization,
        network=network_kind(config.network, max(image_shape[1:])),
    )  # fmt: skip
    decisions = _decide_layout(supernet, config, batch_shape, device, decided, ranks)
    _join(supernet, config, ranks)
    return supernet, decisions


def _join(supernet: Supernet, config: SearchConfig, ranks: Ranks) -> None:
    """Begin with the same numbers on all ranks, and synchronize batch norms where it is configured.

    Raises:
        ConfigError: batch norms that cannot be synchronized.
    """
    if ranks.size == 1:
        return
    ranks.copy_from_first([*supernet.parameters(), *supernet.buffers(), *supernet.arch_tensors()])
    if config.sync_batch_norm:
        if config.order == 2 and config.second_order == "exact":
            fault = "synchronized batch norms cannot be differentiated twice."
            raise ConfigError([Fault("sync_batch_norm", fault, "Set it to false, or second_order to its default.")])
        synchronize(supernet, ranks)


def _decide_layout(
    supernet: Supernet,
    config: SearchConfig,
    batch_shape: Sequence[int],
    device: torch.device,
    decided: Mapping[str, Any],
    ranks: Ranks,
) -> dict[str, Any]:
    if not isinstance(supernet, FastSupernet):
        return {}
    if config.activation_checkpointing != "auto":
        supernet.recomputes_cells = config.activation_checkpointing == "on"
    elif "activation_checkpointing" in decided:
        supernet.recomputes_cells = decided["activation_checkpointing"] == "on"
    else:
        wanted = bytes_for_backward(supernet, batch_shape, device)
        neighbours = ranks.local_size if device.type == "cpu" else 1  # They share the machine's memory.
        is_scarce = neighbours * wanted > _SHARE_OF_FREE_MEMORY * free_memory_bytes(device)
        supernet.recomputes_cells = any(ranks.all_say(is_scarce))
    if config.memory_format != "auto":
        supernet.channels_last = config.memory_format == "channels-last"
    elif "memory_format" in decided:
        supernet.channels_last = decided["memory_format"] == "channels-last"
    return {
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


@contextmanager
def _leaving_no_trace(supernet: Supernet, device: torch.device) -> Iterator[None]:
    """Trial passes in training mode: neither buffers nor random numbers move."""
    supernet.train()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), MovingCopies(modules_with_buffers(supernet)):
        yield
