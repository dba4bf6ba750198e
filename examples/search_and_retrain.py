"""A search on the digits and a retraining of its cells, by the engine's Python API and without a window.

    python examples/search_and_retrain.py FOLDER [key=value ...]

The folders are ordinary runs: `nascope watch FOLDER/search` follows them, the window opens them, and a run that was
interrupted goes on when the script is started again. Settings are those of `nascope search --help`, for example epochs=3.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.config import RunConfig, parse_assignments, resolve
from engine.execution.execute import Outcome, execute
from engine.genotype.text import as_text
from engine.retrain.testing import run_test
from engine.runs import Event, RunFolder
from engine.runs.origin import retrain_origin
from engine.training.facts import run_facts


def show(event: Event) -> None:
    """Called with every event of a run, after it was logged."""
    if event.type == "epoch":
        accuracy = event.data["validation_accuracy_percent"]
        shown = f"{accuracy:.1f} %" if accuracy is not None else "not measured"
        print(f"  epoch {event.epoch + 1}: validation accuracy {shown}")


def carry_out(path: Path, config: RunConfig) -> tuple[RunFolder, Outcome]:
    """Start the run in this folder, or go on with it where it is there already."""
    if (path / "config.json").exists():
        folder = RunFolder.open(path)
    else:
        folder = RunFolder.create(path, config, run_facts("examples/search_and_retrain.py"))
    outcome = execute(folder, on_event=show)
    if outcome.state != "finished":
        sys.exit(f"{path}: {outcome.state}. Start this script again to go on.")
    return folder, outcome


def main() -> None:
    """Search, retrain, test."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    place, said = Path(sys.argv[1]), parse_assignments(sys.argv[2:])

    print("Search")
    search, _ = carry_out(place / "search", resolve("search", method="darts", data="digits", values=said))
    genotype = search.genotype()
    assert genotype is not None
    print(" ", as_text(genotype))

    print("Retrain")
    values = {**said, **retrain_origin(genotype, search.path)}
    retrain, _ = carry_out(place / "retrain", resolve("retrain", data="digits", values=values))

    print(f"Test: {run_test(retrain)['accuracy_percent']:.2f} % of images that neither stage has seen")


if __name__ == "__main__":
    main()
