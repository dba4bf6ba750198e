"""``nascope report``: a run's self-contained page."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.arguments import find_run
from engine.cli.output import note, writing
from engine.runs.folder import REPORT


@click.command("report")
@click.argument("run")
@click.option(
    "-o", "--out", "out", metavar="FILE", type=click.Path(path_type=Path), help="Default: report.html in the run."
)
def command(run: str, out: Path | None) -> None:
    """Write one HTML file with RUN's curves, cells, settings and warnings; it loads nothing from elsewhere."""
    folder = find_run(run)
    from engine.report import write_report

    path = out.expanduser() if out is not None else folder.path / REPORT
    with writing(path):
        write_report(folder, path)
    note(f"Written: {path}")
