"""Where each of several processes computes: a CUDA device of its own, or its part of the processor's cores."""

from __future__ import annotations

import os
import socket

import torch

from engine.distributed.ranks import Ranks
from engine.errors import ConfigError, Fault
from engine.training.device import default_threads, pick_device


def device_of_rank(text: str, ranks: Ranks) -> torch.device:
    """As ``pick_device``; among several processes each takes the CUDA device of its number on its machine.

    Raises:
        ConfigError: the device is not there, or cannot be shared out.
    """
    if ranks.size == 1:
        return pick_device(text)
    has_cuda = torch.cuda.is_available()
    if text == "mps" or text.startswith("cuda:"):
        mend = "Use --device cuda, with one process a GPU, or --device cpu."
        raise ConfigError([Fault("device", f"{text} is one device, and {ranks.size} processes were started.", mend)])
    if text == "cpu" or (text == "auto" and not has_cuda):
        return torch.device("cpu")
    pick_device("cuda")
    count = torch.cuda.device_count()
    # A scheduler may show each task its own GPU only; then all of them are number 0.
    number = 0 if count == 1 else ranks.local_rank
    if number >= count:
        raise _too_few(f"{ranks.local_size} processes on this machine and {count} CUDA devices", ranks)
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def refuse_shared_devices(device: torch.device, ranks: Ranks) -> None:
    """Refuse two processes on one GPU; every rank must ask.

    Raises:
        ConfigError: there are such, or one process computes on another kind of device.
    """
    own = str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else None
    told = ranks.all_say((socket.gethostname(), device.type, own))
    if len({kind for _, kind, _ in told}) > 1:
        kinds = ", ".join(sorted({f"{kind} on {host}" for host, kind, _ in told}))
        mend = "Say --device cpu, or leave the machines without CUDA out."
        raise ConfigError([Fault("device", f"auto means different things to the processes: {kinds}.", mend)])
    if device.type == "cuda" and len(set(told)) < ranks.size:
        raise _too_few("two of the processes have the same CUDA device", ranks)


def threads_of_rank(ranks: Ranks) -> int:
    """Processor threads by default; several processes divide the cores of their machine.

    torchrun sets OMP_NUM_THREADS to 1 where nobody did, so a 1 does not count as said.
    """
    if ranks.size == 1:
        return default_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    each = max(1, cores // ranks.local_size)
    said = os.environ.get("OMP_NUM_THREADS", "1")
    return min(each, int(said)) if said.isdigit() and int(said) > 1 else each


def _too_few(what: str, ranks: Ranks) -> ConfigError:
    return ConfigError([Fault("device", f"{what}.", "Start one process a GPU, or use --device cpu.")])
