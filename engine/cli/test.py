"""``nascope test``: measures a trained network on the test split, and counts how often that was done."""

from __future__ import annotations

import click

from engine.cli.arguments import find_run, find_subnet
from engine.cli.execution import note_unfinished
from engine.cli.output import emit, json_option, note, percent, say
from engine.config import ONE_NETWORK
from engine.errors import RunError
from engine.runs.folder import CHECKPOINT_BEST
from engine.runs.origin import no_subnet_named


@click.command("test")
@click.argument("run")
@click.option(
    "--subnet", metavar="RECORD", help="Of a two-stage RUN: the sub-network; a key that nascope select shows, a JSON file, smallest or biggest."
)  # fmt: skip
@click.option("--data", metavar="DATA", help="Another data set with the same classes; default: the run's own.")
@click.option("--device", metavar="DEVICE", default="auto", help="auto, cpu, cuda, cuda:N or mps.")
@json_option
def command(run: str, subnet: str | None, data: str | None, device: str, as_json: bool) -> None:
    """Measure the retrained network of RUN on the test split, or a sub-network of a two-stage RUN.

    A sub-network is cut out of the supernet, and its batch norms are calibrated on training images. Each test is added to results.jsonl in the run, so how often the test split was touched is a fact.
    """
    folder = find_run(run)
    kind = folder.config_document().get("kind")
    if subnet is None and kind == "two-stage":
        raise no_subnet_named(folder)
    architecture = find_subnet(subnet, folder) if subnet is not None else None
    if architecture is None and kind not in ONE_NETWORK:
        raise RunError(
            "a search has no network to test.",
            where=str(folder.path),
            mend=f"Retrain its cell first: nascope retrain {folder.path}",
        )
    from engine.distributed import failing_together, together
    from engine.retrain.testing import run_test

    note_unfinished(folder, "the newest weights that it saved are tested")
    with together() as ranks, failing_together(ranks):
        found = run_test(folder, data=data, device=device, ranks=ranks, subnet=architecture)
    if found["images_changed"]:
        note("warning: the images have changed since the training, so some of those it trained on may be tested now.")
    if as_json:
        emit(found)
        return
    top5 = found["top5_accuracy_percent"]
    say(f"Test accuracy {percent(found['accuracy_percent'])} on {found['images']:,} images ({found['split']} split); "
        f"{f'top-5 {percent(top5)}, ' if top5 is not None else ''}loss {found['loss']:.4f}.")  # fmt: skip
    if architecture is not None:
        say(f"{found['macs'] / 1e6:,.4g} M multiply-adds, {found['parameters']:,} parameters.")
    best = (
        "best by validation accuracy of the biggest and the smallest"
        if architecture
        else "best on the validation split"
    )
    which = best if found["checkpoint"] == CHECKPOINT_BEST else "last"
    note(f"The weights are the {which}: those after epoch {found['epoch']}.")
    count = found["tests_so_far"]
    note(f"The test split of this run was touched {count} time{'s' * (count != 1)} so far.")
