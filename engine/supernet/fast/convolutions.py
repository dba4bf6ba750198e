"""All separable and dilated convolutions of the edges that leave one state, summed with their alphas.

Every primitive of the kind ``relu_dw_pw_bn`` is ReLU, depthwise, pointwise, batch norm, once or several times. The
edges lie side by side as channels of one tensor, in groups whose size suits the device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.genotype.primitives import PrimitiveDeclaration
from engine.supernet.fast.edge_group import EdgeGroup
from engine.supernet.fast.stacking import NamedPlaces
from engine.supernet.fast.sums import Sums, as_autocast, plain_sums


class Convolutions(nn.Module):
    """For each edge that leaves a state, the sum over primitives of alpha · primitive(state).

    Args:
        primitives: all of the kind ``relu_dw_pw_bn``.
        edges: the textbook's mixed operations.
        together: how many edges lie side by side in one tensor, at most.
    """

    def __init__(
        self, primitives: Sequence[PrimitiveDeclaration], edges: Sequence[nn.Module], stride: int, together: int
    ) -> None:
        super().__init__()
        self.groups = nn.ModuleList(
            EdgeGroup(primitives, edges[start : start + together], stride) for start in range(0, len(edges), together)
        )

    def forward(self, rectified: Tensor, alphas: Tensor, *, plain: bool = False) -> list[Tensor]:
        """ReLU(state) (N, C, H, W) and weights (edges, primitives) to a tensor (N, C, H', W') for each edge.

        Args:
            plain: use torch's operations only: slower, takes more memory, and can be differentiated twice.
        """
        channels = rectified.shape[1]
        # (primitives, edges · C): a row for each primitive, every alpha as often as its edge has channels.
        scales = alphas.t().unsqueeze(-1).expand(-1, -1, channels).reshape(alphas.shape[1], -1).contiguous()
        groups = self._groups()
        if plain:
            found = plain_sums(rectified, scales, groups)
        else:
            rectified, weights = as_autocast(rectified, [weight for group in groups for weight in group.weights()])
            found = Sums.apply(rectified, scales, groups, *weights)
        return [
            part
            for images in found
            for part in (torch.split(images, channels, dim=1) if images.shape[1] > channels else [images])
        ]

    def _groups(self) -> list[EdgeGroup]:
        return list(self.groups)  # type: ignore[arg-type]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        first = 0
        for group in self._groups():
            yield from group.places(edges[first : first + group.edges])
            first += group.edges
