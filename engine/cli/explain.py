"""``nascope explain``: why a search chose these cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from engine.cli.arguments import find_run
from engine.cli.explain_two_stage import explain_two_stage
from engine.cli.output import console, emit, gap_in_words, json_option, note, say, table
from engine.config import SearchConfig, SubnetConfig, TwoStageConfig
from engine.errors import RunError
from engine.explain import NodeExplanation, alphas_of, diagnose, explain_records, other_rules, why_this_edge
from engine.genotype import CELL_KINDS, CellKind, Genotype, declaration
from engine.genotype.graph import state_name
from engine.runs import AlphaRecord, RunFolder, RunHistory
from engine.runs.folder import EVENTS


@click.command("explain")
@click.argument("run")
@click.option(
    "--epoch",
    type=click.IntRange(min=1),
    metavar="N",
    help="Explain the cells as they were after epoch N, counted from 1; default: the last.",
)
@click.option(
    "--gap",
    is_flag=True,
    help="Measure the discretization gap now: the supernet's accuracy with its soft alphas and with the chosen cell alone.",
)
@click.option("--device", metavar="DEVICE", default="auto", help="Where to measure the gap.")
@json_option
def command(run: str, epoch: int | None, gap: bool, device: str, as_json: bool) -> None:
    """Tell, node by node, which edges RUN's cells keep and drop, by how much, and what looks wrong.

    Of a two-stage run: what was trained, where its search is, and what its sub-networks share, in its own numbers.
    """
    folder = find_run(run)
    config = folder.config()
    if isinstance(config, TwoStageConfig):
        if gap or epoch is not None:
            option = "--gap" if gap else "--epoch"
            raise RunError(
                f"{option} is for searches with alphas; a two-stage run has none.",
                where=str(folder.path),
                mend=f"Leave {option} out.",
            )
        explain_two_stage(folder, as_json=as_json)
        return
    if isinstance(config, SubnetConfig):
        raise RunError(
            "this run trains one given sub-network: nothing was chosen.",
            where=str(folder.path),
            mend="Explain the two-stage run it is from.",
        )
    history = RunHistory.read(folder.path / EVENTS)
    records = _records(folder, history, epoch)
    primitives = config.primitives if isinstance(config, SearchConfig) else ()
    cells = {kind: explain_records(records, kind, primitives) for kind in CELL_KINDS}
    genotype = folder.genotype()
    if not records and genotype is None:
        raise RunError(
            "this run has no cells yet.", where=str(folder.path), mend="Wait for its first epoch, or resume it."
        )
    warmup = config.warmup_epochs if isinstance(config, SearchConfig) else 0
    diagnoses = diagnose(history, primitives, genotype=genotype, warmup_epochs=warmup)
    measured = _measured_gap(folder, device) if gap else _last_gap(history)
    if as_json:
        emit(
            {
                "run": str(folder.path),
                "epoch": records[-1].epoch if records else None,
                "cells": {kind: cells_document(cells[kind], genotype, kind) for kind in CELL_KINDS},
                "diagnoses": [diagnosis.as_json() for diagnosis in diagnoses],
                "discretization_gap": measured,
            }
        )
        return
    for kind in CELL_KINDS:
        _print_cell(kind, cells[kind], records, primitives, genotype)
    if measured is not None:
        say(gap_in_words(measured))
    for diagnosis in diagnoses:
        say(f"{diagnosis.severity}: {diagnosis.message}")
    if not diagnoses:
        note("Nothing looks wrong.")


def cells_document(nodes: Sequence[NodeExplanation], genotype: Genotype | None, kind: CellKind) -> list[dict[str, Any]]:
    """The nodes of one kind of cell; a cell without alphas (drawn at random) has its kept edges alone."""
    if nodes or genotype is None:
        return [node.as_json() for node in nodes]
    unknown = {
        "alpha": None,
        "kept": True,
        "margin": None,
        "edge_margin": None,
        "none": None,
        "last_changed_epoch": None,
    }
    return [
        {"node": node, "edges": [{"from": edge.source, "primitive": edge.primitive, **unknown} for edge in edges]}
        for node, edges in enumerate(genotype.cell(kind).nodes)
    ]


def _records(folder: RunFolder, history: RunHistory, epoch: int | None) -> list[AlphaRecord]:
    records = history.alphas_by_epoch()
    if epoch is None:
        return records
    if not any(record.epoch == epoch - 1 for record in records):
        there = f"it has epochs {records[0].epoch + 1} to {records[-1].epoch + 1}" if records else "it logged none"
        raise RunError(f"no alphas of epoch {epoch}: {there}.", where=str(folder.path), mend="Choose another --epoch.")
    return [record for record in records if record.epoch < epoch]


def _measured_gap(folder: RunFolder, device: str) -> dict[str, Any]:
    from engine.execution.gap import measure_gap

    return dict(measure_gap(folder, device))


def _last_gap(history: RunHistory) -> dict[str, Any] | None:
    event = history.last.get("discretization_gap")
    return dict(event.data) if event is not None else None


def _print_cell(
    kind: CellKind,
    nodes: Sequence[NodeExplanation],
    records: Sequence[AlphaRecord],
    primitives: Sequence[str],
    genotype: Genotype | None,
) -> None:
    if not nodes:
        say(f"{kind.capitalize()} cell (no alphas: drawn at random, or given)")
        for number, edges in enumerate(genotype.cell(kind).nodes if genotype is not None else ()):
            inputs = ", ".join(f"{declaration(edge.primitive).label} from {state_name(edge.source)}" for edge in edges)
            say(f"  node {number}: {inputs}")
        return
    has_betas = nodes[0].edges[0].beta is not None
    columns = ["node", "from", "operation", "weight", *(["beta"] if has_betas else []), "margin", "none", "changed", ""]
    rows = table(*columns, right=("weight", "beta", "margin", "none", "changed"), title=f"{kind.capitalize()} cell")
    for node in nodes:
        for edge in (*node.kept, *node.dropped):
            changed = "–" if edge.last_changed_epoch is None else f"epoch {edge.last_changed_epoch + 1}"
            rows.add_row(
                str(node.node), state_name(edge.source), declaration(edge.primitive).label, f"{edge.alpha:.3f}",
                *([f"{edge.beta:.3f}"] if edge.beta is not None else []), f"{edge.margin:.3f}",
                "–" if edge.none is None else f"{edge.none:.3f}", changed, "kept" if edge.kept else "dropped",
                style="" if edge.kept else "dim",
            )  # fmt: skip
    console().print(rows)
    rules = other_rules(*alphas_of(records[-1], kind), primitives)
    for node in nodes:
        for edge in node.kept:
            say(f"  node {node.node}, from {state_name(edge.source)}: {why_this_edge(edge, node, rules)}")
    for rule in rules:
        if rule.differing_edges:
            say(f"  With {rule.title} {rule.differing_edges} edge{'s' * (rule.differing_edges != 1)} would be others.")
    say()
