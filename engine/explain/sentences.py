"""«Why this operation?» in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence

from engine.explain.choices import EdgeExplanation, NodeExplanation, OtherRule
from engine.genotype.graph import state_name
from engine.genotype.primitives import declaration

_ORDINALS = ("strongest", "second strongest", "third strongest", "fourth strongest")
_WITHOUT_RULE = {
    "raw_alphas": "Ranked by raw alphas",
    "none_competes": "If none counted in an edge's score",
    "betas_ignored": "Without edge normalization",
}


def why_this_edge(edge: EdgeExplanation, node: NodeExplanation, rules: Sequence[OtherRule] = ()) -> str:
    """Why the edge has its operation, and why the node keeps or drops it.

    Args:
        rules: of the same cell, from ``other_rules``; the first that would treat the edge otherwise adds a sentence.
    """
    sentences = [_operation(edge), _place(edge, node)]
    if edge.none is not None and edge.none > edge.alpha:
        sentences.append(f"None holds more, {edge.none:.3f}, but takes part in the softmax only and is never chosen.")
    other = next((sentence for rule in rules if (sentence := _other(edge, rule))), None)
    if other:
        sentences.append(other)
    return " ".join(sentences)


def _operation(edge: EdgeExplanation) -> str:
    best, second = _label(edge.primitive), _label(edge.runner_up)
    small = ", a small lead" if edge.margin_is_small else ""
    if edge.margin == 0:
        return f"{_capital(best)} and {second} have the same weight here, {edge.alpha:.3f}; a tie goes to the first in the list."
    if edge.previous_primitive is not None and edge.last_changed_epoch is not None:
        overtaken = _label(edge.previous_primitive)
        behind = "" if edge.previous_primitive == edge.runner_up else f" {second}"
        return (
            f"{_capital(best)} overtook {overtaken} in epoch {edge.last_changed_epoch + 1} and leads{behind} by "
            f"{_amount(edge.margin)}{small}."
        )
    return f"{_capital(best)} has the largest weight on this edge, {edge.alpha:.3f}, {_amount(edge.margin)} ahead of {second}{small}."


def _place(edge: EdgeExplanation, node: NodeExplanation) -> str:
    kept, dropped = node.kept, node.dropped
    score = "alpha × beta" if edge.beta is not None else "best weight"
    if edge.kept and not dropped:
        return (
            f"Node {edge.node} keeps {'both' if len(kept) == 2 else f'all {len(kept)}'} of its edges: it has no more."
        )
    small = ", a small lead" if edge.edge_lead_is_small else ""
    if edge.kept:
        rank = _ORDINALS[edge.place] if edge.place < len(_ORDINALS) else f"number {edge.place + 1}"
        return (
            f"By {score} it is the {rank} of the {len(node.edges)} edges into node {edge.node}, {_amount(edge.edge_lead or 0)} ahead "
            f"of the strongest dropped one, from {state_name(dropped[0].source)}{small}."
        )
    near = ", only just" if edge.edge_lead_is_small else ""
    return (
        f"Node {edge.node} drops the edge: its {score} of {edge.score:.3f} is {_amount(edge.edge_lead or 0)} behind the weakest kept "
        f"one, {_label(kept[-1].primitive)} from {state_name(kept[-1].source)}{near}."
    )


def _other(edge: EdgeExplanation, rule: OtherRule) -> str | None:
    """What the rule would do with this edge, where that differs."""
    inputs = rule.cell.nodes[edge.node]
    kept = any(entry.source == edge.source for entry in inputs)
    if kept == edge.kept:
        return None
    if kept:
        return f"{_WITHOUT_RULE[rule.code]} node {edge.node} would keep it."
    names = " and ".join(f"{_label(entry.primitive)} from {state_name(entry.source)}" for entry in inputs)
    return f"{_WITHOUT_RULE[rule.code]} node {edge.node} would keep {names} instead."


def _amount(difference: float) -> str:
    """A difference of weights, where nothing but a tie is nothing."""
    return "less than 0.001" if 0 < difference < 0.0005 else f"{difference:.3f}"


def _label(primitive: str) -> str:
    return declaration(primitive).label


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
