"""All edges that leave one state: what they share is computed once.

Which primitive goes which way:

- ``none``: nowhere; its alpha acts through the softmax that it takes part in.
- pools, identity: once a state (``maps.py``).
- separable and dilated convolutions: edges side by side (``convolutions.py``), in groups of a size that suits the device.
- factorized reduce: all edges at once (``reduce.py``).
- anything else, users' own primitives say: a module for each edge, as in the textbook supernet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.genotype.primitives import declaration
from engine.primitives import FactorizedReduce
from engine.supernet.fast.convolutions import Convolutions
from engine.supernet.fast.maps import SharedPool, spread_maps
from engine.supernet.fast.reduce import EdgesReduce
from engine.supernet.fast.stacking import NamedPlaces
from engine.supernet.partial import MixedOperation
from engine.supernet.places import places_within


class Outgoing(nn.Module):
    """The mixed operations of the edges that leave one state, all of one stride, on the mixed channels only.

    Args:
        mixed: the textbook's mixed operation of each edge; its weights are copied.
        together: how many edges lie side by side in one tensor, at most.
    """

    def __init__(self, mixed: Sequence[MixedOperation], together: int) -> None:
        super().__init__()
        self.edges = len(mixed)
        self.stride = mixed[0].stride
        self.maps = nn.ModuleDict()  # name -> SharedPool or Identity
        self.others = nn.ModuleDict()  # name -> Sequential of one module for each edge
        self.reduces = nn.ModuleDict()  # name -> EdgesReduce
        self._columns = {name: column for column, (name, _) in enumerate(mixed[0].named_children())}
        fused: list[str] = []
        for name, first in mixed[0].named_children():
            modules = [operation.get_submodule(name) for operation in mixed]
            kind = declaration(name).kind
            if kind == "none":
                continue
            if kind == "relu_dw_pw_bn":
                fused.append(name)
            elif kind == "pool":
                self.maps[name] = SharedPool(modules)
            elif kind == "identity" and isinstance(first, FactorizedReduce):
                self.reduces[name] = EdgesReduce(modules)
            elif kind == "identity":
                self.maps[name] = nn.Identity()
            else:
                self.others[name] = nn.Sequential(*modules)
        self.has_users_own = any(declaration(name).kind == "custom" for name in self.others)
        self._fused_columns = [self._columns[name] for name in fused]
        self.convolutions = (
            Convolutions([declaration(name) for name in fused], mixed, self.stride, together) if fused else None
        )
        self.differentiates_twice = False

    def forward(self, x: Tensor, weights: Tensor) -> list[list[Tensor]]:
        """(N, C, H, W) and weights (E, primitives) to the terms of each edge's sum, each (N, C, H', W')."""
        terms: list[list[Tensor]] = [[] for _ in range(self.edges)]

        def add(of_edges: Iterable[Tensor]) -> None:
            for own, images in zip(terms, of_edges, strict=True):
                own.append(images)

        if self.convolutions is not None or self.reduces:
            rectified = F.relu(x)
        if self.convolutions is not None:
            alphas = _columns(weights, self._fused_columns)
            add(self.convolutions(rectified, alphas, plain=self.differentiates_twice))
        for name, reduce in self.reduces.items():
            images = reduce(rectified, weights[:, self._columns[name]])
            add(images.split(x.shape[1], dim=1))
        if self.maps:
            alphas = _columns(weights, [self._columns[name] for name in self.maps])
            add(spread_maps([module(x) for module in self.maps.values()], alphas))
        for name, modules in self.others.items():
            alphas = weights[:, self._columns[name]]
            add(alpha * module(x) for alpha, module in zip(alphas, modules.children(), strict=True))
        if not terms[0]:  # nothing but ``none``
            add(torch.zeros_like(x[:, :, :: self.stride, :: self.stride]) for _ in terms)
        return terms

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        """Under ``edges``, the name of each edge, what this module and its children hold."""
        if self.convolutions is not None:
            yield from self.convolutions.places(edges)
        for name, reduce in self.reduces.items():
            assert isinstance(reduce, EdgesReduce)
            yield from reduce.places([f"{edge}.{name}" for edge in edges])
        for name, module in self.maps.items():
            if isinstance(module, SharedPool):
                yield from module.places([f"{edge}.{name}" for edge in edges])
        for name, modules in self.others.items():
            for edge, module in zip(edges, modules.children(), strict=True):
                yield from places_within(f"{edge}.{name}", module)


def _columns(weights: Tensor, columns: Sequence[int]) -> Tensor:
    """Some columns of a matrix, without a list of indices that would have to be copied to the device."""
    first, count = columns[0], len(columns)
    if list(columns) == list(range(first, first + count)):
        return weights[:, first : first + count]
    return torch.stack([weights[:, column] for column in columns], dim=1)
