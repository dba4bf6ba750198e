"""Cells as graphs, and what differs between two."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx

from engine.genotype import Cell, Edge
from engine.genotype.compare import ConcatDifference, NodeDifference, changed_nodes, differences, differing_edges
from engine.genotype.graph import OUTPUT, cell_graph, loose_nodes, state_name
from engine.genotype.named import named, named_genotypes

V2 = named("DARTS_V2")


def test_a_graph_has_all_states_and_edges() -> None:
    graph = cell_graph(V2.normal)

    assert {state: data["role"] for state, data in graph.nodes(data=True)} == {
        0: "input", 1: "input", 2: "node", 3: "node", 4: "node", 5: "node", OUTPUT: "output",
    }  # fmt: skip
    operations = [
        (source, target, data["primitive"], data["place"])
        for source, target, data in graph.edges(data=True)
        if data["kind"] == "operation"
    ]
    assert len(operations) == 8
    assert (2, 5, "dil_conv_3x3", 1) in operations
    assert sorted(graph.predecessors(OUTPUT)) == [2, 3, 4, 5]


def test_two_equal_edges_between_two_states_stay_two() -> None:
    graph = cell_graph(named("NASNet").normal)  # Node 3 takes the average pool of k-2 twice.

    assert graph.number_of_edges(0, 5) == 2
    assert [graph.edges[0, 5, key]["primitive"] for key in (0, 1)] == ["avg_pool_3x3", "avg_pool_3x3"]


def test_every_named_cell_is_acyclic() -> None:
    for genotype in named_genotypes():
        assert nx.is_directed_acyclic_graph(cell_graph(genotype.normal))
        assert nx.is_directed_acyclic_graph(cell_graph(genotype.reduction))


def test_a_node_that_reaches_no_output_is_loose() -> None:
    cell = Cell(((Edge("a", 0),), (Edge("b", 1),), (Edge("c", 2),)), (4,))

    assert loose_nodes(cell) == (1,)


def test_states_have_the_names_of_the_papers() -> None:
    assert [state_name(state) for state in range(4)] == ["k−2", "k−1", "node 0", "node 1"]


def test_the_order_of_inputs_is_no_difference() -> None:
    turned = replace(V2, normal=Cell(tuple(node[::-1] for node in V2.normal.nodes), V2.normal.concat))

    assert differences(V2, turned) == ()
    assert changed_nodes(V2, turned) == []


def test_differences_name_kind_and_node() -> None:
    nodes = list(V2.normal.nodes)
    nodes[2] = (Edge("sep_conv_3x3", 1), Edge("sep_conv_5x5", 0))
    other = replace(V2, normal=Cell(tuple(nodes), (2, 3, 4)))

    assert differences(V2, other) == (
        NodeDifference("normal", 2, (Edge("skip_connect", 0),), (Edge("sep_conv_5x5", 0),)),
        ConcatDifference("normal", (2, 3, 4, 5), (2, 3, 4)),
    )
    assert changed_nodes(V2, other) == [("normal", 2)]
    assert str(differences(V2, other)[0]) == "normal, node 2: skip from k−2 against sep 5×5 from k−2"
    assert differing_edges(V2.normal, other.normal) == 1
    assert differences(V2, other)[0].as_json()["only_second"] == [["sep_conv_5x5", 0]]


def test_a_doubled_edge_differs_from_a_single_one() -> None:
    single = Cell(((Edge("a", 0), Edge("b", 0)),), (2,))
    doubled = Cell(((Edge("a", 0), Edge("a", 0)),), (2,))

    assert differing_edges(single, doubled) == 1
    assert (
        differing_edges(
            Cell(((Edge("a", 0), Edge("a", 0), Edge("b", 0)),), (2,)),
            Cell(((Edge("a", 0), Edge("b", 0), Edge("b", 0)),), (2,)),
        )
        == 1
    )


def test_cells_of_other_sizes_can_be_compared() -> None:
    found = [difference for difference in differences(V2, named("NASNet")) if isinstance(difference, NodeDifference)]

    assert found[-1].only_first == ()
    assert found[-1].node == 4


def test_nothing_changed_before_the_first_cell() -> None:
    assert changed_nodes(None, V2) == []
