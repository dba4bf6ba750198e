"""``nascope test``: measures a retrained network on the test split, and counts how often that was done."""

from __future__ import annotations

import click

from engine.cli.arguments import find_run
from engine.cli.output import emit, json_option, note, percent, say
from engine.errors import RunError


@click.command("test")
@click.argument("run")
@click.option("--data", metavar="DATA", help="Another data set with the same classes; default: the run's own.")
@click.option("--device", metavar="DEVICE", default="auto", help="auto, cpu, cuda, cuda:N or mps.")
@json_option
def command(run: str, data: str | None, device: str, as_json: bool) -> None:
    """Measure the retrained network of RUN on the test split.

    Each test is added to results.jsonl in the run, so how often the test split was touched is a fact.
    """
    folder = find_run(run)
    if folder.config_document().get("kind") != "retrain":
        raise RunError(
            "a search has no network to test.",
            where=str(folder.path),
            mend=f"Retrain its cell first: nascope retrain {folder.path}",
        )
    from engine.retrain.testing import run_test

    found = run_test(folder, data=data, device=device)
    if as_json:
        emit(found)
        return
    say(f"Test accuracy {percent(found['accuracy_percent'])} on {found['images']:,} images ({found['split']} split); "
        f"top-5 {percent(found.get('top5_accuracy_percent'))}, loss {found['loss']:.4f}.")  # fmt: skip
    count = found["tests_so_far"]
    note(f"The test split of this run was touched {count} time{'s' * (count != 1)} so far.")
