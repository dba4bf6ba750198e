"""A failure in words that name the mend."""

from __future__ import annotations

import errno
import re

import torch

from engine.config import RunConfig
from engine.errors import NascopeError


def failure_in_words(error: BaseException, config: RunConfig) -> dict[str, str | None]:
    """``{what, where, mend}`` of whatever ended a run."""
    if isinstance(error, NascopeError):
        return error.as_dict()
    if is_out_of_memory(error):
        wanted = re.search(r"allocate ([\d.]+ ?[KMG]i?B|\d+ bytes)", str(error))
        what = f"Out of memory with batch_size={config.batch_size}" + (
            f" ({wanted[1]} more were wanted)." if wanted else "."
        )
        mend = f"Try batch_size={max(2, config.batch_size // 2)} with half the learning_rate, fewer channels, or pc-darts; then start anew."
        return {"what": what, "where": "batch_size", "mend": mend}
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return {
            "what": "The disk is full; the last checkpoint is whole.",
            "where": str(error.filename or "run folder"),
            "mend": "Free some space, then resume.",
        }
    if isinstance(error, OSError):
        return {
            "what": f"{error.strerror or error}.",
            "where": str(error.filename or "run folder"),
            "mend": "Check the place, then resume.",
        }
    return {"what": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}", "where": None,
            "mend": "This is a fault of nascope: please report it with log.txt of the run."}  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the device or in the machine."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in str(error) or "out of memory" in str(error).lower()
    )
