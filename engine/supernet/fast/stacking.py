"""Tensors of several edges one after the other in one, and the names that each keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from engine.supernet.places import Place

NamedPlaces = Iterator[tuple[str, Place]]


def stack(tensors: Sequence[Tensor]) -> Tensor:
    """One tensor with the rows of all; a copy."""
    return torch.cat([tensor.detach() for tensor in tensors])


def stacked_parameter(tensors: Sequence[Tensor]) -> nn.Parameter:
    """As ``stack``, to be trained."""
    return nn.Parameter(stack(tensors))


def edge_places(module: nn.Module, attribute: str, names: Sequence[str]) -> NamedPlaces:
    """Each edge's rows of a stacked tensor under the edge's own name for it."""
    rows = getattr(module, attribute).shape[0] // len(names)
    for number, name in enumerate(names):
        yield name, Place(module, attribute, slice(number * rows, (number + 1) * rows))


def norm_places(norm: nn.BatchNorm2d, names: Sequence[str], *, shared: bool = False) -> NamedPlaces:
    """Running statistics and counter of the batch norms ``names``; ``shared``: one norm serves all of them."""
    for attribute in ("running_mean", "running_var"):
        own = [f"{name}.{attribute}" for name in names]
        if shared:
            yield from ((name, Place(norm, attribute)) for name in own)
        else:
            yield from edge_places(norm, attribute, own)
    yield from ((f"{name}.num_batches_tracked", Place(norm, "num_batches_tracked")) for name in names)
