"""One cell of a discrete network, built from a genotype's cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.errors import GenotypeError
from engine.genotype.genotype import INPUT_STATES, Cell
from engine.networks.drop_path import drop_path, is_dropped
from engine.primitives import FactorizedReduce, ReLUConvBN, build_primitive


class DiscreteCell(nn.Module):
    """(N, C_before_last, H', W') and (N, C_last, H, W) to (N, len(concat) · C, H, W), halved in a reduction cell.

    Args:
        cell: nodes of any number, with any number of edges each; concat in its own order.
        channels_before_last, channels_last: of the outputs of the two cells before.
        reduction_before: whether the last cell halved the resolution, so that the first input is twice as large.

    Raises:
        GenotypeError: a primitive that cannot be built, or a reduction cell whose concat holds one of its inputs.

    Source: DARTS, cnn/model.Cell.
    """

    def __init__(
        self,
        cell: Cell,
        channels_before_last: int,
        channels_last: int,
        channels: int,
        *,
        reduction: bool,
        reduction_before: bool,
    ) -> None:
        super().__init__()
        if reduction and min(cell.concat) < INPUT_STATES:
            raise GenotypeError(
                f"reduction, concat: state {min(cell.concat)} is an input of the cell, twice as large as its nodes.",
                mend=f"Name states of {INPUT_STATES} and up.",
            )
        self.concat = cell.concat
        self.channels_out = len(cell.concat) * channels
        self.sources = tuple(tuple(edge.source for edge in edges) for edges in cell.nodes)
        fit_before_last = FactorizedReduce if reduction_before else ReLUConvBN
        self.preprocess0 = fit_before_last(channels_before_last, channels, affine=True)
        self.preprocess1 = ReLUConvBN(channels_last, channels, affine=True)
        self.edges = nn.ModuleList(
            build_primitive(
                edge.primitive,
                channels,
                # Nodes are of the halved size already, so only edges from the two inputs have the stride.
                2 if reduction and edge.source < INPUT_STATES else 1,
                affine=True,
                pool_norm=False,
            )
            for _, _, edge in cell.edges()
        )

    def forward(self, before_last: Tensor, last: Tensor, drop_path_probability: float | Tensor = 0.0) -> Tensor:
        """``drop_path_probability`` acts in train mode only; a tensor is above 0."""
        drops = self.training and (isinstance(drop_path_probability, Tensor) or drop_path_probability > 0.0)
        states: list[Tensor] = [self.preprocess0(before_last), self.preprocess1(last)]
        operations = iter(self.edges)
        for sources in self.sources:
            total: Tensor | None = None
            for source in sources:
                operation = next(operations)
                term: Tensor = operation(states[source])
                if drops and is_dropped(operation):
                    term = drop_path(term, drop_path_probability)
                total = term if total is None else total + term
            assert total is not None  # a Genotype has no node without an edge
            states.append(total)
        return torch.cat([states[state] for state in self.concat], dim=1)
