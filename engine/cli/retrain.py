"""``nascope retrain``: trains the discrete network of a genotype from scratch."""

from __future__ import annotations

import re
from typing import Any

import click

from engine.cli.arguments import find_genotype
from engine.cli.execution import note_unfinished
from engine.cli.forecast_answer import answer_forecast, forecast_option
from engine.cli.starting import RetrainCommand, Said, run_options, start_new
from engine.errors import GenotypeError
from engine.genotype import Genotype, is_registered
from engine.runs.origin import retrain_origin


@click.command("retrain", cls=RetrainCommand)
@click.argument("genotype")
@forecast_option
@run_options
def command(genotype: str, forecast: bool, **said: Any) -> int:
    """Train the network of GENOTYPE from scratch.

    GENOTYPE is a name (DARTS_V2), a file (JSON or the papers' text; FILE:NAME picks one of several), or a run.
    """
    spoken = Said(**said)
    cells, run = find_genotype(genotype)
    refuse_unbuildable(cells, genotype)
    config = spoken.resolved("retrain", retrain_origin(cells, run.path if run is not None else None))
    if forecast:
        return answer_forecast(spoken, config)
    if run is not None and run.config_document().get("kind") == "search":
        note_unfinished(run, "these are the cells it has chosen so far")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", cells.name).strip("-.")[:40] or "cell"
    return start_new(spoken, config, slug=f"retrain-{name}-{config.data.partition(':')[0]}")


def refuse_unbuildable(cells: Genotype, where: str) -> None:
    """Refuse cells with operations that nothing here can build.

    Raises:
        GenotypeError: names every such primitive and how to register it.
    """
    unknown = [name for name in cells.used_primitives() if not is_registered(name)]
    if unknown:
        raise GenotypeError(
            f"no network can be built with {', '.join(unknown)}: not registered.",
            where=where,
            mend="Register it by the entry point nascope.primitives (CONTRIBUTING.md shows how), or draw and export the cell only.",
        )
