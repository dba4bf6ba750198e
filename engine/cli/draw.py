"""``nascope draw``: a genotype as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.arguments import find_genotype
from engine.cli.cost_subnets import SubnetTarget, subnet_target
from engine.cli.output import note
from engine.cost.subnets import subnet_cost
from engine.draw import write_drawing
from engine.draw.stages_picture import write_subnet
from engine.errors import DrawError
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
    """Draw GENOTYPE: a name, a file, FILE:NAME or a run; or a two-stage method's sub-network, by a published name or a
    record in a JSON file, stage by stage. Neither a display nor the dot program is needed."""
    subnet = subnet_target(genotype)
    if subnet is not None:
        _draw_subnet(subnet, out, cell)
        return
    cells, _ = find_genotype(genotype)
    write_drawing(cells, out.expanduser(), (cell,) if cell else CELL_KINDS)
    note(f"Written: {out}")


def _draw_subnet(target: SubnetTarget, out: Path, cell: CellKind | None) -> None:
    if target.architecture is None:
        raise DrawError(
            f"{target.title} is no single network.", where="GENOTYPE",
            mend="Name a sub-network: a published name or a record in a file (nascope select gives records).",
        )  # fmt: skip
    if cell is not None:
        raise DrawError(f"{target.title} is a sub-network, which has no cells.", where="--cell", mend="Leave it out.")
    cost = subnet_cost(target.architecture)
    write_subnet(cost, out.expanduser(), name=target.title, facts=cost.in_words())
    note(f"Written: {out}")
