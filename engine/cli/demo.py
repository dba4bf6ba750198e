"""``nascope demo``: the whole job in the terminal on the digits: search, retrain, test, report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from engine.cli.execution import answer, run_document, start
from engine.cli.output import DONE, accuracy_in_words, emit, json_option, note, percent, say
from engine.config import METHODS, RunConfig, resolve
from engine.config.presets import method_names
from engine.errors import ConfigError, Fault
from engine.genotype.text import as_text
from engine.runs import RunFolder
from engine.runs.folder import REPORT
from engine.runs.origin import retrain_origin


@click.command("demo")
@click.option("--method", metavar="METHOD", default="darts", help=f"{', '.join(method_names())}.")
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Gets the runs search and retrain; default: two dated runs in the user's data folder.",
)
@click.option("--seed", metavar="N", default="0", help="Governs every random choice.")
@click.option("--device", metavar="DEVICE", default="auto", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--epochs", metavar="N", help="Of the search; default: as nascope search takes them.")
@click.option("--retrain-epochs", metavar="N", help="Of the retraining; default: as nascope retrain takes them.")
@json_option
def command(
    method: str, out: Path | None, seed: str, device: str, epochs: str | None, retrain_epochs: str | None, as_json: bool
) -> int:
    """Search on the digits, retrain the cell, test it, write a report: a few minutes on two cores, no download.

    Ctrl-C saves; nascope resume goes on with the run that it stopped.
    """
    if method in METHODS and method not in method_names():
        raise ConfigError([Fault(
            "method", f"«{method}» finds no cell that the demo could retrain.",
            f"For its two stages: nascope search --method {method}, then nascope select. The demo takes {', '.join(method_names())}.",
        )])  # fmt: skip
    shared = {"seed": seed, "device": device}
    search_config = resolve(
        "search", method=method, data="digits", values={**shared, **({"epochs": epochs} if epochs else {})}
    )
    retrain_said = {**shared, **({"epochs": retrain_epochs} if retrain_epochs else {})}
    from engine.genotype.named import named

    # Settings of the second stage are refused now, not after the first.
    resolve("retrain", data="digits", values={**retrain_said, "genotype": named("DARTS_V2").as_json()})
    from engine.training.device import pick_device

    pick_device(search_config.device)

    note("1 of 4  Search for a normal and a reduction cell on the digits")
    search, ending = _run(search_config, out / "search" if out else None, f"{method}-digits", "search", as_json=as_json)
    if ending is not None:
        return ending
    genotype = search.genotype()
    assert genotype is not None  # A finished search has cells.
    note(f"        {as_text(genotype)}")

    note("2 of 4  Retrain the network of these cells from scratch")
    values = {**retrain_said, **retrain_origin(genotype, search.path)}
    retrain_config = resolve("retrain", data="digits", values=values)
    retrain, ending = _run(
        retrain_config, out / "retrain" if out else None, "retrain-digits", "retrain", as_json=as_json
    )
    if ending is not None:
        return ending

    note("3 of 4  Test on the split that nothing has touched so far")
    from engine.retrain.testing import run_test

    tested = run_test(retrain, device=device)

    note("4 of 4  Report")
    from engine.report.page import write_report

    for folder in (search, retrain):
        write_report(folder, folder.path / REPORT)
    if as_json:
        emit(
            {
                "search": _document(search),
                "retrain": _document(retrain),
                "test": tested,
                "report": str(retrain.path / REPORT),
            }
        )
        return DONE
    say(
        f"Test accuracy {percent(tested['accuracy_percent'])} on {tested['images']:,} images that neither stage has seen."
    )
    say(f"  search   {search.path}")
    say(f"  retrain  {retrain.path}")
    say(f"  report   {retrain.path / REPORT}")
    say(f"  why      nascope explain {shlex.quote(str(search.path))}")
    return DONE


def _run(config: RunConfig, path: Path | None, slug: str, title: str, *, as_json: bool) -> tuple[RunFolder, int | None]:
    """Carry out one run; also gives the exit code where the demo ends with it."""
    from engine.training.facts import run_facts

    facts = run_facts(shlex.join(["nascope", *(click.get_current_context().obj or ())]))
    if path is None:
        folder, existed = RunFolder.create_dated(config, facts, slug=slug, name=f"Demo {title}"), False
    else:
        existed = path.exists()
        folder = RunFolder.create(path.expanduser().absolute(), config, facts, name=f"Demo {title}")
    outcome = start(folder, existed=existed, title=title)
    if outcome.exit_code != DONE or outcome.state != "finished":
        return folder, answer(folder, outcome, as_json=as_json)
    note(f"        finished after {outcome.epochs} epochs; {accuracy_in_words(outcome.metrics)}")
    return folder, None


def _document(folder: RunFolder) -> dict[str, Any]:
    status = folder.status()
    return run_document(folder, status.alive_state, status.epoch, status.metrics)
