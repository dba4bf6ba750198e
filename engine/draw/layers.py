"""A cell as layers: inputs, then nodes each with its operations as one block, the output last; dummies where a line passes.

An operation stands directly before the node it feeds, so a node and its operations are ordered and placed together.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import networkx as nx

from engine.genotype.genotype import INPUT_STATES, Cell
from engine.genotype.graph import OUTPUT, cell_graph

Edge = tuple[int, int]
"""Node and place of an operation, both from 0."""


class BoxSizes(Protocol):
    """Heights of boxes and the clear height between two of them."""

    @property
    def pill_height(self) -> float: ...
    @property
    def pill_gap(self) -> float: ...
    @property
    def node_size(self) -> float: ...
    @property
    def input_height(self) -> float: ...


@dataclass(frozen=True)
class Chain:
    """A line as the vertices that it goes through: a state, dummies, a block or the output."""

    vertices: tuple[int, ...]
    edge: Edge | None
    """The operation that reads; None for a line to the output."""


@dataclass(frozen=True)
class Link:
    """Part of a chain from one layer to the next."""

    start: int
    end: int
    edge: Edge | None
    """The operation that it ends at, where it ends at a block."""
    is_concat: bool


@dataclass
class Layers:
    """Vertices are numbers; every list is indexed by them.

    Attributes:
        before, after: neighbours in the layer before and after.
        layers: vertices of each layer, in order from the top.
        stacks: for each node the places of its operations, from the top.
        y: centre of each vertex, after placement.
    """

    ranks: list[int] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    is_dummy: list[bool] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)
    after: list[list[int]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    layers: list[list[int]] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    concat: int = -1
    stacks: list[list[int]] = field(default_factory=list)
    pill_step: float = 0.0
    y: list[float] = field(default_factory=list)

    def add(self, rank: int, height: float, *, is_dummy: bool = False) -> int:
        """A new vertex at the end of its layer."""
        while len(self.layers) <= rank:
            self.layers.append([])
        self.ranks.append(rank)
        self.heights.append(height)
        self.is_dummy.append(is_dummy)
        self.before.append([])
        self.after.append([])
        self.y.append(0.0)
        vertex = len(self.ranks) - 1
        self.layers[rank].append(vertex)
        return vertex

    def connect(self, start: int, end: int, edge: Edge | None) -> None:
        """A line between two vertices, with a dummy in each layer between them."""
        middle = [self.add(rank, 0.0, is_dummy=True) for rank in range(self.ranks[start] + 1, self.ranks[end])]
        vertices = (start, *middle, end)
        for a, b in itertools.pairwise(vertices):
            self.links.append(Link(a, b, edge if b == end else None, edge is None))
            self.after[a].append(b)
            self.before[b].append(a)
        self.chains.append(Chain(vertices, edge))

    def offset(self, edge: Edge | None) -> float:
        """How far an operation stands below (negative: above) the middle of its node."""
        if edge is None:
            return 0.0
        stack = self.stacks[edge[0]]
        return (stack.index(edge[1]) - (len(stack) - 1) / 2) * self.pill_step


NODES_A_RANK = 3
"""More nodes than this in one column make a picture that is higher than wide."""


def node_ranks(cell: Cell) -> list[int]:
    """Layer of each node: behind all that it reads; crowded layers send nodes that feed no other node further right."""
    graph = cell_graph(cell)
    graph.remove_node(OUTPUT)
    feeds = {node for node in range(len(cell.nodes)) if graph.out_degree(INPUT_STATES + node)}
    layer_of = {state: layer for layer, states in enumerate(nx.topological_generations(graph)) for state in states}
    ranks = [layer_of[INPUT_STATES + node] for node in range(len(cell.nodes))]
    layer = 1
    while layer <= max(ranks):
        here = [node for node, rank in enumerate(ranks) if rank == layer]
        crowd = len(here) - NODES_A_RANK
        if crowd > 0:
            for node in [node for node in here if node not in feeds][-crowd:]:
                ranks[node] += 1
        layer += 1
    return ranks


def build_layers(cell: Cell, sizes: BoxSizes) -> Layers:
    """The layers of a cell, in the order of its states and edges."""
    layers = Layers(pill_step=sizes.pill_height + sizes.pill_gap)
    ranks = node_ranks(cell)
    layers.states = [layers.add(0, sizes.input_height) for _ in range(INPUT_STATES)]
    for node, edges in enumerate(cell.nodes):
        stack = len(edges) * layers.pill_step - sizes.pill_gap
        layers.states.append(layers.add(ranks[node], max(stack, sizes.node_size)))
        layers.stacks.append(list(range(len(edges))))
    layers.concat = layers.add(max(ranks) + 1, sizes.input_height)
    for node, place, edge in cell.edges():
        layers.connect(layers.states[edge.source], layers.states[INPUT_STATES + node], (node, place))
    for state in cell.concat:
        layers.connect(layers.states[state], layers.concat, None)
    return layers


def stack_operations(layers: Layers, cell: Cell) -> None:
    """Order the operations of each node as the lines arrive at it, so that these do not cross."""
    position = {vertex: number for layer in layers.layers for number, vertex in enumerate(layer)}
    arrival: Mapping[Edge, int] = {
        chain.edge: position[chain.vertices[-2]] for chain in layers.chains if chain.edge is not None
    }
    for node, edges in enumerate(cell.nodes):
        layers.stacks[node] = sorted(range(len(edges)), key=lambda place: (arrival[node, place], place))
