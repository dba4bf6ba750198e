"""The textbook supernet: one module per edge and primitive, nothing merged.

It is the documentation of the search network, the oracle of the fast one and the yardstick of ``nascope bench``.
Source: DARTS, cnn/model_search.Network; PC-DARTS, model_search.Network.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.config.network import NetworkKind
from engine.genotype.genotype import CELL_KINDS
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.networks.layout import reduction_places
from engine.networks.stem import search_stem
from engine.supernet.base import Supernet
from engine.supernet.cell import SupernetCell


class ReferenceSupernet(Supernet):
    """The weight-sharing network that a search trains: images (N, image_channels, H, W) to logits (N, classes).

    Args:
        channels: C of the first cell; each reduction doubles them.
        layers: number of cells.
        nodes: intermediate nodes of a cell.
        primitives: candidates of an edge, in the order of an alpha row.
        partial_channels: K of PC-DARTS; 1 mixes all channels.
        edge_normalization: whether edges have weights of their own (betas).
        network: which stem: ``cifar`` keeps the image's size, ``imagenet`` halves it three times (PC-DARTS,
            model_search_imagenet) and lets the first cell count as one after a reduction.
        generator: source of the fresh alphas; None takes torch's own, after the weights have been drawn.

    Raises:
        ConfigError: channels that cannot be cut into ``partial_channels`` parts.
        GenotypeError: a primitive that cannot be built.
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
    ) -> None:
        super().__init__(nodes, primitives)
        self.partial_channels = partial_channels
        self.stem = search_stem(network, image_channels, channels)
        self.cells = nn.ModuleList()
        before_last = last = self.stem.channels_out
        reduction_before = self.stem.halves
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
        self.draw_alphas(edge_normalization, generator)

    def forward(self, images: Tensor) -> Tensor:
        weights = {kind: self.cell_weights(kind) for kind in CELL_KINDS}
        before_last, last = self.stem(images)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last, weights["reduction" if cell.reduction else "normal"])
        logits: Tensor = self.classifier(last.mean(dim=(2, 3)))
        return logits
