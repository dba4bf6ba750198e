"""The skip connection where the resolution halves: the factorized reduces of several edges at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.supernet.fast.layout import match_layout
from engine.supernet.fast.normalization import EdgesNorm, normalize
from engine.supernet.fast.stacking import NamedPlaces, edge_places, norm_places, stacked_parameter


class EdgesReduce(nn.Module):
    """``FactorizedReduce`` on E edges that leave one state: as all read the same images, it is two dense convolutions.

    Args:
        modules: a ``FactorizedReduce`` for each edge.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.edges = len(modules)
        self.conv1 = stacked_parameter([module.get_parameter("conv1.weight") for module in modules])
        self.conv2 = stacked_parameter([module.get_parameter("conv2.weight") for module in modules])
        self.bn = EdgesNorm([module.get_submodule("bn") for module in modules])

    def forward(self, rectified: Tensor, alphas: Tensor) -> Tensor:
        """ReLU(state) (N, C, H, W) and weights (E,) to (N, E·C, ⌈H/2⌉, ⌈W/2⌉)."""
        shifted = rectified[:, :, 1:, 1:]
        rows_missing, columns_missing = rectified.shape[2] % 2, rectified.shape[3] % 2
        if rows_missing or columns_missing:
            shifted = F.pad(shifted, (0, columns_missing, 0, rows_missing))
        halves = [F.conv2d(rectified[:, :, ::2, ::2], self.conv1), F.conv2d(shifted[:, :, ::2, ::2], self.conv2)]
        images, _, height, width = halves[0].shape
        # Each edge's channels are its half of the first convolution, then its half of the second.
        apart = [half.reshape(images, self.edges, -1, height, width) for half in halves]
        together = match_layout(torch.cat(apart, dim=2).reshape(images, -1, height, width), rectified)
        scale = alphas.unsqueeze(1).expand(-1, together.shape[1] // self.edges).reshape(-1).contiguous()
        return normalize(together, self.bn, scale)[0]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        for part in ("conv1", "conv2"):
            yield from edge_places(self, part, [f"{edge}.{part}.weight" for edge in edges])
        yield from norm_places(self.bn, [f"{edge}.bn" for edge in edges])
