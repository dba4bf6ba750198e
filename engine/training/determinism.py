"""Whether the same bits come out each time: torch's switches, set for a while.

The seed decides every random choice anyway. What is left are kernels that add in the order in which threads happen to
come: those of a GPU, and the choice among several of them by the clock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
_CUBLAS_VALUES = (":4096:8", ":16:8")
"""The settings of cuBLAS under which a product of matrices is the same each time."""


def choose_algorithms(deterministic: bool) -> None:
    """Let torch use deterministic operations alone, or whatever is fastest. Call it before anything is computed on a GPU.

    cuDNN never tries its kernels out (``cudnn.benchmark``): a supernet has hundreds of shapes, so that the trials took a
    minute before the first step on an H200, and the winners, and with them the last bits, differ from start to start.
    """
    if deterministic and os.environ.get(_CUBLAS) not in _CUBLAS_VALUES:
        os.environ[_CUBLAS] = _CUBLAS_VALUES[0]  # cuBLAS reads it once.
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = False


@contextmanager
def algorithms_as_before() -> Iterator[None]:
    """After the block the choice is what it was: a process may carry out several runs."""
    cudnn = torch.backends.cudnn
    enabled, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    deterministic, benchmark, cublas = cudnn.deterministic, cudnn.benchmark, os.environ.get(_CUBLAS)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warns)
        cudnn.deterministic, cudnn.benchmark = deterministic, benchmark
        if cublas is None:
            os.environ.pop(_CUBLAS, None)
        else:
            os.environ[_CUBLAS] = cublas


def refused_operation(error: BaseException) -> str | None:
    """The operation that torch has no deterministic way for, where that is the error; else None."""
    text = str(error)
    if not isinstance(error, RuntimeError) or "use_deterministic_algorithms" not in text:
        return None
    found = re.search(r"(\S+) does not have a deterministic implementation", text)
    if found:
        return found[1]
    return "cuBLAS" if _CUBLAS in text else "an operation"
