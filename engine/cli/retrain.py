"""``nascope retrain``: trains one network, of a genotype's cells or a sub-network, from scratch, or fine-tunes one."""

from __future__ import annotations

import re
from typing import Any

import click

from engine.cli.arguments import find_genotype, find_own_subnet, find_subnet, run_folder_named
from engine.cli.execution import note_unfinished
from engine.cli.forecast_answer import answer_forecast, forecast_option
from engine.cli.starting import RetrainCommand, Said, run_options, start_new
from engine.config import RunConfig
from engine.errors import GenotypeError, NascopeError, RunError
from engine.genotype import Genotype, is_registered
from engine.runs import RunFolder
from engine.runs.origin import no_subnet_named, retrain_origin, subnet_defaults, subnet_origin
from engine.subnets import Architecture
from engine.subnets.named import name_of


@click.command("retrain", cls=RetrainCommand)
@click.argument("genotype", metavar="GENOTYPE|SUBNET|RUN")
@click.option(
    "--subnet", metavar="RECORD", help="Of a two-stage RUN: fine-tune this sub-network; a key that nascope select shows, a JSON file, smallest or biggest."
)  # fmt: skip
@click.option("--from-scratch", is_flag=True, help="With --subnet: begin anew, not with the supernet's weights.")
@forecast_option
@run_options
def command(genotype: str, subnet: str | None, from_scratch: bool, forecast: bool, **said: Any) -> int:
    """Train one network: the cells of GENOTYPE or the sub-network SUBNET from scratch, or fine-tune one of a two-stage RUN.

    GENOTYPE is a name (DARTS_V2), a file (JSON or the papers' text; FILE:NAME picks one of several), or a run. SUBNET is
    a name (AttentiveNAS-A0), a JSON file with a record, or the run of one.

    Fine-tuning (RUN --subnet RECORD) begins with the supernet's weights, on the run's own images and splits, and is
    gentle unless you say otherwise: 10 epochs at a tenth of the preset's learning rate, without warm-up, dropout and
    drop connect.
    """
    spoken = Said(**said)
    run = run_folder_named(genotype) if subnet is not None or from_scratch else None
    architecture = find_own_subnet(genotype)
    if subnet is not None or from_scratch:
        return _one_of(_two_stage_run(run, architecture, genotype), subnet, spoken, from_scratch, forecast)
    if architecture is not None:
        config = spoken.resolved("subnet", subnet_origin(architecture))
        return _begin(spoken, config, "retrain", name_of(architecture), forecast)
    run = run_folder_named(genotype)
    if run is not None and run.config_document().get("kind") == "two-stage":
        raise no_subnet_named(run)
    cells, run = find_genotype(genotype)
    refuse_unbuildable(cells, genotype)
    config = spoken.resolved("retrain", retrain_origin(cells, run.path if run is not None else None))
    if not forecast and run is not None and run.config_document().get("kind") == "search":
        note_unfinished(run, "these are the cells it has chosen so far")
    return _begin(spoken, config, "retrain", cells.name, forecast)


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


def _one_of(run: RunFolder, subnet: str | None, said: Said, from_scratch: bool, forecast: bool) -> int:
    """Train a sub-network of a two-stage run."""
    if subnet is None:
        raise no_subnet_named(run)
    architecture, data = find_subnet(subnet, run), said.said_data()
    origin = subnet_origin(architecture, run.path, data=data, fine_tuned=not from_scratch)
    beneath = subnet_defaults(run, data=data, preset=said.preset, fine_tuned=not from_scratch)
    config = said.resolved("subnet", origin, beneath)
    if not forecast and not from_scratch:
        _refuse_untrained(run)
        note_unfinished(run, "it begins with the weights that the supernet has so far")
    return _begin(said, config, "retrain" if from_scratch else "fine-tune", name_of(architecture), forecast)


def _begin(said: Said, config: RunConfig, verb: str, name: str, forecast: bool) -> int:
    if forecast:
        return answer_forecast(said, config)
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:40] or "cell"
    return start_new(said, config, slug=f"{verb}-{plain}-{config.data.partition(':')[0]}")


def _two_stage_run(run: RunFolder | None, architecture: Architecture | None, text: str) -> RunFolder:
    if run is not None and run.config_document().get("kind") == "two-stage":
        return run
    is_subnet = architecture is not None
    raise NascopeError(
        f"{'is a sub-network itself' if is_subnet else 'is no two-stage run'}, so there is none to choose from.",
        where=text[:300], mend="Leave --subnet and --from-scratch out.",
    )  # fmt: skip


def _refuse_untrained(run: RunFolder) -> None:
    """Said before the folder of the new run is made."""
    if not run.status().epoch:
        raise RunError(
            "no epoch is trained yet.", where=str(run.path), mend="Wait for its first epoch, or say --from-scratch."
        )
