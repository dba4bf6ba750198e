"""A study as one HTML file that loads nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.config import describe
from engine.report.formats import date_text, value_text
from engine.runs.files import read_json, write_atomically
from engine.study.charts import overlay_svg, scatter_svg, strip_svg
from engine.study.curves import CurveReader, colour_of
from engine.study.folder import STUDY
from engine.study.results import StudyResults
from engine.study.table import cells, columns, correlation_text, one, remarks


def write_page(results: StudyResults, path: Path) -> Path:
    """Write the page of a study, whatever its state.

    Raises:
        OSError: the file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("resources", "report"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined,
    )  # fmt: skip
    environment.filters.update(date=date_text, one=one)
    write_atomically(path, environment.get_template("study.html.j2").render(page=_page(results)))
    return path


def _page(results: StudyResults) -> dict[str, Any]:
    document = read_json(results.path / STUDY)
    document = document if isinstance(document, dict) else {}
    curves = CurveReader()
    return {
        "title": f"Study of {len(results.rows)} methods on {results.config.data}",
        "state": results.state,
        "created": document.get("created"),
        "command": document.get("command"),
        "split": results.split,
        "has_pick": results.config.pick is not None,
        "columns": columns(results),
        "rows": [{"colour": colour_of(place), "cells": cells(results, row)} for place, row in enumerate(results.rows)],
        "remarks": remarks(results),
        "charts": [
            Markup(svg)
            for svg in (
                strip_svg(results),
                scatter_svg(results),
                overlay_svg(curves.curves(results, "search"), "Searches: validation accuracy, %", "searches"),
                overlay_svg(curves.curves(results, "short"), "Short retrainings: validation accuracy, %", "shorts"),
                overlay_svg(
                    curves.curves(results, "retrain"), "Retrainings: accuracy over the epochs, %", "retrainings"
                ),
            )
            if svg is not None
        ],
        "correlations": [
            {"name": row.name, "text": correlation_text(found), "n": found.n}
            for row in results.rows
            if (found := results.correlation(row.name)).n
        ],
        "runs": [
            {"row": row.name, "cell": cell, "retrainings": cell.retrainings, "folder": f"{row.name}/seed-{cell.seed}"}
            for row in results.rows
            for cell in row.cells
        ],
        "settings": _settings(results),
        "written": time.time(),
    }


def _settings(results: StudyResults) -> list[dict[str, Any]]:
    """What the file said, part by part, with each setting's sentence."""
    config = results.config
    found = [{"group": "Study", "rows": [
        {"name": "data", "value": config.data, "help": ""}, {"name": "preset", "value": config.preset, "help": ""},
        {"name": "seeds", "value": ", ".join(map(str, config.seeds)), "help": ""},
        {"name": "random cells", "value": str(len(config.seeds_of("random")) if "random" in config.rows else 0), "help": ""},
    ]}]  # fmt: skip
    parts = [("search", "Search", config.search), ("retrain", "Short retraining", config.pick or {})]
    parts += [("retrain", "Retraining", config.retrain)]
    parts += [("search", f"Search, {method.name} only", method.set) for method in config.methods]
    for kind, title, settings in parts:
        helps = {field.name: field.help for field in describe(kind)}
        rows = [
            {"name": name, "value": value_text(value), "help": helps.get(name, "")} for name, value in settings.items()
        ]
        if rows:
            found.append({"group": title, "rows": rows})
    return found
