"""One cell of the fast supernet: it goes from state to state, and each state serves all edges that leave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.genotype.discretize import edge_index
from engine.genotype.genotype import INPUT_STATES
from engine.primitives import ReLUConvBN
from engine.supernet.buffers import modules_with_buffers
from engine.supernet.cell import CellWeights, SupernetCell
from engine.supernet.fast.fit import FastReLUConvBN
from engine.supernet.fast.layout import divide_channels, is_channels_last, match_layout
from engine.supernet.fast.maps import weighted_sum
from engine.supernet.fast.outgoing import Outgoing
from engine.supernet.fast.stacking import NamedPlaces
from engine.supernet.partial import MixedOperation


@dataclass(frozen=True)
class StateWeights:
    """How the E edges that leave one state are weighed.

    Attributes:
        operations: (E, primitives), the edges' weights in them.
        edges: (E,), of what passes by the operations.
    """

    operations: Tensor
    edges: Tensor


def rows_by_state(nodes: int) -> list[list[int]]:
    """For each state but the last the rows of its edges, by the node that they enter."""
    return [
        [edge_index(source, node) for node in range(max(0, source - 1), nodes)]
        for source in range(nodes + INPUT_STATES - 1)
    ]


def state_weights(weights: CellWeights, nodes: int) -> list[StateWeights]:
    """The weights of a kind of cell, apart by the state that the edges leave."""
    operations = weights.operations
    if weights.edges is None:
        edges = operations.new_ones(len(operations))
    else:
        edges = weights.edges
        operations = operations * edges.unsqueeze(1)  # The weight of an edge counts for all its operations.
    # Rows one by one: a list of indices would have to be copied to the device each time.
    of_edges, own = operations.unbind(), edges.unbind()
    return [
        StateWeights(torch.stack([of_edges[row] for row in rows]), torch.stack([own[row] for row in rows]))
        for rows in rows_by_state(nodes)
    ]


class FastCell(nn.Module):
    """Computes what ``SupernetCell`` does, from a copy of its weights.

    Args:
        textbook: the cell to copy.
        together: how many edges lie side by side in one tensor, at most.
    """

    def __init__(self, textbook: nn.Module, together: int) -> None:
        super().__init__()
        assert isinstance(textbook, SupernetCell)
        self.nodes = textbook.nodes
        self.reduction = textbook.reduction
        edges: list[MixedOperation] = list(textbook.edges)  # type: ignore[arg-type]
        self.parts = edges[0].parts
        self.preprocess0 = _fit(textbook.preprocess0)
        self.preprocess1 = _fit(textbook.preprocess1)
        self.outgoing = nn.ModuleList()
        self._rows = rows_by_state(self.nodes)
        for rows in self._rows:
            self.outgoing.append(Outgoing([edges[row] for row in rows], together))
        self.with_buffers = modules_with_buffers(self)
        self.users_with_buffers = [part for edges in self.states_edges() for part in modules_with_buffers(edges.others)]
        self.draws_random_numbers = any(edges.has_users_own for edges in self.states_edges())  # They might.

    def forward(self, before_last: Tensor, last: Tensor, weights: Sequence[StateWeights]) -> Tensor:
        """As ``SupernetCell``, with ``state_weights`` in place of the weights of all edges."""
        states = [self.preprocess0(before_last), self.preprocess1(last)]
        mixed = [_Sum() for _ in range(self.nodes)]
        passing: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(self.nodes)]
        for source, (edges, weighs) in enumerate(zip(self.states_edges(), weights, strict=True)):
            state = states[source]
            first_node = self.nodes - edges.edges
            part, rest = self._divide(state)
            for node, terms in enumerate(edges(part, weighs.operations), first_node):
                mixed[node].add(terms)
            if rest is not None:
                if edges.stride == 2:
                    rest = F.max_pool2d(rest, 2, 2, ceil_mode=True)
                for node in range(first_node, self.nodes):
                    passing[node].append((rest, weighs.edges[node - first_node]))
            if source > 0:
                node = source - 1  # Its last edge has just come in.
                states.append(self._node(mixed[node].total, passing[node]))
        return match_layout(torch.cat(states[INPUT_STATES:], dim=1), states[-1])

    def _divide(self, state: Tensor) -> tuple[Tensor, Tensor | None]:
        """The channels that are mixed, and those that pass by (PC-DARTS)."""
        if self.parts == 1:
            return state, None
        count = state.shape[1] // self.parts
        return divide_channels(state, count)

    def _node(self, total: Tensor | None, passing: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """The sum over a node's edges; the channel shuffle is linear, so that one for the node does for its edges."""
        assert total is not None
        if not passing:
            return total
        rest = weighted_sum([images for images, _ in passing], [weight for _, weight in passing])
        images, channels, height, width = total.shape
        if is_channels_last(total):
            first = total.permute(0, 2, 3, 1).unsqueeze(4)
            others = rest.permute(0, 2, 3, 1).reshape(images, height, width, self.parts - 1, channels).transpose(3, 4)
            return torch.cat([first, others], dim=4).reshape(images, height, width, -1).permute(0, 3, 1, 2)
        others = rest.reshape(images, self.parts - 1, channels, height, width).transpose(1, 2)
        return torch.cat([total.unsqueeze(2), others], dim=2).reshape(images, -1, height, width)

    def places(self, name: str) -> NamedPlaces:
        """The places of the edges, in the order of states; ``name`` is the cell's."""
        for rows, edges in zip(self._rows, self.states_edges(), strict=True):
            yield from edges.places([f"{name}.edges.{row}" for row in rows])

    def states_edges(self) -> list[Outgoing]:
        """For each state but the last the edges that leave it."""
        return list(self.outgoing)  # type: ignore[arg-type]


def _fit(textbook: nn.Module) -> nn.Module:
    return FastReLUConvBN(textbook) if isinstance(textbook, ReLUConvBN) else textbook


class _Sum:
    """A running sum that holds no term longer than it must: the first two make a new tensor, the others go into it."""

    def __init__(self) -> None:
        self.total: Tensor | None = None
        self._is_new = False

    def add(self, terms: Sequence[Tensor]) -> None:
        for term in terms:
            if self.total is None:
                self.total = term
            elif self._is_new:
                self.total.add_(term)
            else:
                self.total, self._is_new = self.total + term, True
