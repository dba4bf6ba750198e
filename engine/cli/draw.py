"""``nascope draw``: a genotype as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.arguments import find_genotype
from engine.cli.output import note
from engine.draw import write_drawing
from engine.genotype import CELL_KINDS, CellKind


@click.command("draw")
@click.argument("genotype")
@click.option(
    "-o",
    "--out",
    "out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Ends in .svg, .png, .pdf or .dot.",
)
@click.option("--cell", type=click.Choice(CELL_KINDS), help="Draw only this cell; default: both in one picture.")
def command(genotype: str, out: Path, cell: CellKind | None) -> None:
    """Draw GENOTYPE: a name, a file, FILE:NAME or a run. Neither a display nor the dot program is needed."""
    cells, _ = find_genotype(genotype)
    write_drawing(cells, out.expanduser(), (cell,) if cell else CELL_KINDS)
    note(f"Written: {out}")
