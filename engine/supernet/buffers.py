"""Passes that must leave no trace in the buffers of modules, or must begin where an earlier pass began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

Buffers = list[dict[str, Tensor | None]]


def modules_with_buffers(module: nn.Module) -> list[nn.Module]:
    """The module and its children, those that hold buffers themselves."""
    return [part for part in module.modules() if part._buffers]


class MovingCopies:
    """Within the block modules move copies of their buffers, also where they bind a new tensor; may be entered again.

    Args:
        modules: whose own buffers are replaced.
        start: what the copies are made of, by ``snapshot``; the buffers themselves if not given.
    """

    def __init__(self, modules: Sequence[nn.Module], start: Snapshot | None = None) -> None:
        self._modules = modules
        self._start = start
        self._own: list[Buffers] = []

    def __enter__(self) -> Self:
        self._own.append([dict(module._buffers) for module in self._modules])
        _install(self._modules, _copies([dict(module._buffers) for module in self._modules]))
        if self._start is not None:
            _install(self._start.modules, _copies(self._start.buffers))
        return self

    def __exit__(self, *error: object) -> None:
        _install(self._modules, self._own.pop())


class Snapshot:
    """Remembers, when it is entered, the buffers of some modules as they are."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self.modules = modules
        self.buffers: Buffers = []

    def __enter__(self) -> Self:
        self.buffers = _copies([dict(module._buffers) for module in self.modules])
        return self

    def __exit__(self, *error: object) -> None:
        """What was remembered stays."""


def _copies(buffers: Buffers) -> Buffers:
    return [{name: None if kept is None else kept.clone() for name, kept in own.items()} for own in buffers]


def _install(modules: Sequence[nn.Module], buffers: Buffers) -> None:
    for module, own in zip(modules, buffers, strict=True):
        module._buffers.update(own)
