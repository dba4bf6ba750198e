"""``nascope genotypes``: the published cells that ship with nascope."""

from __future__ import annotations

import click

from engine.cli.output import emit, json_option, note, print_rows
from engine.genotype.named import named_genotypes


@click.command("genotypes")
@json_option
def command(as_json: bool) -> None:
    """List the named genotypes with what their sources say about them."""
    found = named_genotypes()
    if as_json:
        emit(
            {
                "genotypes": [
                    {
                        "name": genotype.name,
                        "summary": str(genotype.source.get("summary", "")),
                        "source": str(genotype.source.get("paper", "")),
                        "facts": dict(genotype.source),
                        "genotype": genotype.as_json(),
                    }
                    for genotype in found
                ]
            }
        )
        return
    columns = ("name", "CIFAR-10 error", "parameters", "what", "source")
    rows = []
    for genotype in found:
        facts = genotype.source
        error, millions = facts.get("test_error_percent"), facts.get("parameters_millions")
        rows.append(
            (genotype.name, "–" if error is None else f"{error} %", "–" if millions is None else f"{millions} M",
             str(facts.get("summary", "")), str(facts.get("paper", "")))
        )  # fmt: skip
    print_rows(columns, rows, right=("CIFAR-10 error", "parameters"), wide=("source",))
    note("Draw one: nascope draw NAME -o cell.svg. Train one: nascope retrain NAME.")
