"""What RUN and GENOTYPE on a command line mean."""

from __future__ import annotations

import difflib
from pathlib import Path

from engine.errors import RunError
from engine.genotype import Genotype
from engine.genotype.named import is_named
from engine.genotype.read import read_genotype
from engine.runs import RunFolder, find_runs, runs_home
from engine.runs.folder import CONFIG


def find_run(text: str) -> RunFolder:
    """The run that ``text`` means: a folder, or the name of a run (or of its folder) under ``runs_home()``.

    Raises:
        RunError: there is none, or several have the name.
    """
    if not text.strip():
        raise RunError("no run was named.", where="RUN", mend="Name a run's folder. (nascope runs lists all.)")
    path = Path(text).expanduser()
    if is_there(path):
        if path.is_dir():
            return RunFolder.open(path.absolute())
        if path.name == CONFIG:
            return RunFolder.open(path.absolute().parent)
        raise RunError("is a file, not a run folder.", where=text, mend="Name the folder of the run.")
    if not _is_bare(text):
        raise RunError("there is no such run folder.", where=text[:300], mend="(nascope runs lists all.)")
    known = find_runs(runs_home())
    folders = [run for run in known if run.path.name == text]
    found = folders or [run for run in known if run.name == text]
    if len(found) > 1:
        places = ", ".join(str(run.path) for run in found)
        raise RunError(f"{len(found)} runs have this name: {places}.", where=text, mend="Name the folder.")
    if not found:
        names = [run.path.name for run in known] + [run.name for run in known if run.name]
        close = difflib.get_close_matches(text, names, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise RunError(f"there is no such run folder.{hint}", where=text[:300], mend="(nascope runs lists all.)")
    return RunFolder(found[0].path)


def run_folder_named(text: str) -> RunFolder | None:
    """The run that ``text`` means where it means one, else None: for arguments that may be something else."""
    path = Path(text).expanduser()
    if is_there(path):
        return RunFolder.open(path.absolute()) if path.is_dir() else None
    if not _is_bare(text):
        return None
    try:
        return find_run(text)
    except RunError:
        return None


def find_genotype(text: str) -> tuple[Genotype, RunFolder | None]:
    """The genotype that ``text`` means: a name, a file, ``FILE:NAME``, or a run; with the run where it is one.

    Raises:
        GenotypeError: no such genotype, one that cannot be read, or a search without cells yet.
        RunError: the folder holds no run.
    """
    if not is_named(text):
        run = run_folder_named(text)
        if run is not None:
            return read_genotype(str(run.path)), run
    return read_genotype(text), None


def is_there(path: Path) -> bool:
    """Whether the path exists; text too long or too strange for a path is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_bare(text: str) -> bool:
    """Whether it is one word that may name something, not a path."""
    return bool(text) and "/" not in text and "\\" not in text and text not in (".", "..")
