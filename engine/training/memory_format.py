"""In which order of memory one network computes: channels last, or contiguous. No number depends on it but by rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from engine.config import RunConfig


def memory_format_for(config: RunConfig, device: torch.device, decided: Mapping[str, Any]) -> str:
    """``channels-last`` or ``contiguous``: what was said, else decided before, else what is faster.

    Channels last took 0.61 to 0.92 of the time on a processor (networks of cells; supernets of sub-networks 0.70 of a step,
    0.61 of a measurement); on a GPU tensor cores want it, which bfloat16 goes to.
    """
    if config.memory_format != "auto":
        return config.memory_format
    if "memory_format" in decided:
        return str(decided["memory_format"])
    is_faster = device.type == "cpu" or (device.type == "cuda" and config.precision == "bfloat16")
    return "channels-last" if is_faster else "contiguous"
