"""``nascope compare``: runs side by side, only what differs."""

from __future__ import annotations

import json
from typing import Any

import click

from engine.cli.arguments import find_run
from engine.cli.compare_subnets import Front, best_within
from engine.cli.output import console, emit, json_option, say, table
from engine.config.describe import NOT_SAID
from engine.config.resolve import PROVENANCE_KEYS
from engine.errors import GenotypeError, RunError
from engine.genotype import Genotype
from engine.genotype.compare import differences
from engine.runs import RunFolder, RunSummary, summarize

_NO_SETTINGS = PROVENANCE_KEYS | (NOT_SAID - {"kind"})


_WITH_CELLS = {"search", "retrain"}
"""Kinds of runs that have cells."""


@click.command("compare")
@click.argument("runs", metavar="RUN RUN...", nargs=-1)
@json_option
def command(runs: tuple[str, ...], as_json: bool) -> None:
    """Set runs side by side: the settings that differ, the numbers, the cells against those of the first.

    Two-stage runs have no cells: the best measured networks of each within the same multiply-adds stand there instead.
    """
    if len(runs) < 2:
        raise click.UsageError(f"Name at least two runs, found {len(runs)}.")
    folders = [find_run(text) for text in runs]
    summaries = [_summary(folder) for folder in folders]
    settings = differing_settings([dict(summary.config) for summary in summaries])
    metrics = all_metrics(summaries)
    cells = [_cells(folder) for folder in folders]
    fronts = [Front.of(folder) for folder in folders]
    against_first = [_against(cells[0], other) for other in cells[1:]]
    if as_json:
        emit(
            {
                "runs": [summary.as_json() for summary in summaries],
                "settings": settings,
                "metrics": metrics,
                "genotypes": [
                    {"first": str(folders[0].path), "second": str(folder.path), "same_cells": found == [] if found is not None else None,
                     "differences": None if found is None else [entry.as_json() for entry in found]}
                    for folder, found in zip(folders[1:], against_first, strict=True)
                ],
                "fronts": [
                    front.as_json()
                    for front, summary in zip(fronts, summaries, strict=True)
                    if summary.kind == "two-stage"
                ],
            }
        )  # fmt: skip
        return
    names = [f"{number}. {summary.path.name}" for number, summary in enumerate(summaries, 1)]
    _print("Settings that differ", names, settings, empty="All settings are the same.")
    _print("Numbers", names, {"state": [summary.status.alive_state for summary in summaries], **metrics}, empty="")
    within = best_within(fronts)
    if within:
        _print("Best sub-network within", names, within, empty="")
    elif any(summary.kind == "two-stage" for summary in summaries):
        say("No sub-network was chosen yet: nascope select measures them.")
    for name, found, summary in zip(names[1:], against_first, summaries[1:], strict=True):
        if not {summary.kind, summaries[0].kind} <= _WITH_CELLS:
            continue
        say(f"Cells of {names[0]} against {name}")
        if found is None:
            say("  one of them has no cells yet")
        elif not found:
            say("  the same cells")
        for entry in found or []:
            say(f"  {entry}")


def differing_settings(configs: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Every setting that is not the same in all, with its value in each; None where a kind of run does not have it."""
    names = dict.fromkeys(name for config in configs for name in config if name not in _NO_SETTINGS)
    columns = {name: [config.get(name) for config in configs] for name in names}
    return {name: values for name, values in columns.items() if any(value != values[0] for value in values[1:])}


def all_metrics(summaries: list[RunSummary]) -> dict[str, list[Any]]:
    """Every number that any of the runs has, with its value in each."""
    names = dict.fromkeys(name for summary in summaries for name in summary.status.metrics)
    found: dict[str, list[Any]] = {name: [summary.status.metrics.get(name) for summary in summaries] for name in names}
    return {
        "epoch": [summary.status.epoch for summary in summaries],
        **found,
        "seconds": [summary.status.seconds for summary in summaries],
    }


def _summary(folder: RunFolder) -> RunSummary:
    summary = summarize(folder.path)
    if summary is None:
        raise RunError(
            "its config.json cannot be read.", where=str(folder.path), mend="Mend the file, or leave that run out."
        )
    return summary


def _cells(folder: RunFolder) -> Genotype | None:
    try:
        return folder.genotype()
    except GenotypeError:
        return None  # A damaged file: told as «no cells», the numbers can be compared all the same.


def _against(first: Genotype | None, second: Genotype | None) -> list[Any] | None:
    return None if first is None or second is None else list(differences(first, second))


def _print(title: str, names: list[str], rows: dict[str, list[Any]], *, empty: str) -> None:
    if not rows:
        say(empty)
        return
    made = table("", *names, title=title)
    for name, values in rows.items():
        made.add_row(name, *map(_shown, values))
    console().print(made)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)
