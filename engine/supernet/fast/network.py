"""The supernet that searches run: equal to the textbook's in every number, several times faster, a part of its memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.config.network import NetworkKind
from engine.genotype.genotype import CELL_KINDS
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.supernet.base import Supernet, norms_within, still_statistics
from engine.supernet.buffers import MovingCopies, Snapshot
from engine.supernet.fast.cell import FastCell, StateWeights, state_weights
from engine.supernet.fast.normalization import EdgesNorm
from engine.supernet.places import Place, places_within
from engine.supernet.reference import ReferenceSupernet


class FastSupernet(Supernet):
    """Computes what ``ReferenceSupernet`` does; see ``docs/fast-supernet.md`` for how.

    It starts with the very weights and alphas that a ``ReferenceSupernet`` would draw, and reads and writes the same
    ``state_dict()``.

    Args:
        edges_together: how many edges that leave one state lie side by side in one tensor, at most: a number for each
            cell; None for all edges everywhere. It changes speed, never a name or (but for rounding) a number.
        channels_last: memory order of the images.
        others: as ``ReferenceSupernet``.

    Attributes:
        recomputes_cells: activation checkpointing: keep a cell's inputs only and compute it once more when the gradient
            comes back; about a third more time and less than half of the memory. May be switched between passes.

    Raises:
        ConfigError, GenotypeError: as ``ReferenceSupernet``.
    """

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
        network: NetworkKind = "cifar",
        generator: torch.Generator | None = None,
        edges_together: Sequence[int] | None = None,
        channels_last: bool = True,
    ) -> None:
        super().__init__(nodes, primitives)
        textbook = ReferenceSupernet(
            channels, classes, layers, image_channels=image_channels, nodes=nodes, primitives=primitives,
            partial_channels=partial_channels, edge_normalization=edge_normalization, network=network, generator=generator,
        )  # fmt: skip
        self.channels_last = channels_last
        self.recomputes_cells = False
        self.stem = textbook.stem
        self.cells = nn.ModuleList(
            FastCell(cell, nodes if edges_together is None else edges_together[number])
            for number, cell in enumerate(textbook.cells)
        )
        self.classifier = textbook.classifier
        self.normal_alphas, self.reduction_alphas = textbook.normal_alphas, textbook.reduction_alphas
        self.normal_betas, self.reduction_betas = textbook.normal_betas, textbook.reduction_betas
        self._order = list(textbook.places())
        self._norms = norms_within(self)
        self._edges_norms = [norm for norm in self._norms if isinstance(norm, EdgesNorm)]

    def forward(self, images: Tensor) -> Tensor:
        self._count_batch()
        weights = {kind: state_weights(self.cell_weights(kind), self.nodes) for kind in CELL_KINDS}
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        before_last, last = self.stem(images.contiguous(memory_format=order))
        for cell in self._cells():
            before_last, last = (
                last,
                self._compute(cell, before_last, last, weights["reduction" if cell.reduction else "normal"]),
            )
        logits: Tensor = self.classifier(last.mean(dim=(2, 3)))
        return logits

    def _compute(self, cell: FastCell, before_last: Tensor, last: Tensor, weights: Sequence[StateWeights]) -> Tensor:
        found: Tensor
        if self.recomputes_cells and torch.is_grad_enabled():
            # The second time running statistics have seen the batch: copies move. What users' own modules compute may
            # depend on where their buffers stood the first time.
            start = Snapshot(cell.users_with_buffers)
            found = checkpoint(
                cell, before_last, last, weights, use_reentrant=False, preserve_rng_state=cell.draws_random_numbers,
                context_fn=lambda: (start, MovingCopies(cell.with_buffers, start)),
            )  # fmt: skip
        else:
            found = cell(before_last, last, weights)
        return found

    def _count_batch(self) -> None:
        """Move the counters of all batch norms at once: on a GPU hundreds of tiny additions would take their time."""
        moving = [norm.num_batches_tracked for norm in self._edges_norms if norm.training and norm.track_running_stats]
        if moving:
            torch._foreach_add_(moving, 1)

    def _cells(self) -> list[FastCell]:
        return list(self.cells)  # type: ignore[arg-type]

    def still_statistics(self) -> AbstractContextManager[None]:
        return still_statistics(self._norms)

    @contextmanager
    def differentiable_twice(self) -> Iterator[None]:
        edges = [outgoing for cell in self._cells() for outgoing in cell.states_edges()]
        for outgoing in edges:
            outgoing.differentiates_twice = True
        try:
            yield
        finally:
            for outgoing in edges:
                outgoing.differentiates_twice = False

    def places(self) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for prefix, part in (("stem", self.stem), ("classifier", self.classifier)):
            found |= dict(places_within(prefix, part))
        for number, cell in enumerate(self._cells()):
            for name in ("preprocess0", "preprocess1"):
                found |= dict(places_within(f"cells.{number}.{name}", getattr(cell, name)))
            found |= dict(cell.places(f"cells.{number}"))
        return {name: found[name] for name in self._order}

    def state_dict(self, *, keep_vars: bool = False) -> dict[str, Tensor]:  # type: ignore[override]
        """By the names of ``ReferenceSupernet``; views, as torch's own."""
        tensors = {name: place.rows_of(place.tensor) for name, place in self.places().items()}
        return OrderedDict((name, tensor if keep_vars else tensor.detach()) for name, tensor in tensors.items())

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # type: ignore[override]
        """Copy a ``state_dict`` of any supernet of this shape in.

        Raises:
            RuntimeError: names or shapes that are not those of this supernet.
        """
        own = self.state_dict()
        if set(own) != set(state):
            raise RuntimeError(f"other weights than this supernet's: {', '.join(sorted(set(own) ^ set(state))[:3])}")
        for name, tensor in own.items():
            if state[name].shape != tensor.shape:
                raise RuntimeError(f"{name}: expected shape {tuple(tensor.shape)}, found {tuple(state[name].shape)}.")
        for name, tensor in own.items():
            tensor.copy_(state[name])
