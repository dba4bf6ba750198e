"""``nascope runs``: the list of runs."""

from __future__ import annotations

import time
from pathlib import Path

import click

from engine.cli.output import duration, emit, json_option, note, percent, print_rows
from engine.errors import RunError
from engine.runs import RunSummary, find_runs, runs_home


@click.command("runs")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@json_option
def command(folder: Path | None, as_json: bool) -> None:
    """List the runs below FOLDER (default: the user's data folder), newest first."""
    if folder is not None and not folder.expanduser().is_dir():
        raise RunError("there is no such folder.", where=str(folder), mend="Name a folder that holds runs.")
    place = folder.expanduser().absolute() if folder is not None else runs_home()
    found = find_runs(place)
    if as_json:
        emit({"runs": [run.as_json() for run in found]})
        return
    if not found:
        note(f"No runs below {place} yet. Start one: nascope search")
        return
    columns = ("run", "what", "state", "epoch", "best validation", "time", "started")
    rows = [_cells(run, place) for run in found]
    print_rows(columns, rows, right=("epoch", "best validation", "time"), wide=("time", "started"))
    note(f"{len(found)} run{'s' * (len(found) != 1)} below {place}")


def _cells(run: RunSummary, place: Path) -> tuple[str, ...]:
    status = run.status
    metrics = status.metrics
    best = percent(metrics.get("best_validation_accuracy_percent", metrics.get("validation_accuracy_percent")))
    if metrics.get("validation_split") == "alphas":
        best += " (alphas' half)"
    elif metrics.get("validation_split") == "test":
        best += " (test split)"
    name = str(run.path.relative_to(place)) if run.path != place else run.path.name
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) if run.created else "–"
    epochs = f"{status.epoch}/{status.epochs}" if status.epochs else "–"
    tags = f"  [{', '.join(run.tags)}]" if run.tags else ""
    return (
        name,
        run.title + tags,
        status.alive_state,
        epochs,
        best,
        duration(status.seconds) if status.seconds else "–",
        started,
    )
