"""A genotype as DOT text for Graphviz; the ``dot`` program itself is only asked where a person wants its layout."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any, Literal

import graphviz

from engine.draw.colours import INK, OUTPUT, PAPER, PILL_MIX, QUIET, STATE_FILL, mixed, primitive_hue
from engine.draw.layout import operation_label, state_label
from engine.draw.picture import TITLES
from engine.errors import DrawError
from engine.genotype.genotype import INPUT_STATES, CellKind, Genotype

FONT = "Helvetica"
DOT_TIMEOUT_SECONDS = 20.0


def dot_text(genotype: Genotype, kinds: Sequence[CellKind]) -> str:
    """DOT source, each cell a cluster where there are several; operations are nodes, as in the other pictures."""
    graph = graphviz.Digraph(
        "genotype",
        graph_attr={
            "rankdir": "LR", "bgcolor": "white", "nodesep": "0.12", "ranksep": "0.28", "pad": "0.08",
            "fontname": FONT, "fontsize": "11", "fontcolor": INK, "splines": "spline",
        },
        node_attr={
            "fontname": FONT, "fontsize": "10", "fontcolor": INK, "shape": "box", "style": "rounded,filled",
            "height": "0.26", "width": "0.5", "margin": "0.09,0.03", "penwidth": "1",
        },
        edge_attr={"penwidth": "1.2", "arrowsize": "0.5"},
    )  # fmt: skip
    # From left to right Graphviz stacks clusters from the bottom.
    for kind in reversed(kinds):
        if len(kinds) == 1:
            _add_cell(graph, genotype, kind)
            continue
        with graph.subgraph(name=f"cluster_{kind}") as cluster:
            cluster.attr(label=_escaped(TITLES[kind]), labeljust="l", pencolor="white", fontname=f"{FONT}-Bold")
            _add_cell(cluster, genotype, kind)
    return str(graph.source)


def _add_cell(graph: graphviz.Digraph, genotype: Genotype, kind: CellKind) -> None:
    cell = genotype.cell(kind)
    states = [f"{kind}_state{state}" for state in range(cell.state_count)]
    with graph.subgraph() as inputs:
        inputs.attr(rank="source")
        for state in range(INPUT_STATES):
            inputs.node(states[state], state_label(state), fillcolor=STATE_FILL, color=QUIET)
    for state in range(INPUT_STATES, cell.state_count):
        graph.node(
            states[state], state_label(state), shape="circle", style="filled", fillcolor=STATE_FILL, color=QUIET,
            width="0.28", height="0.28", fixedsize="true" if cell.state_count < 100 else "false", fontname=f"{FONT}-Bold",
        )  # fmt: skip
    output = f"{kind}_concat"
    graph.node(output, "concat", fillcolor=mixed(PAPER, OUTPUT, PILL_MIX), color=OUTPUT)
    for node, place, edge in cell.edges():
        operation, hue = f"{kind}_operation{node}_{place}", primitive_hue(edge.primitive)
        graph.node(operation, _escaped(operation_label(edge.primitive)), fillcolor=mixed(PAPER, hue, PILL_MIX), color=hue,
                   tooltip=_escaped(edge.primitive))  # fmt: skip
        graph.edge(states[edge.source], operation, color=hue, arrowhead="none")
        graph.edge(operation, states[INPUT_STATES + node], color=hue, weight="4")
    for state in cell.concat:
        graph.edge(states[state], output, color=QUIET, style="dashed", arrowhead="none", weight="0")


def _escaped(text: str) -> Any:
    """A label that Graphviz shows as it stands: neither an escape such as ``\\n`` nor HTML. Its type says so: keep it."""
    return graphviz.escape(text)


def dot_bytes(source: str, kind: Literal["svg", "png", "pdf"]) -> bytes:
    """The picture as Graphviz lays it out.

    Raises:
        DrawError: the program is not there, fails, or takes longer than 20 s.
    """
    program = shutil.which("dot")
    if program is None:
        raise DrawError(
            "Graphviz' program «dot» is not on PATH.", mend="Install Graphviz, or use nascope's own layout."
        )
    command = [program, f"-T{kind}", *(["-Gdpi=300"] if kind == "png" else [])]
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=DOT_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise DrawError(
            f"«dot» took longer than {DOT_TIMEOUT_SECONDS:.0f} s.", mend="Use nascope's own layout."
        ) from None
    except OSError as error:
        raise DrawError(f"«dot» cannot be started: {error}.", mend="Use nascope's own layout.") from error
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise DrawError(
            f"«dot» failed: {said[-1] if said else f'exit code {done.returncode}'}.", mend="Use nascope's own layout."
        )
    return done.stdout
