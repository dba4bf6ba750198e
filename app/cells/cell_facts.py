"""Both cells of a genotype in rows: what they are made of, and what another way of choosing would change."""

from __future__ import annotations

from app.cells.explained import Explained
from app.cells.fact_table import Fact
from app.cells.words import label, tr
from app.selection import Operation
from engine.explain import skip_count
from engine.genotype import CELL_KINDS, CellKind, Genotype
from engine.genotype.graph import state_name


def kind_word(kind: CellKind) -> str:
    """«normal» or «reduction»."""
    return tr("normal") if kind == "normal" else tr("reduction")


def cell_facts(genotype: Genotype) -> list[Fact]:
    """A row a cell: operations and skips, amber where more than half are skips."""
    facts = []
    for kind in CELL_KINDS:
        cell = genotype.cell(kind)
        operations, skips = sum(len(edges) for edges in cell.nodes), skip_count(cell)
        title = tr("normal cell") if kind == "normal" else tr("reduction cell")
        text = tr("{operations} operations, {skips} skip").format(operations=operations, skips=skips)
        facts.append(Fact(title, text, "warn" if skips > operations // 2 else "text"))
    return facts


def rule_facts(explained: Explained, epoch: int | None) -> list[Fact]:
    """A row a rule: how many edges it would exchange in both cells."""
    counts: dict[tuple[str, str], dict[CellKind, int]] = {}
    for kind in CELL_KINDS:
        for rule in explained.rules(kind, epoch):
            counts.setdefault((rule.code, rule.title), {})[kind] = rule.differing_edges
    facts = []
    for (_, title), both in counts.items():
        total = sum(both.values())
        value = (
            tr("same cells")
            if total == 0
            else tr("1 edge differs")
            if total == 1
            else tr("{count} edges differ").format(count=total)
        )
        detail = ", ".join(f"{kind_word(kind)}: {count}" for kind, count in both.items())
        hint = tr("The same alphas, another way to choose which edges a node keeps.")
        facts.append(Fact(title, value, hint=f"{hint} {detail}"))
    return facts


def node_sentence(operation: Operation, genotype: Genotype) -> str:
    """What an operation's node adds up, for a cell without alphas."""
    edges = genotype.cell(operation.kind).nodes[operation.node]
    others = [edge for edge in edges if (edge.primitive, edge.source) != (operation.primitive, operation.source)]
    beside = ""
    if others:
        named = [f"{label(edge.primitive)} {tr('of')} {state_name(edge.source)}" for edge in others]
        beside = " " + tr("and adds {others}").format(others=tr(" and ").join(named))
    return tr("Node {node} takes {operation} of {source}{beside}.").format(
        node=operation.node,
        operation=label(operation.primitive),
        source=state_name(operation.source),
        beside=beside,
    )


def in_cell(genotype: Genotype, operation: Operation) -> bool:
    """Whether the operation is one of the cell's."""
    nodes = genotype.cell(operation.kind).nodes
    return operation.node < len(nodes) and any(
        (edge.primitive, edge.source) == (operation.primitive, operation.source) for edge in nodes[operation.node]
    )
