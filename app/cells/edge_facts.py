"""An operation of a search in rows and sentences: its numbers, whether it was chosen, and why."""

from __future__ import annotations

from app.cells.fact_table import Fact
from app.cells.words import capital, label, ordinal, tr
from app.selection import Operation
from engine.explain import EdgeExplanation, NodeExplanation, OtherRule, why_this_edge


def edge_facts(operation: Operation, edge: EdgeExplanation) -> list[Fact]:
    """The numbers of an operation beside those of its edge's best and second."""
    weight = edge.weights.get(operation.primitive, 0.0)
    facts = [
        Fact(tr("alpha (softmax)"), f"{weight:.3f}", hint=tr("Share of this operation in the edge's weighted sum."))
    ]
    if edge.beta is not None:
        hint = tr("Share of this edge among the node's edges, softmax of the betas (PC-DARTS eq. 3).")
        facts.append(Fact(tr("edge weight (beta)"), f"{edge.beta:.3f}", hint=hint))
        hint = tr("What the discretization compares.")
        facts.append(Fact(tr("alpha × beta"), f"{weight * edge.beta:.3f}", hint=hint))
    if operation.primitive == edge.primitive:
        facts.append(Fact(tr("runner-up"), f"{label(edge.runner_up)} · {edge.runner_up_alpha:.3f}"))
        small = edge.margin_is_small
        text = tr("{margin:.3f} · small") if small else "{margin:.3f}"
        hint = tr("Lead over the runner-up in softmax weight. Small: below a tenth of the weight.")
        facts.append(Fact(tr("margin"), text.format(margin=edge.margin), "warn" if small else "text", hint))
    else:
        facts.append(Fact(tr("best here"), f"{label(edge.primitive)} · {edge.alpha:.3f}"))
        facts.append(Fact(tr("behind it by"), f"{edge.alpha - weight:.3f}"))
    if edge.none is not None and operation.primitive != "none":
        hint = tr("Share of none in the softmax: it takes part there and is never chosen.")
        facts.append(Fact(tr("held by none"), f"{edge.none:.3f}", hint=hint))
    changed = edge.last_changed_epoch
    when = tr("never") if changed is None else tr("epoch {epoch}").format(epoch=changed + 1)
    hint = tr("When the edge's best operation, or whether it is kept, changed.")
    facts.append(Fact(tr("last changed"), when, hint=hint))
    return facts


def verdict(operation: Operation, edge: EdgeExplanation, kept: int) -> str:
    """Whether the operation is in the cell; ``kept`` is how many edges its node keeps."""
    if operation.primitive != edge.primitive:
        return tr("not chosen")
    if not edge.kept:
        return tr("best here, edge not kept")
    return tr("chosen, {place} of {kept} inputs").format(place=ordinal(edge.place + 1), kept=kept)


def why(operation: Operation, edge: EdgeExplanation, node: NodeExplanation, rules: tuple[OtherRule, ...]) -> str:
    """The answer to «why this operation», or to «why not»."""
    text = why_this_edge(edge, node, rules)
    if operation.primitive == edge.primitive:
        return text
    weight = edge.weights.get(operation.primitive, 0.0)
    first = tr("{name} has {weight:.3f} here, {gap:.3f} less than {best}.").format(
        name=capital(label(operation.primitive)),
        weight=weight,
        gap=edge.alpha - weight,
        best=label(edge.primitive),
    )
    return f"{first} {text}"
