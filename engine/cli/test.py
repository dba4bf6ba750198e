"""``nascope test``: measures a retrained network on the test split, and counts how often that was done."""

from __future__ import annotations

import click

from engine.cli.arguments import find_run
from engine.cli.execution import note_unfinished
from engine.cli.output import emit, json_option, note, percent, say
from engine.errors import RunError
from engine.runs.folder import CHECKPOINT_BEST


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
    from engine.distributed import failing_together, together
    from engine.retrain.testing import run_test

    note_unfinished(folder, "the newest weights that it saved are tested")
    with together() as ranks, failing_together(ranks):
        found = run_test(folder, data=data, device=device, ranks=ranks)
    if found["images_changed"]:
        note("warning: the images have changed since the training, so some of those it trained on may be tested now.")
    if as_json:
        emit(found)
        return
    top5 = found["top5_accuracy_percent"]
    say(f"Test accuracy {percent(found['accuracy_percent'])} on {found['images']:,} images ({found['split']} split); "
        f"{f'top-5 {percent(top5)}, ' if top5 is not None else ''}loss {found['loss']:.4f}.")  # fmt: skip
    kind = "best on the validation split" if found["checkpoint"] == CHECKPOINT_BEST else "last"
    note(f"The weights are the {kind}: those after epoch {found['epoch']}.")
    count = found["tests_so_far"]
    note(f"The test split of this run was touched {count} time{'s' * (count != 1)} so far.")
