"""What every supernet is: a network whose cells weigh their operations by alphas, and their edges by betas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from engine.genotype.discretize import edge_list, edge_offset
from engine.genotype.genotype import CellKind
from engine.supernet.cell import CellWeights
from engine.supernet.places import Place, places_within

ALPHA_SPREAD = 1e-3
"""Standard deviation of fresh alphas and betas."""

_ARCH_NAMES = ("normal_alphas", "reduction_alphas", "normal_betas", "reduction_betas")


class Supernet(nn.Module):
    """Alphas, betas and the contract of a weight-sharing network; ``ReferenceSupernet`` and ``FastSupernet`` are two.

    Alphas and betas are plain leaf tensors that require a gradient. They are no parameters on purpose: the weights'
    optimizer, their clip norm, their count and ``state_dict()`` must not see them. They follow the module's device
    and number format; ``arch_state`` saves them.

    ``state_dict()`` has one entry for each weight of each operation of each edge, ``cells.3.edges.7.sep_conv_3x3.pw1.weight``,
    in every supernet, however it holds its parameters; ``split`` and ``join`` do the same for gradients
    and for what an optimizer keeps.

    Attributes:
        normal_alphas, reduction_alphas: raw, (edges, primitives).
        normal_betas, reduction_betas: raw, (edges,); None without edge normalization.
    """

    normal_alphas: Tensor
    reduction_alphas: Tensor
    normal_betas: Tensor | None
    reduction_betas: Tensor | None

    def __init__(self, nodes: int, primitives: Sequence[str]) -> None:
        super().__init__()
        self.nodes = nodes
        self.primitives = tuple(primitives)
        self._given_weights: Mapping[CellKind, CellWeights] | None = None

    def cell_weights(self, kind: CellKind) -> CellWeights:
        """What the cells of this kind weigh with: softmax of each row of alphas, and of each node's betas."""
        if self._given_weights is not None:
            return self._given_weights[kind]
        alphas, betas = (
            (self.normal_alphas, self.normal_betas)
            if kind == "normal"
            else (self.reduction_alphas, self.reduction_betas)
        )
        return CellWeights(alphas.softmax(dim=-1), None if betas is None else normalize_betas(betas))

    @contextmanager
    def operation_weights(self, normal: CellWeights, reduction: CellWeights) -> Iterator[Self]:
        """Within the block the cells weigh with these instead of the alphas and betas (a discretized cell, say)."""
        before = self._given_weights
        self._given_weights = {"normal": normal, "reduction": reduction}
        try:
            yield self
        finally:
            self._given_weights = before

    def arch_tensors(self) -> list[Tensor]:
        """Alphas of the normal and the reduction cell, then betas of both where there are any."""
        return list(self.named_arch().values())

    def arch_state(self) -> dict[str, Tensor]:
        """Copies of alphas and betas by attribute name, for checkpoints."""
        return {name: tensor.detach().clone() for name, tensor in self.named_arch().items()}

    def load_arch_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy alphas and betas in from ``arch_state``; the tensors stay the same objects.

        Raises:
            ValueError: names or shapes that are not those of this supernet.
        """
        own = self.named_arch()
        if set(state) != set(own):
            raise ValueError(f"expected {', '.join(own)}; found {', '.join(state) or 'nothing'}.")
        for name, tensor in own.items():
            if state[name].shape != tensor.shape:
                raise ValueError(f"{name}: expected shape {tuple(tensor.shape)}, found {tuple(state[name].shape)}.")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[name])

    def still_statistics(self) -> AbstractContextManager[None]:
        """Within the block training passes leave the running statistics of batch norms alone (they use their batch)."""
        return still_statistics(norms_within(self))

    @contextmanager
    def differentiable_twice(self) -> Iterator[None]:
        """Within the block passes can be differentiated twice, by autograd; the textbook's always can."""
        yield

    def places(self) -> dict[str, Place]:
        """Where each tensor of ``state_dict()`` lies, in its order."""
        return dict(places_within("", self))

    def split(self, values: Sequence[Tensor]) -> dict[str, Tensor]:
        """By canonical name what belongs to each of ``parameters()``: gradients, say, or an optimizer's moments.

        Args:
            values: one tensor a parameter, in their order, of its shape.

        Returns:
            Views.
        """
        by_parameter = dict(zip(map(id, self.parameters()), values, strict=True))
        return {
            name: place.rows_of(by_parameter[id(place.tensor)])
            for name, place in self.places().items()
            if isinstance(place.tensor, nn.Parameter)
        }

    @torch.no_grad()
    def join(self, named: Mapping[str, Tensor]) -> list[Tensor]:
        """The inverse of ``split``: one new tensor a parameter, on the parameter's device.

        Raises:
            ValueError: names or shapes that are not those of this supernet.
        """
        joined = [torch.empty_like(parameter, requires_grad=False) for parameter in self.parameters()]
        own = self.split(joined)
        if set(named) != set(own):
            raise ValueError(f"other weights than this supernet's: {_some(set(named) ^ set(own))}.")
        for name, rows in own.items():
            if named[name].shape != rows.shape:
                raise ValueError(f"{name}: expected shape {tuple(rows.shape)}, found {tuple(named[name].shape)}.")
            rows.copy_(named[name])
        return joined

    def named_arch(self) -> dict[str, Tensor]:
        named = {name: getattr(self, name) for name in _ARCH_NAMES}
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def draw_alphas(self, edge_normalization: bool, generator: torch.Generator | None) -> None:
        """Fresh alphas, and betas where edges are normalized, of standard deviation ``ALPHA_SPREAD``."""
        edges = len(edge_list(self.nodes))

        def fresh(*shape: int) -> Tensor:
            return (ALPHA_SPREAD * torch.randn(*shape, generator=generator)).requires_grad_()

        self.normal_alphas = fresh(edges, len(self.primitives))
        self.reduction_alphas = fresh(edges, len(self.primitives))
        self.normal_betas = fresh(edges) if edge_normalization else None
        self.reduction_betas = fresh(edges) if edge_normalization else None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """``to``, ``cuda``, ``double`` and their kin. As for parameters the tensor object stays where torch can swap its data."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        with torch.no_grad():
            for name, tensor in self.named_arch().items():
                moved = fn(tensor)
                if not torch._has_compatible_shallow_copy_type(tensor, moved):  # to the meta device and back
                    setattr(self, name, moved.detach().requires_grad_())
                    continue
                tensor.data = moved
                if tensor.grad is not None:
                    tensor.grad.data = fn(tensor.grad)
        return self


def normalize_betas(betas: Tensor) -> Tensor:
    """Softmax of (edges,) over the edges that enter each node (PC-DARTS eq. 3)."""
    found, node = [], 0
    while edge_offset(node) < len(betas):
        found.append(betas[edge_offset(node) : edge_offset(node + 1)].softmax(dim=0))
        node += 1
    return torch.cat(found)


def norms_within(module: nn.Module) -> list[_BatchNorm]:
    """All batch norms of a module and its children."""
    return [part for part in module.modules() if isinstance(part, _BatchNorm)]


@contextmanager
def still_statistics(norms: Sequence[_BatchNorm]) -> Iterator[None]:
    """Within the block these batch norms do not move their running statistics."""
    moving = [norm for norm in norms if norm.track_running_stats]
    for norm in moving:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in moving:
            norm.track_running_stats = True


def _some(names: set[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + (" and others" if len(names) > len(shown) else "")
