"""What the page says of sub-networks: the front that was measured, the best of it, and how to understand the two stages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from engine.cost.quantities import bytes_in_words, in_words
from engine.cost.subnets import subnet_cost
from engine.draw.stages_picture import draw_subnet
from engine.errors import NascopeError
from engine.report.charts import front_svg, inline_svg
from engine.report.formats import duration_text, value_text
from engine.report.numbers import RunFacts, mapping
from engine.runs.subnet_log import SubnetRow, front_of, measured_alike
from engine.runs.understand import answers_of_run
from engine.subnets import Architecture, architecture_from_json
from engine.subnets.named import name_of

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
    # Rows that describe no network (a damaged file) have nothing that a table could show.
    measured = [row for row in measured_alike(rows) if _architecture(row.architecture) is not None]
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
            for answer in answers_of_run(facts.config, facts.history, facts.results, measured, facts.status.seconds)
        ],
    }  # fmt: skip


_BUDGETS: dict[str, Callable[[Any], str]] = {
    "macs": lambda value: f"{in_words(value)} multiply-adds",
    "parameters": lambda value: f"{in_words(value)} parameters",
    "memory_bytes": bytes_in_words,
    "latency_ms": lambda value: f"{value:g} ms",
}


def selection_numbers(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A line ``select`` of ``results.jsonl`` as pairs of name and text; what is missing or damaged is left out."""
    budget = [
        text(amount)
        for name, text in _BUDGETS.items()
        if isinstance(amount := mapping(row.get("budget")).get(name), int | float)
    ]
    found = [("budget", ", ".join(budget) or "none")]
    for name in ("strategy", "evaluated", "seed"):
        if isinstance(row.get(name), int | str):
            found.append((name, value_text(row[name])))
    for name, title in (("best", "best"), ("random", "best of as many random ones")):
        network = mapping(row.get(name))
        accuracy, macs = network.get("accuracy_percent"), network.get("macs")
        if isinstance(accuracy, int | float) and isinstance(macs, int | float):
            text = f"{network.get('key', '')} {accuracy:.2f} % at {in_words(int(macs))} multiply-adds"
            found.append((title, text.strip()))
    correlation = mapping(row.get("predictor")).get("rank_correlation")
    if isinstance(correlation, int | float):
        found.append(("rank correlation of the predictor", f"{correlation:.2f}"))
    if isinstance(row.get("seconds"), int | float):
        found.append(("time", duration_text(row["seconds"])))
    return found


def _row(row: SubnetRow) -> dict[str, Any]:
    architecture = _architecture(row.architecture)
    return {
        "accuracy": row.accuracy_percent, "macs": row.macs, "parameters": row.parameters, "found_by": row.found_by,
        "key": architecture.key if architecture is not None else "", "resolution": row.architecture.get("resolution"),
        "depth": row.architecture.get("depth"), "width": row.architecture.get("width"),
    }  # fmt: skip


def _picture_of(architecture: Architecture) -> dict[str, Any]:
    cost, name = subnet_cost(architecture), name_of(architecture)
    picture = None
    with contextlib.suppress(NascopeError):  # More blocks than a picture can show.
        svg = draw_subnet(cost, "svg", name=name, facts=cost.in_words()).decode()
        picture = Markup(inline_svg(svg, "picture-subnet", "The sub-network, stage by stage"))
    return {"picture": picture, "picture_title": f"{name}: {cost.in_words()}"}


def _architecture(record: Mapping[str, Any]) -> Architecture | None:
    """None for what a damaged file holds."""
    try:
        return architecture_from_json(record)
    except NascopeError:
        return None
