"""Counting what a step asks of torch, without a clock: the same number at any load of the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_COMPUTES_NOTHING = frozenset({"aten::_unsafe_view"})
"""Views that torch does not mark as such."""


def count_operations(work: Callable[[], Any]) -> int:
    """How many aten operations the work runs, backward passes included; views, which compute nothing, are left out.

    A proxy for the launches of kernels on a GPU, where small operations cost what their launch costs.
    """
    counter = _Counter()
    with counter:
        work()
    return counter.count


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if isinstance(func, torch._ops.OpOverload) and not func.is_view and func._name not in _COMPUTES_NOTHING:
            self.count += 1
        return func(*args, **(kwargs or {}))
