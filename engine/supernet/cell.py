"""One cell of the supernet: every node reads every earlier state through a mixed operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.genotype.discretize import edge_index, edge_list
from engine.genotype.genotype import INPUT_STATES
from engine.primitives import FactorizedReduce, ReLUConvBN
from engine.supernet.partial import MixedOperation


@dataclass(frozen=True)
class CellWeights:
    """How the cells of one kind weigh their operations and edges; rows in the order of ``edge_list``.

    Attributes:
        operations: (edges, primitives).
        edges: (edges,), or None where each edge counts fully.
    """

    operations: Tensor
    edges: Tensor | None = None


class SupernetCell(nn.Module):
    """(N, C_before_last, H', W') and (N, C_last, H, W) to (N, nodes · C, H, W), halved in a reduction cell.

    Node i is the sum over all earlier states of a mixed operation each (DARTS eq. 1), with edge normalization times
    the edge's weight (PC-DARTS eq. 3). The output is the concatenation of all nodes.

    Args:
        channels_before_last, channels_last: of the outputs of the two cells before.
        reduction_before: whether the last cell halved the resolution, so that the first input is twice as large.
    """

    def __init__(
        self,
        channels_before_last: int,
        channels_last: int,
        channels: int,
        *,
        nodes: int,
        primitives: Sequence[str],
        reduction: bool,
        reduction_before: bool,
        parts: int = 1,
    ) -> None:
        super().__init__()
        self.nodes = nodes
        self.reduction = reduction
        fit_before_last = FactorizedReduce if reduction_before else ReLUConvBN
        self.preprocess0 = fit_before_last(channels_before_last, channels, affine=False)
        self.preprocess1 = ReLUConvBN(channels_last, channels, affine=False)
        self.edges = nn.ModuleList(
            # Nodes are of the halved size already, so only edges from the two inputs have the stride.
            MixedOperation(channels, 2 if reduction and source < INPUT_STATES else 1, primitives, parts=parts)
            for source, _ in edge_list(nodes)
        )

    def forward(self, before_last: Tensor, last: Tensor, weights: CellWeights) -> Tensor:
        states: list[Tensor] = [self.preprocess0(before_last), self.preprocess1(last)]
        for node in range(self.nodes):
            total: Tensor | None = None
            for source, state in enumerate(states):
                edge = edge_index(source, node)
                mixed: Tensor = self.edges[edge](state, weights.operations[edge])
                if weights.edges is not None:
                    mixed = weights.edges[edge] * mixed
                total = mixed if total is None else total + mixed
            assert total is not None
            states.append(total)
        return torch.cat(states[INPUT_STATES:], dim=1)
