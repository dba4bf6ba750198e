"""A run as one HTML file that loads nothing: what was searched, what came out, why, and how far to trust it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.config import CONFIG_CLASSES, describe
from engine.errors import GenotypeError, NascopeError
from engine.explain import Diagnosis, alphas_of, diagnose, explain_records, other_rules, why_this_edge
from engine.genotype import CELL_KINDS, DARTS_PRIMITIVES, CellKind, Genotype
from engine.genotype.discretize import discretize, edge_offset, operation_weights
from engine.genotype.graph import state_name
from engine.genotype.primitives import declaration
from engine.genotype.spaces import SpaceError, space_primitives
from engine.genotype.text import as_text
from engine.report.charts import curves_svg, heatmap_svg, inline_svg, search_curves_svg
from engine.report.formats import date_text, duration_text, number_text, percent_text, value_text
from engine.report.numbers import RunFacts, key_numbers, protocol
from engine.report.reproducibility import reproducibility
from engine.report.subnets import selection_numbers, subnets_section
from engine.runs import AlphaRecord, RunFolder, RunHistory
from engine.runs.files import write_atomically
from engine.runs.folder import EVENTS, REPORT
from engine.runs.library import RunSummary, default_title, summarize
from engine.runs.origin import is_imported
from engine.runs.subnet_log import read_subnets

_MOST_BESIDE = 500
_KINDS = {
    "search": "Search",
    "retrain": "Retraining",
    "two-stage": "Training of a supernet",
    "subnet": "Training of a sub-network",
}


def write_report(folder: RunFolder, path: Path | None = None) -> Path:
    """Write the page of a run, whatever its kind and state.

    Args:
        path: of the file; None writes ``report.html`` into the run.

    Returns:
        The path of the file.

    Raises:
        ConfigError: the run's ``config.json`` was damaged.
        OSError: the file cannot be written.
    """
    path = path or folder.path / REPORT
    environment = Environment(
        loader=PackageLoader("resources", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        number=number_text,
        percent=percent_text,
        duration=duration_text,
        date=date_text,
        label=lambda name: declaration(name).label,
    )
    write_atomically(path, environment.get_template("report.html.j2").render(page=_page(folder)))
    return path


def _page(folder: RunFolder) -> dict[str, Any]:
    config = folder.config_document()
    history = RunHistory.read(folder.path / EVENTS)
    primitives = _primitives(config, history)
    # Rows that do not fit (a damaged log) would make nonsense of every table below.
    records = [record for record in history.alphas_by_epoch() if _fits(record, primitives)]
    genotype, genotype_fault = _genotype(folder, records, primitives)
    facts = RunFacts(config, folder.status(), history, records, primitives, genotype, folder.results())
    meta = folder.meta()
    return {
        "title": str(meta["name"]) or default_title(config),
        "kind": _KINDS.get(facts.kind, facts.kind),
        "state": facts.status.alive_state,
        "epochs": facts.status.epochs or config.get("epochs"),
        "epochs_done": facts.status.epoch,
        "created": config.get("created"),
        "error": facts.status.error,
        "notes": str(meta["notes"]),
        "tags": [str(tag) for tag in meta["tags"]],
        "numbers": key_numbers(facts),
        "protocol": protocol(facts),
        "diagnoses": _diagnoses(facts),
        "messages": [
            {
                "text": str(event.data.get("text", "")),
                "level": str(event.data.get("level", "info")),
                "epoch": event.epoch + 1,
            }
            for event in history.of_type("message")
        ],
        "curves": _markup(curves_svg(history)),
        "search_curves": _markup(search_curves_svg(history, records)),
        "cells": _cells(facts),
        "subnets": subnets_section(facts, read_subnets(folder.path)),
        "genotype": genotype,
        "genotype_text": as_text(genotype) if genotype is not None else None,
        "genotype_fault": genotype_fault,
        "alphas_epoch": records[-1].epoch + 1 if records else None,
        "results": [
            {"what": str(row.get("what", "")), "t": row.get("t"), "numbers": _result_numbers(row)}
            for row in facts.results
        ],
        "reproducibility": reproducibility(facts, _beside(folder.path)),
        "settings": _settings(config),
        "written": time.time(),
    }


def _beside(path: Path) -> list[RunSummary]:
    """The other runs in the folder that this one lies in, as far as there are not too many to look at."""
    try:
        places = sorted(place for place in path.resolve().parent.iterdir() if place != path.resolve())
    except OSError:
        return []
    return [found for place in places[:_MOST_BESIDE] if (found := summarize(place)) is not None]


def _primitives(config: Mapping[str, Any], history: RunHistory) -> tuple[str, ...]:
    logged = history.started.get("primitives")
    if isinstance(logged, list) and logged:
        return tuple(map(str, logged))
    try:
        return space_primitives(str(config.get("space", "darts")))
    except SpaceError:
        return DARTS_PRIMITIVES


def _fits(record: AlphaRecord, primitives: Sequence[str]) -> bool:
    edges = len(record.normal)
    return record.normal.shape == record.reduction.shape == (edges, len(primitives)) and any(
        edge_offset(nodes) == edges for nodes in range(1, 65)
    )


def _genotype(
    folder: RunFolder, records: Sequence[AlphaRecord], primitives: Sequence[str]
) -> tuple[Genotype | None, str | None]:
    """The cells, or why they cannot be shown. Of a search those of its newest alphas, so that the page agrees with itself."""
    stored, fault = None, None
    try:
        stored = folder.genotype()
    except GenotypeError as error:
        fault = str(error)
    # The cells of an imported search stand as they were printed: its betas may be missing, its alphas are rounded.
    if records and not (stored is not None and is_imported(folder.config_document())):
        found = discretize(records[-1], primitives)
        return found.named(stored.name if stored is not None else ""), fault
    return stored, fault


def _diagnoses(facts: RunFacts) -> list[dict[str, Any]]:
    """What can be said now, and since which epoch it was logged; then what was logged and holds no more."""
    since: dict[str, int] = {}
    logged: dict[str, Diagnosis] = {}
    for event in facts.history.of_type("diagnosis"):
        code = str(event.data.get("code", ""))
        since.setdefault(code, event.epoch + 1)
        severity = event.data.get("severity")
        logged[code] = Diagnosis(
            code, severity if severity in ("info", "warning", "severe") else "info", str(event.data.get("message", ""))
        )
    warmup = facts.config.get("warmup_epochs")
    fitting = facts.records if len(facts.records) == len(facts.history.alphas_by_epoch()) else None
    now = (
        diagnose(facts.history, facts.primitives, genotype=facts.genotype if facts.is_search else None,
                 warmup_epochs=warmup if isinstance(warmup, int) else 0)
        if fitting is not None else []
    )  # fmt: skip
    held = {diagnosis.code for diagnosis in now}
    past = [diagnosis for code, diagnosis in logged.items() if code not in held]
    return [
        {
            "severity": diagnosis.severity,
            "message": diagnosis.message,
            "epoch": since.get(diagnosis.code),
            "past": diagnosis in past,
        }
        for diagnosis in [*now, *past]
    ]


def _cells(facts: RunFacts) -> list[dict[str, Any]]:
    if facts.genotype is None:
        return []
    record = facts.records[-1] if facts.records else None
    largest = 0.0
    if record is not None:
        largest = max(float(operation_weights(alphas_of(record, kind)[0]).max()) for kind in CELL_KINDS)
    found = []
    for kind in CELL_KINDS:
        picture, fault = _picture(facts.genotype, kind)
        cell: dict[str, Any] = {
            "kind": kind,
            "picture": picture,
            "picture_fault": fault,
            "heatmap": None,
            "nodes": [],
            "rules": [],
        }
        if record is not None:
            alphas, betas = alphas_of(record, kind)
            rules = other_rules(alphas, betas, facts.primitives)
            cell["heatmap"] = Markup(
                heatmap_svg(
                    record,
                    kind,
                    facts.primitives,
                    facts.genotype.cell(kind),
                    largest=max(largest, 2 / len(facts.primitives)),
                )
            )
            cell["has_betas"] = betas is not None
            cell["rules"] = [{"title": rule.title, "edges": rule.differing_edges} for rule in rules]
            cell["nodes"] = [
                {
                    "node": node.node,
                    "edges": [
                        {"edge": edge, "from": state_name(edge.source), "why": why_this_edge(edge, node, rules)}
                        for edge in (*node.kept, *node.dropped)
                    ],
                }
                for node in explain_records(facts.records, kind, facts.primitives)
            ]
        found.append(cell)
    return found


def _picture(genotype: Genotype, kind: CellKind) -> tuple[Markup | None, str | None]:
    from engine.draw import draw_genotype

    try:
        svg = draw_genotype(genotype, "svg", kinds=(kind,)).decode()
    except NascopeError as error:
        return None, str(error)
    return Markup(inline_svg(svg, f"picture-{kind}", f"The {kind} cell")), None


def _settings(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every setting by group, in the order of declaration."""
    kind = str(config.get("kind", "search"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for field in describe(kind) if kind in CONFIG_CLASSES else ():
        if field.name in config:
            row = {
                "name": field.name,
                "value": value_text(config[field.name]),
                "help": field.help,
                "source": field.source,
            }
            groups.setdefault(field.group, []).append(row)
    return [{"group": group, "rows": rows} for group, rows in groups.items()]


def _result_numbers(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    if row.get("what") == "select":
        return selection_numbers(row)
    row = {name: value for name, value in row.items() if not isinstance(value, dict | list)}
    return [(name.replace("_", " "), value_text(value)) for name, value in row.items() if name not in ("what", "t")]


def _markup(svg: str | None) -> Markup | None:
    return None if svg is None else Markup(svg)
