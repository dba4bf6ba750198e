"""A cell as a graph: what layout, drawing and comparing walk over."""

from __future__ import annotations

import networkx as nx

from engine.genotype.genotype import INPUT_STATES, Cell

OUTPUT = "output"
"""Identifier of the graph's node for the cell's output; every other identifier is a state index."""

INPUT_NAMES = ("k−2", "k−1")


def state_name(state: int) -> str:
    """What people call a state: ``k−2``, ``k−1``, then ``node 0`` and up."""
    return INPUT_NAMES[state] if state < INPUT_STATES else f"node {state - INPUT_STATES}"


def cell_graph(cell: Cell) -> nx.MultiDiGraph[int | str]:
    """The cell as a directed multigraph, since two edges may join the same two states (NASNet has such a node).

    Nodes are state indices with ``role`` ``input`` or ``node`` (then ``node`` is its number from 0) and ``label``; and
    ``OUTPUT`` with role ``output``. Edges of kind ``operation`` go from a state to a node; their key is the place among
    the node's inputs, and they carry ``primitive``, ``node`` and ``place``. Edges of kind ``concat`` go from a state to
    ``OUTPUT``; their key and ``place`` are the position in the concatenation.
    """
    graph: nx.MultiDiGraph[int | str] = nx.MultiDiGraph()
    for state in range(INPUT_STATES):
        graph.add_node(state, role="input", label=state_name(state))
    for node in range(len(cell.nodes)):
        graph.add_node(INPUT_STATES + node, role="node", node=node, label=str(node))
    graph.add_node(OUTPUT, role="output", label="concat")
    for node, place, edge in cell.edges():
        graph.add_edge(
            edge.source,
            INPUT_STATES + node,
            key=place,
            kind="operation",
            primitive=edge.primitive,
            node=node,
            place=place,
        )
    for place, state in enumerate(cell.concat):
        graph.add_edge(state, OUTPUT, key=place, kind="concat", place=place)
    return graph


def loose_nodes(cell: Cell) -> tuple[int, ...]:
    """Nodes (from 0) whose state never reaches the output: AmoebaNet has none, an edited cell may."""
    graph = cell_graph(cell)
    reached = nx.ancestors(graph, OUTPUT)
    return tuple(node for node in range(len(cell.nodes)) if INPUT_STATES + node not in reached)
