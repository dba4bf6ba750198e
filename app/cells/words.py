"""Sentences about operations and genotypes that cells and inspector share."""

from __future__ import annotations

from html import escape
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.selection import Operation
from engine.explain import EdgeExplanation
from engine.genotype import Genotype, declaration, is_registered
from engine.genotype.graph import state_name


def tr(text: str) -> str:
    """Translate in the context of the cells."""
    return QCoreApplication.translate("cells", text)


def label(primitive: str) -> str:
    """Short form of a registered primitive, the bare name of any other."""
    return declaration(primitive).label if is_registered(primitive) else primitive


def summary(primitive: str) -> str:
    """What the primitive does, one sentence."""
    if not is_registered(primitive):
        return tr("Not registered here: it can be shown and compared; to build a network, register it first.")
    return declaration(primitive).summary


def way(operation: Operation) -> str:
    """From where to where, for example ``k−2 → node 2``."""
    return f"{state_name(operation.source)} → {tr('node')} {operation.node}"


def tooltip(operation: Operation, edge: EdgeExplanation | None) -> str:
    """What a pill says under the mouse, as rich text."""
    lines = [f"<b>{escape(label(operation.primitive))}</b> · {escape(way(operation))}"]
    weight = None if edge is None else edge.weights.get(operation.primitive)
    if edge is not None and weight is not None:
        lines.append(tr("weight {weight:.3f} (softmax of alpha)").format(weight=weight))
        if operation.primitive == edge.primitive:
            small = tr(", small") if edge.margin_is_small else ""
            lines.append(
                tr("{margin:.3f} ahead of {second}{small}").format(
                    margin=edge.margin, second=escape(label(edge.runner_up)), small=small
                )
            )
        else:
            lines.append(
                tr("{gap:.3f} behind {best}").format(gap=edge.alpha - weight, best=escape(label(edge.primitive)))
            )
        if edge.last_changed_epoch is not None:
            lines.append(tr("last changed in epoch {epoch}").format(epoch=edge.last_changed_epoch + 1))
        else:
            lines.append(tr("unchanged since the first epoch"))
    if text := summary(operation.primitive):
        lines.append(escape(text))
    return "<div style='white-space: pre-wrap; max-width: 26em'>" + "<br>".join(lines) + "</div>"


def number(value: Any) -> float | None:
    """A number of a passport, or None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def passport_fact(genotype: Genotype) -> str:
    """The one line about a named cell: size and published error, as far as known."""
    parameters = number(genotype.source.get("parameters_millions"))
    error = number(genotype.source.get("test_error_percent"))
    parts = []
    if parameters is not None:
        parts.append(tr("{parameters:.1f} M parameters").format(parameters=parameters))
    if error is not None:
        parts.append(tr("{error:.2f} % error").format(error=error))
    return " · ".join(parts)


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd …"""
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place if place < 20 else place % 10, 'th') }"


def capital(text: str) -> str:
    """With a large first letter."""
    return text[:1].upper() + text[1:]
