"""What the page says of sub-networks: the front that was measured, the best of it, and how to understand the two stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from engine.cost.subnets import subnet_cost
from engine.draw.stages_picture import draw_subnet
from engine.errors import NascopeError
from engine.explain.weight_sharing import Answer, answers
from engine.report.charts import front_svg, inline_svg
from engine.report.formats import number_text
from engine.report.numbers import RunFacts, mapping
from engine.runs import RunHistory
from engine.runs.subnet_log import SubnetRow, front_of, measured_alike
from engine.subnets import Architecture, architecture_from_json

_MOST_ROWS = 40


def subnets_section(facts: RunFacts, rows: Sequence[SubnetRow]) -> dict[str, Any] | None:
    """``chart``, ``rows`` of the front (best first), ``measured`` (how many), ``picture``, ``understand`` (question, text).

    None for runs that have no sub-networks.
    """
    if facts.kind == "subnet":
        architecture = _architecture(mapping(facts.config.get("architecture")))
        return (
            None
            if architecture is None
            else {**_picture_of(architecture), "chart": None, "rows": [], "measured": 0, "understand": []}
        )
    if facts.kind != "two-stage":
        return None
    measured = measured_alike(rows)
    best_first = front_of(measured)[::-1]
    best = best_first[0] if best_first else None
    architecture = None if best is None else _architecture(best.architecture)
    return {
        "chart": None if best is None else Markup(front_svg(measured, best_first[::-1])),
        "rows": [_row(row) for row in best_first[:_MOST_ROWS]],
        "measured": len(measured),
        **(_picture_of(architecture) if architecture is not None else {"picture": None, "picture_title": ""}),
        "understand": [
            {"question": answer.question, "text": answer.text}
            for answer in answers_of(facts.config, facts.history, facts.results, measured, facts.status.seconds)
        ],
    }  # fmt: skip


def answers_of(
    config: Mapping[str, Any],
    history: RunHistory,
    results: Sequence[Mapping[str, Any]],
    measured: Sequence[SubnetRow],
    seconds: float,
) -> tuple[Answer, ...]:
    """What a two-stage run answers to the questions of ``engine.explain.weight_sharing``."""
    last = history.last.get("epoch")
    return answers(
        config, history.started, [row.as_json() for row in measured], seconds,
        epoch=last.data if last is not None else None, selections=[row for row in results if row.get("what") == "select"],
    )  # fmt: skip


def _row(row: SubnetRow) -> dict[str, Any]:
    architecture = _architecture(row.architecture)
    return {
        "accuracy": row.accuracy_percent, "macs": row.macs, "parameters": row.parameters, "found_by": row.found_by,
        "key": architecture.key if architecture is not None else "", "resolution": row.architecture.get("resolution"),
        "depth": row.architecture.get("depth"), "width": row.architecture.get("width"),
    }  # fmt: skip


def _picture_of(architecture: Architecture) -> dict[str, Any]:
    cost = subnet_cost(architecture)
    facts = f"{cost.macs / 1e6:,.2f} million multiply-adds, {number_text(cost.parameters)} parameters"
    try:
        svg = draw_subnet(cost, "svg", name=architecture.key, facts=facts).decode()
    except NascopeError:  # More blocks than a picture can show.
        return {"picture": None, "picture_title": f"{architecture.key}, {facts}"}
    picture = Markup(inline_svg(svg, "picture-subnet", "The sub-network, stage by stage"))
    return {"picture": picture, "picture_title": f"{architecture.key}, {facts}"}


def _architecture(record: Mapping[str, Any]) -> Architecture | None:
    """None for what a damaged file holds."""
    try:
        return architecture_from_json(record)
    except NascopeError:
        return None
