"""Where the time of a step goes, by kinds of operation that people know."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

KINDS = {
    "convolution": "convolutions",
    "batch_norm": "batch normalization",
    "pooling": "pooling",
    "elementwise": "element by element: ReLU, sums, scaling",
    "copies": "copies and changes of layout",
    "matrix_products": "matrix products",
    "optimizer": "optimizers and clipping",
    "other": "everything else (views, loss, softmax)",
}
"""The kinds and their words."""

_PATTERNS = (
    ("convolution", re.compile(r"conv(?!ert)")),
    ("batch_norm", re.compile(r"batch_norm")),
    ("pooling", re.compile(r"pool")),
    ("matrix_products", re.compile(r"^_?(add)?(mm|mv|bmm|matmul|linear|dot)(_out)?$|^baddbmm$")),
    (
        "copies",
        re.compile(
            r"^(copy_|_?to(_copy)?|clone|contiguous|cat|stack|repeat|_?pad|constant_pad_nd|flip|roll|gather|index"
            r"|index_select|index_put_|_unsafe_index|scatter|fill_|zero_|zeros|zeros_like|new_zeros|ones_like|empty.*"
            r"|new_empty.*|resize_|(slice|select|as_strided|unfold|index|index_select|gather)_backward|reshape"
            r"|channel_shuffle|native_channel_shuffle|pixel_(un)?shuffle)$"
        ),
    ),
    (
        "elementwise",
        re.compile(
            r"^_?(add|sub|rsub|mul|div|neg|pow|sqrt|rsqrt|exp|log|abs|where|clamp(_min|_max)?|maximum|minimum|relu|threshold"
            r"|threshold_backward|sigmoid|tanh|hardtanh|leaky_relu|elu|gelu|silu|softplus|lerp|addcmul|addcdiv|sum|mean"
            r"|softmax|log_softmax|(log_)?softmax_backward_data|masked_fill|logsumexp|native_dropout(_backward)?)_?$"
        ),
    ),
)
_OPTIMIZER = re.compile(r"^(Optimizer\.(step|zero_grad)|aten::_(foreach|fused|amp)_)")


def time_shares(work: Callable[[], Any], device: torch.device) -> dict[str, float] | None:
    """Each kind's share of the time inside torch's operations; the shares add up to 1. Python's own time is left out.

    The profiler slows small operations more than large ones, so these are shares for comparing, and no seconds. Run
    the work a few times before: the first passes pay for fresh memory.

    Returns:
        By the keys of ``KINDS``; None where the device keeps no clock for the profiler, or nothing was found.
    """
    on_cuda = device.type == "cuda"
    if not on_cuda and device.type != "cpu":
        return None
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    found = profile(activities=activities)
    with _silent():
        found.start()
    try:
        work()
        if on_cuda:
            torch.cuda.synchronize(device)
    finally:
        with _silent():
            found.stop()
    microseconds = dict.fromkeys(KINDS, 0.0)
    # Rows of the processor only: they hold the device's time of the kernels that they launched.
    for event in found.events():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if event.device_type.name == "CPU" and event.name.startswith("aten::"):
            microseconds[_kind_of(event)] += event.self_device_time_total if on_cuda else event.self_cpu_time_total
    total = sum(microseconds.values())
    return {kind: part / total for kind, part in microseconds.items()} if total > 0 else None


def kind_of(name: str) -> str:
    """The kind of an operation by its name, ``aten::mkldnn_convolution`` say."""
    if _OPTIMIZER.match(name):
        return "optimizer"
    name = name.removeprefix("aten::")
    return next((kind for kind, pattern in _PATTERNS if pattern.search(name)), "other")


def _kind_of(event: Any) -> str:
    """As ``kind_of``, but what an optimizer does is the optimizer's, be it a sum or a product."""
    above = event
    while above is not None:
        if _OPTIMIZER.match(above.name):
            return "optimizer"
        above = above.cpu_parent
    return kind_of(event.name)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what libraries write to standard error by themselves away: the profiler tells of its own starts and stops."""
    try:
        kept = os.dup(2)
    except OSError:  # There is none.
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # as a device
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
