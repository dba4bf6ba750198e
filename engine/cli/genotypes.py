"""``nascope genotypes``: the published cells and sub-networks that ship with nascope."""

from __future__ import annotations

from typing import Any

import click

from engine.cli.output import emit, json_option, note, print_rows, say
from engine.cost.subnets import subnet_cost
from engine.genotype.named import named_genotypes
from engine.subnets import NamedSubnet, named_subnets


@click.command("genotypes")
@json_option
def command(as_json: bool) -> None:
    """List the named genotypes, and the named sub-networks of two-stage methods, with what their sources say about them."""
    found, subnets = named_genotypes(), list(named_subnets().values())
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
                ],
                "subnets": [_subnet_document(subnet) for subnet in subnets],
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
    say()
    say("Sub-networks of two-stage methods")
    of_subnets = ("name", "ImageNet accuracy", "multiply-adds", "parameters", "what", "source")
    print_rows(of_subnets, map(_subnet_row, subnets), right=of_subnets[1:4], wide=("what", "source"))
    note("Draw one: nascope draw NAME -o picture.svg. Train one: nascope retrain NAME.")


def _subnet_row(subnet: NamedSubnet) -> tuple[str, ...]:
    cost, accuracy = subnet_cost(subnet.architecture), subnet.passport.get("imagenet_top1_accuracy_percent")
    return (
        subnet.name, "–" if accuracy is None else f"{accuracy} %", f"{cost.macs / 1e6:.1f} M", f"{cost.parameters / 1e6:.2f} M",
        str(subnet.passport.get("summary", "")), str(subnet.passport.get("paper", "")),
    )  # fmt: skip


def _subnet_document(subnet: NamedSubnet) -> dict[str, Any]:
    cost = subnet_cost(subnet.architecture)
    return {
        "name": subnet.name, "summary": str(subnet.passport.get("summary", "")), "source": str(subnet.passport.get("paper", "")),
        "facts": dict(subnet.passport), "macs": cost.macs, "parameters": cost.parameters, "architecture": subnet.architecture.as_json(),
    }  # fmt: skip
