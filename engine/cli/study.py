"""``nascope study``: methods by seeds, a retraining of every cell, random cells beside them."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from engine.cli.output import CRASH, DONE, STOPPED, emit, json_option, note, print_rows, say, writing
from engine.config import parse_data, read_config_file
from engine.config.study import StudyConfig, check_study
from engine.errors import DataError, RunError
from engine.study.changes import refuse_changes
from engine.study.folder import PAGE, STUDY, TABLE, StudyFolder, dated_folder, is_study
from engine.study.launch.base import Launcher
from engine.study.results import StudyResults, read_results, results_json
from engine.study.table import WIDE, as_csv, cells, columns, remarks

_ENGINES = ("local", "ray", "slurm")


@click.command("study")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder of the study; default: a dated one in the user's data folder.",
)
@click.option(
    "--parallel",
    metavar="N",
    type=click.IntRange(1, 4096),
    help="Members at a time; default: what the file says, else 1 here and all that are ready on a cluster.",
)
@click.option(
    "--engine",
    metavar="ENGINE",
    type=click.Choice(_ENGINES),
    default="local",
    help="local (processes here), ray or slurm.",
)
@json_option
def command(file: Path, out: Path | None, parallel: int | None, engine: str, as_json: bool) -> int:
    """Carry out the study that FILE describes: every method's searches, retrainings and tests, seed by seed.

    FILE is a JSON file (docs/studies.md lists its keys), or the folder of a study that has begun. Finished members are never
    done again: the same call goes on where it was stopped, or reads a finished study. More seeds or methods in FILE are
    added; other changes are refused.

    Exit code 1 means that members failed (the others have finished); the same call tries them again.
    """  # fmt: skip
    folder, config = _prepare(file, out)
    lock = folder.lock()
    try:
        results = read_results(folder.path, config=config)
        code = DONE
        if results.state != "finished":
            code = _carry_out(folder, config, engine, parallel)
            results = read_results(folder.path, config=config)
        _write_files(results)
    finally:
        lock.release()
    if as_json:
        emit(results_json(results))
    else:
        _print(results)
    if code == CRASH:
        note(
            f"nascope: {len(results.failures)} of {len(results.views)} members failed; the same call tries them again."
        )
    elif code != DONE:
        note(f"nascope: stopped; go on with: nascope study {shlex.quote(str(folder.path))}")
    return code


def _prepare(file: Path, out: Path | None) -> tuple[StudyFolder, StudyConfig]:
    """The study's folder with its declaration up to date.

    Raises:
        NascopeError: the file, or what it changes in a study that has begun, is refused.
    """
    file = file.expanduser()
    if file.is_dir():
        if not is_study(file):
            raise RunError(
                "holds no study.", where=str(file), mend="Name a study's file, or the folder of one that has begun."
            )
        if out is not None and out.expanduser().absolute() != file.absolute():
            raise RunError("names another folder than the study's.", where="--out", mend="Leave it out.")
        folder = StudyFolder(file.absolute())
        return folder, folder.config()
    config = check_study(read_config_file(file), where=str(file))
    path = out.expanduser().absolute() if out is not None else dated_folder(config)
    if path.exists() and not path.is_dir():
        raise RunError("is a file.", where=str(path), mend="Name a folder with --out.")
    if not (path / STUDY).exists():
        _see_data(config)
        return StudyFolder.create(path, config, command=_command()), config
    if not is_study(path):
        raise RunError("was not written by a study.", where=str(path / STUDY), mend="Choose another --out.")
    folder = StudyFolder(path)
    refuse_changes(folder.config(), config, where=str(file))
    lock = folder.lock()  # A study that goes on must not find its declaration changed.
    try:
        folder.extend(config)
    finally:
        lock.release()
    return folder, config


def _see_data(config: StudyConfig) -> None:
    """Refuse data that are not there, before one member after the other fails of it.

    Raises:
        DataError: there is no such file or folder.
    """
    path = parse_data(config.data).path
    if path is not None and not Path(path).expanduser().exists():
        raise DataError("there is no such file or folder.", where=config.data, mend="Mount it, or name another.")


def _carry_out(folder: StudyFolder, config: StudyConfig, engine: str, parallel: int | None) -> int:
    from engine.study.scheduler import Scheduler
    from engine.training.interrupts import EXIT_CODES, Interrupts

    _see_data(config)
    launcher = _launcher(folder, config, engine, parallel)
    try:
        with Interrupts() as interrupts:
            note(f"Study: {folder.path}")
            end = Scheduler(
                folder, config, launcher, say=note, command=_command(), stop_reason=lambda: interrupts.reason
            ).run()
    finally:
        launcher.close()
    codes = {**EXIT_CODES, "finished": DONE, "failed": CRASH, "held": STOPPED}
    return codes[end]


def _launcher(folder: StudyFolder, config: StudyConfig, engine: str, parallel: int | None) -> Launcher:
    slots = parallel or config.parallel
    if engine == "ray":
        from engine.study.launch.on_ray import RayLauncher

        return RayLauncher(slots)
    if engine == "slurm":
        from engine.study.folder import JOBS
        from engine.study.launch.on_slurm import SlurmLauncher

        return SlurmLauncher(folder.path / JOBS, config.slurm, slots)
    from engine.study.launch.local import LocalLauncher

    return LocalLauncher(slots or 1)


def _write_files(results: StudyResults) -> None:
    from engine.runs.files import write_atomically
    from engine.study.page import write_page

    with writing(results.path / TABLE):
        write_atomically(results.path / TABLE, as_csv(results))
        write_page(results, results.path / PAGE)


def _print(results: StudyResults) -> None:
    rows = [cells(results, row) for row in results.rows]
    print_rows(columns(results), rows, right=("cells", "best", "worst", "parameters", "hours"), wide=WIDE)
    for sentence in remarks(results):
        say(f"- {sentence}")
    say(f"Written: {results.path / TABLE}, {results.path / PAGE}")


def _command() -> str:
    arguments = click.get_current_context().obj or ()
    return shlex.join(["nascope", *arguments])
