"""``nascope report``: a run's self-contained page."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.arguments import find_run
from engine.cli.output import note, writing
from engine.runs.folder import REPORT
from engine.study.folder import PAGE, is_study


@click.command("report")
@click.argument("run")
@click.option(
    "-o", "--out", "out", metavar="FILE", type=click.Path(path_type=Path), help="Default: report.html in the run."
)
def command(run: str, out: Path | None) -> None:
    """Write one HTML file with RUN's curves, cells, settings and warnings; it loads nothing from elsewhere.

    The folder of a study gives the study's page.
    """
    study = Path(run).expanduser()
    if is_study(study):
        _study_page(study.absolute(), out)
        return
    folder = find_run(run)
    from engine.report.page import write_report

    path = out.expanduser() if out is not None else folder.path / REPORT
    with writing(path):
        write_report(folder, path)
    note(f"Written: {path}")


def _study_page(study: Path, out: Path | None) -> None:
    from engine.study.page import write_page
    from engine.study.results import read_results

    path = out.expanduser() if out is not None else study / PAGE
    with writing(path):
        write_page(read_results(study), path)
    note(f"Written: {path}")
