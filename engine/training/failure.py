"""A failure in words that name the mend."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from engine.config import RunConfig, SearchConfig, SubnetConfig, TwoStageConfig
from engine.errors import NascopeError
from engine.runs.folder import CHECKPOINT_LAST
from engine.training.determinism import refused_operation


def failure_in_words(
    error: BaseException, config: RunConfig, run: Path, decided: Mapping[str, Any] | None = None
) -> dict[str, str | None]:
    """``{what, where, mend}`` of whatever ended the run in this folder.

    Args:
        decided: what was decided for this machine, as in ``config.json``.
    """
    if isinstance(error, NascopeError):
        return error.as_dict()
    if is_out_of_memory(error):
        wanted = _wanted(error)
        what = f"Out of memory with batch_size={config.batch_size}" + (
            f" ({wanted} more were wanted)." if wanted else "."
        )
        smaller = f"batch_size={max(2, config.batch_size // 2)} with half the learning_rate, {_smaller_network(config)}"
        if isinstance(config, SearchConfig) and config.supernet == "reference":
            mend = (
                f"Resume with --set supernet=fast, which takes a fraction of the memory. Or start anew with {smaller}."
            )
            return {"what": what, "where": "supernet", "mend": mend}
        if isinstance(config, SearchConfig) and "on" not in (
            config.activation_checkpointing, (decided or {}).get("activation_checkpointing"),
        ):  # fmt: skip
            mend = f"Resume with --set activation_checkpointing=on: less than half of the memory, a third more time. Or start anew with {smaller}."
            return {"what": what, "where": "activation_checkpointing", "mend": mend}
        return {"what": what, "where": "batch_size", "mend": f"Start anew with {smaller}."}
    operation = refused_operation(error)
    if operation is not None:
        return {
            "what": f"deterministic=true, and torch has no way to compute {operation} to the same bits each time.",
            "where": "deterministic",
            "mend": "Resume with --set deterministic=false, compute on a processor, or leave out the primitive that needs it.",
        }
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        saved = "the last checkpoint is whole" if (run / CHECKPOINT_LAST).exists() else "nothing was saved yet"
        return {
            "what": f"The disk is full; {saved}.",
            "where": str(error.filename or run),
            "mend": "Free some space, then resume.",
        }
    if isinstance(error, OSError):
        return {
            "what": f"{error.strerror or error}.",
            "where": str(error.filename or run),
            "mend": "Check the place, then resume.",
        }
    return {
        "what": f"{type(error).__name__}: {first_line(error)}",
        "where": None,
        "mend": "This is a fault of nascope: please report it with log.txt of the run.",
    }


def _smaller_network(config: RunConfig) -> str:
    if isinstance(config, TwoStageConfig):
        return "precision=bfloat16, or a smaller space: a step takes the memory of its biggest network"
    if isinstance(config, SubnetConfig):
        return "precision=bfloat16, or a smaller sub-network"
    return "fewer channels, or pc-darts"


def _wanted(error: BaseException) -> str | None:
    """What torch says that it could not get, in units for people."""
    said = re.search(r"allocate ([\d.]+ ?[KMG]i?B)", str(error))
    if said:
        return said[1]
    counted = re.search(r"allocate (\d+) bytes", str(error))
    return f"{int(counted[1]) / 2**20:,.1f} MiB" if counted else None


def first_line(error: BaseException) -> str:
    """The first line of an error's message, cut to 200 characters."""
    return (str(error).strip().splitlines() or ["no message"])[0][:200]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the device or in the machine."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in str(error)
        or "not enough memory" in str(error)
        or "out of memory" in str(error).lower()
    )
