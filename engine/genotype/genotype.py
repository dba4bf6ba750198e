"""A genotype: the normal and the reduction cell that a search ends in.

State indices as in the papers: 0 is c_{k-2}, 1 is c_{k-1}, 2 and up are the intermediate nodes in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.errors import GenotypeError

SCHEMA = 1
INPUT_STATES = 2
CellKind = Literal["normal", "reduction"]
CELL_KINDS: tuple[CellKind, CellKind] = ("normal", "reduction")

MAX_NODES = 64
MAX_EDGES_PER_NODE = 64
MAX_NAME_LENGTH = 200


@dataclass(frozen=True)
class Edge:
    """One operation applied to one earlier state, as a node's input."""

    primitive: str
    source: int
    """Index of the state that it reads."""


@dataclass(frozen=True)
class Cell:
    """Nodes, each the sum of its edges, and the states whose concatenation is the cell's output."""

    nodes: tuple[tuple[Edge, ...], ...]
    concat: tuple[int, ...]

    @property
    def state_count(self) -> int:
        """The two inputs and the nodes together."""
        return INPUT_STATES + len(self.nodes)

    def edges(self) -> Iterator[tuple[int, int, Edge]]:
        """``(node, place, edge)`` for every edge; nodes and places count from 0."""
        for node, edges in enumerate(self.nodes):
            for place, edge in enumerate(edges):
                yield node, place, edge

    def as_sets(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Per node its ``(primitive, source)`` pairs sorted: the order of a node's inputs has no effect on its function."""
        return tuple(tuple(sorted((edge.primitive, edge.source) for edge in edges)) for edges in self.nodes)


@dataclass(frozen=True)
class Genotype:
    """A normal and a reduction cell, checked.

    Attributes:
        name: what people call it; empty where it has no name.
        primitives: candidates that it was chosen from; empty where unknown.
        source: where it comes from (run, method, epoch, paper, published error): shown, never computed with.
    """

    normal: Cell
    reduction: Cell
    name: str = ""
    primitives: tuple[str, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        faults = [fault for kind in CELL_KINDS for fault in _cell_faults(kind, self.cell(kind))]
        if faults:
            raise GenotypeError(" ".join(faults))

    def cell(self, kind: CellKind) -> Cell:
        """The cell of this kind."""
        return self.normal if kind == "normal" else self.reduction

    def named(self, name: str) -> Genotype:
        """The same cells under another name."""
        return replace(self, name=name)

    def used_primitives(self) -> tuple[str, ...]:
        """Names of all operations in both cells, in order of first use."""
        return tuple(dict.fromkeys(edge.primitive for kind in CELL_KINDS for _, _, edge in self.cell(kind).edges()))

    def same_cells(self, other: Genotype) -> bool:
        """Whether both compute the same function: node by node the same inputs, and the same concat."""
        return all(
            self.cell(kind).as_sets() == other.cell(kind).as_sets()
            and self.cell(kind).concat == other.cell(kind).concat
            for kind in CELL_KINDS
        )

    def as_json(self) -> dict[str, Any]:
        """The JSON form, with plain lists; ``genotype_from_json`` reads it back."""

        def cell(of: Cell) -> dict[str, Any]:
            return {
                "nodes": [[[edge.primitive, edge.source] for edge in node] for node in of.nodes],
                "concat": list(of.concat),
            }

        return {
            "schema": SCHEMA,
            "name": self.name,
            "primitives": list(self.primitives),
            "normal": cell(self.normal),
            "reduction": cell(self.reduction),
            "source": dict(self.source),
        }


def genotype_from_json(document: Any) -> Genotype:
    """Read the JSON form.

    Raises:
        GenotypeError: a part that is missing or of the wrong kind, or a cell that is not valid; every fault is named
            with its place. The caller adds the name of the file.
    """
    if not isinstance(document, dict):
        raise GenotypeError(f"A genotype is a JSON object with «normal» and «reduction»; found {_kind(document)}.")
    schema = document.get("schema", SCHEMA)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise GenotypeError(f"schema: expected the number {SCHEMA}, found {schema!r}.")
    if schema > SCHEMA:
        raise GenotypeError(f"schema {schema} is newer than this nascope reads ({SCHEMA}).", mend="Update nascope.")
    missing = [kind for kind in CELL_KINDS if kind not in document]
    if missing:
        raise GenotypeError(f"no {' and no '.join(f'«{kind}»' for kind in missing)} in the object.",
                            mend='Give both cells, each {"nodes": [...], "concat": [...]}.')  # fmt: skip
    name = document.get("name") or ""
    primitives = document.get("primitives") or []
    source = document.get("source") or {}
    if not isinstance(name, str) or len(name) > MAX_NAME_LENGTH:
        raise GenotypeError("name: expected a short text.")
    if not _names(primitives):
        raise GenotypeError("primitives: expected a list of names.")
    if not isinstance(source, dict):
        raise GenotypeError(f"source: expected an object, found {_kind(source)}.")
    cells = {kind: _cell_from_json(kind, document[kind]) for kind in CELL_KINDS}
    return Genotype(cells["normal"], cells["reduction"], name=name, primitives=tuple(primitives), source=source)


def _cell_from_json(kind: str, document: Any) -> Cell:
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
        raise GenotypeError(f'{kind}: expected {{"nodes": [...], "concat": [...]}}.')
    nodes = document["nodes"]
    if len(nodes) > MAX_NODES:
        raise GenotypeError(f"{kind}: {len(nodes)} nodes are more than the bound of {MAX_NODES}.")
    read = []
    for number, node in enumerate(nodes):
        if not isinstance(node, list) or len(node) > MAX_EDGES_PER_NODE:
            raise GenotypeError(f"{kind}, node {number}: expected a list of at most {MAX_EDGES_PER_NODE} edges.")
        read.append(
            tuple(edge_from_pair(pair, f"{kind}, node {number}, edge {place}") for place, pair in enumerate(node))
        )
    concat = document.get("concat")
    if (
        not isinstance(concat, list)
        or len(concat) > MAX_NODES + INPUT_STATES
        or not all(_is_int(state) for state in concat)
    ):
        raise GenotypeError(f"{kind}, concat: expected a list of state indices.")
    return Cell(tuple(read), tuple(concat))


def edge_from_pair(pair: Any, place: str) -> Edge:
    """An edge from ``[primitive, source]``.

    Raises:
        GenotypeError: the pair is no name with an index; ``place`` says where it stands.
    """
    if (
        not isinstance(pair, Sequence)
        or isinstance(pair, str)
        or len(pair) != 2
        or not isinstance(pair[0], str)
        or not _is_int(pair[1])
    ):
        raise GenotypeError(f'{place}: expected ["primitive", predecessor], found {str(pair)[:80]}.')
    if not pair[0] or len(pair[0]) > MAX_NAME_LENGTH or not pair[0].isprintable():
        raise GenotypeError(f"{place}: the primitive's name is empty, too long or not printable.")
    return Edge(pair[0], int(pair[1]))


def _cell_faults(kind: str, cell: Cell) -> list[str]:
    faults = []
    if not cell.nodes:
        faults.append(f"{kind}: the cell has no nodes.")
    if len(cell.nodes) > MAX_NODES:
        faults.append(f"{kind}: {len(cell.nodes)} nodes are more than the bound of {MAX_NODES}.")
    for number, edges in enumerate(cell.nodes):
        if not edges:
            faults.append(f"{kind}, node {number}: the node has no edge. Give it at least one.")
        last = INPUT_STATES + number - 1
        for place, edge in enumerate(edges):
            if not 0 <= edge.source <= last:
                faults.append(
                    f"{kind}, node {number}, edge {place}: predecessor {edge.source} does not come before node {number} "
                    f"(allowed: 0 to {last}). Change the index or move the node."
                )
    states = cell.state_count
    if not cell.concat:
        faults.append(f"{kind}, concat: no states; the cell has no output. Name at least one of 2 to {states - 1}.")
    for state in cell.concat:
        if not 0 <= state < states:
            faults.append(f"{kind}, concat: state {state} is out of range (the cell's states are 0 to {states - 1}).")
    if len(set(cell.concat)) < len(cell.concat):
        faults.append(f"{kind}, concat: a state is named twice.")
    return faults


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value) and len(value) <= 1000


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", int: "a number", float: "a number", type(None): "null"}.get(
        type(value), type(value).__name__
    )
