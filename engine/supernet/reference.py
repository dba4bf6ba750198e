"""The textbook supernet: one module per edge and primitive, nothing merged.

It is the documentation of the search network and the yardstick for any faster one.
Source: DARTS, cnn/model_search.Network; PC-DARTS, model_search.Network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor, nn

from engine.genotype.discretize import edge_list, edge_offset
from engine.genotype.genotype import CELL_KINDS, CellKind
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.networks.layout import reduction_places
from engine.networks.stem import CifarStem
from engine.supernet.cell import CellWeights, SupernetCell

ALPHA_SPREAD = 1e-3
"""Standard deviation of fresh alphas and betas."""

_ARCH_NAMES = ("normal_alphas", "reduction_alphas", "normal_betas", "reduction_betas")


class Supernet(nn.Module):
    """The weight-sharing network that a search trains: images (N, image_channels, H, W) to logits (N, classes).

    Alphas and betas are plain leaf tensors that require a gradient. They are no parameters on purpose: the weights'
    optimizer, their clip norm, their count and ``state_dict()`` must not see them. They follow the module's device
    and number format; ``arch_state`` saves them.

    Args:
        channels: C of the first cell; each reduction doubles them.
        layers: number of cells.
        nodes: intermediate nodes of a cell.
        primitives: candidates of an edge, in the order of an alpha row.
        partial_channels: K of PC-DARTS; 1 mixes all channels.
        edge_normalization: whether edges have weights of their own (betas).
        generator: source of the fresh alphas; None takes torch's own, after the weights have been drawn.

    Attributes:
        normal_alphas, reduction_alphas: raw, (edges, primitives).
        normal_betas, reduction_betas: raw, (edges,); None without edge normalization.

    Raises:
        ConfigError: channels that cannot be cut into ``partial_channels`` parts.
        GenotypeError: a primitive that cannot be built.
    """

    normal_alphas: Tensor
    reduction_alphas: Tensor
    normal_betas: Tensor | None
    reduction_betas: Tensor | None

    def __init__(
        self,
        channels: int,
        classes: int,
        layers: int,
        *,
        image_channels: int = 3,
        nodes: int = 4,
        primitives: Sequence[str] = DARTS_PRIMITIVES,
        partial_channels: int = 1,
        edge_normalization: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.nodes = nodes
        self.primitives = tuple(primitives)
        self.partial_channels = partial_channels
        self.edge_normalization = edge_normalization
        self.stem = CifarStem(image_channels, channels)
        self.cells = nn.ModuleList()
        before_last = last = self.stem.channels_out
        reduction_before = False
        for layer in range(layers):
            reduction = layer in reduction_places(layers)
            channels *= 2 if reduction else 1
            self.cells.append(
                SupernetCell(
                    before_last, last, channels, nodes=nodes, primitives=self.primitives, reduction=reduction,
                    reduction_before=reduction_before, parts=partial_channels,
                )
            )  # fmt: skip
            before_last, last, reduction_before = last, nodes * channels, reduction
        self.classifier = nn.Linear(last, classes)
        self._given_weights: Mapping[CellKind, CellWeights] | None = None
        self._draw_alphas(generator)

    def forward(self, images: Tensor) -> Tensor:
        weights = {kind: self.cell_weights(kind) for kind in CELL_KINDS}
        before_last = last = self.stem(images)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last, weights["reduction" if cell.reduction else "normal"])
        logits: Tensor = self.classifier(last.mean(dim=(2, 3)))
        return logits

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
        return list(self._named_arch().values())

    def arch_state(self) -> dict[str, Tensor]:
        """Copies of alphas and betas by attribute name, for checkpoints."""
        return {name: tensor.detach().clone() for name, tensor in self._named_arch().items()}

    def load_arch_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy alphas and betas in from ``arch_state``; the tensors stay the same objects.

        Raises:
            ValueError: names or shapes that are not those of this supernet.
        """
        own = self._named_arch()
        if set(state) != set(own):
            raise ValueError(f"expected {', '.join(own)}; found {', '.join(state) or 'nothing'}.")
        for name, tensor in own.items():
            if state[name].shape != tensor.shape:
                raise ValueError(f"{name}: expected shape {tuple(tensor.shape)}, found {tuple(state[name].shape)}.")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[name])

    def _named_arch(self) -> dict[str, Tensor]:
        named = {name: getattr(self, name) for name in _ARCH_NAMES}
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def _draw_alphas(self, generator: torch.Generator | None) -> None:
        edges = len(edge_list(self.nodes))

        def fresh(*shape: int) -> Tensor:
            return (ALPHA_SPREAD * torch.randn(*shape, generator=generator)).requires_grad_()

        self.normal_alphas = fresh(edges, len(self.primitives))
        self.reduction_alphas = fresh(edges, len(self.primitives))
        self.normal_betas = fresh(edges) if self.edge_normalization else None
        self.reduction_betas = fresh(edges) if self.edge_normalization else None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """``to``, ``cuda``, ``double`` and their kin. As for parameters the tensor object stays where torch can swap its data."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        with torch.no_grad():
            for name, tensor in self._named_arch().items():
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
