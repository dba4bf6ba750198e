"""``nascope import``: runs of the original code, read from their logs or weights."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.arguments import find_genotype
from engine.cli.output import emit, json_option, note, say
from engine.errors import RunError

_WEIGHTS = (b"PK\x03\x04", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19")
"""First bytes of torch's files: a zip archive, and the pickle of torch before 1.6."""


@click.command("import")
@click.argument("source", metavar="LOG|FOLDER|WEIGHTS", type=click.Path(path_type=Path))
@click.option(
    "--out",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Folder of the new run; default: a dated one in the user's data folder.",
)
@click.option("--name", metavar="TEXT", default="", help="What lists call the run; default: method and data.")
@click.option("--method", metavar="M", help="darts, darts-v2 or pc-darts; default: as the log tells.")
@click.option(
    "--genotype", metavar="GENOTYPE", help="Cells of a retraining: needed with weights, and where a log does not tell."
)
@click.option("--data", metavar="DATA", help="Data set; default: the script's own (cifar10, cifar100).")
@json_option
def command(
    source: Path, out: Path | None, name: str, method: str | None, genotype: str | None, data: str | None, as_json: bool
) -> None:
    """Make a run of a log (or experiment folder, or weight file) of the original DARTS or PC-DARTS code.

    Curves come from log.txt; heatmaps need what the script printed to standard output, since its log.txt has no alphas.
    """
    source = source.expanduser()
    cells = find_genotype(genotype)[0] if genotype is not None else None
    if is_weight_file(source):
        if cells is None:
            raise RunError(
                "is a weight file, which does not name its cells.", where=str(source), mend="Name them: --genotype DARTS_V2."
            )  # fmt: skip
        from engine.export.original_weights import import_weights

        found = import_weights(source, cells, out=out, name=name, data=data)
    else:
        from engine.runs.original import import_log

        found = import_log(source, out=out, name=name, method=method, data=data, genotype=cells)
    if as_json:
        emit({
            "run": str(found.folder.path), "kind": found.kind, "method": found.method, "epochs": found.epochs,
            "state": found.state, "notes": list(found.notes),
        })  # fmt: skip
        return
    say(f"Imported: {found.folder.path} ({found.kind}, {found.epochs} epoch{'s' * (found.epochs != 1)}, {found.state})")
    for text in found.notes:
        note(text)


def is_weight_file(path: Path) -> bool:
    """Whether it is a file that torch wrote, by its first bytes or, where they are foreign, by its ending."""
    try:
        with path.open("rb") as file:
            first = file.read(16)
    except OSError:
        return False
    return first.startswith(_WEIGHTS) or path.suffix in (".pt", ".pth", ".tar")
