"""Where the tensor of one operation of one edge lies, when a module holds those of several edges in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Place:
    """Some rows of a parameter or buffer.

    Attributes:
        module, attribute: who holds it; looked up each time, because ``to`` and its kin replace buffers.
        rows: along dimension 0; None for the whole tensor.
    """

    module: nn.Module
    attribute: str
    rows: slice | None = None

    @property
    def tensor(self) -> Tensor:
        """The whole tensor that these rows are a part of."""
        found: Tensor = getattr(self.module, self.attribute)
        return found

    def rows_of(self, tensor: Tensor) -> Tensor:
        """The same rows of a tensor that is shaped alike: a view."""
        return tensor if self.rows is None else tensor[self.rows]


def places_within(prefix: str, module: nn.Module) -> Iterator[tuple[str, Place]]:
    """What a module and its children hold, by the names that ``state_dict`` gives under ``prefix``."""
    for path, part in module.named_modules(prefix=prefix):
        for attribute in (*part._parameters, *part._buffers):
            if getattr(part, attribute) is not None:
                yield f"{path}.{attribute}".lstrip("."), Place(part, attribute)
