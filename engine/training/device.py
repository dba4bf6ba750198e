"""Where to compute, and with how many processor threads."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil
import torch

from engine.errors import ConfigError, Fault


def pick_device(text: str) -> torch.device:
    """The device that ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps`` means on this machine.

    Raises:
        ConfigError: another word, or the device is not there.
    """
    if text == "auto":
        return torch.device(
            "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        )
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", text):
        raise ConfigError([Fault("device", f"«{text[:60]}» is no device.", "Use auto, cpu, cuda, cuda:N or mps.")])
    device = torch.device(text)
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            found = (
                f"this machine has {count} CUDA device{'s' * (count != 1)}"
                if count
                else "no CUDA device is usable here"
            )
            raise ConfigError(
                [Fault("device", f"{text} is not there: {found}.", "Use --device auto. (nascope doctor lists all.)")]
            )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(
            [Fault("device", "mps is not usable here.", "Use --device auto. (nascope doctor lists all.)")]
        )
    return device


def default_threads() -> int:
    """One fewer than the cores this process may use, at least 1, and no more than OMP_NUM_THREADS allows.

    The core left over keeps the window smooth; more threads than cores slow small operations down.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores - 1, torch.get_num_threads()))


def describe_device(device: torch.device) -> str:
    """For people: «cuda:0 NVIDIA RTX 4070» or «cpu, 1 thread»."""
    if device.type == "cuda":
        return f"cuda:{device.index or 0} {torch.cuda.get_device_name(device)}"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' * (threads != 1)}"
    return str(device)


def memory_mib(device: torch.device) -> tuple[float | None, float | None]:
    """``(peak in use by this process, in all)`` of the device's own memory in MiB; ``(None, None)`` on a CPU."""
    if device.type != "cuda":
        return None, None
    return torch.cuda.max_memory_allocated(device) / 2**20, torch.cuda.get_device_properties(
        device
    ).total_memory / 2**20


def free_memory_bytes(device: torch.device) -> int:
    """Memory that this process may still take on a device; for a processor the machine's, or its container's."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch's own, to be used again
        return int(torch.cuda.mem_get_info(device)[0]) + held
    available = psutil.virtual_memory().available
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        most, now = _cgroup_bytes(limit), _cgroup_bytes(used)
        if most is not None and now is not None:
            available = min(available, most - now + _cgroup_file_bytes())
    return max(0, available)


_CGROUP = Path("/sys/fs/cgroup")


def _cgroup_bytes(name: str) -> int | None:
    """A number of the container that this process lives in; None where there is none."""
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):  # «max» is no number
        return None


def _cgroup_file_bytes() -> int:
    """What the container's share holds of files and gives up when it is asked to."""
    for name in ("memory.stat", "memory/memory.stat"):
        try:
            lines = (_CGROUP / name).read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            key, _, value = line.partition(" ")
            if key in ("inactive_file", "total_inactive_file") and value.isdigit():
                return int(value)
    return 0


def wait_for(device: torch.device) -> None:
    """Until everything that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
