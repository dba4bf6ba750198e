"""What RUN, GENOTYPE and the RECORD of a sub-network on a command line mean."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from engine.config import SubnetConfig, TwoStageConfig
from engine.errors import NascopeError, RunError
from engine.genotype import Genotype
from engine.genotype.named import is_named
from engine.genotype.read import read_genotype
from engine.runs import RunFolder, find_runs, runs_home
from engine.runs.folder import CONFIG
from engine.runs.subnet_log import read_subnets
from engine.subnets import Architecture, Space, SubnetError, architecture_from_json, named_subnets
from engine.subnets.architecture import biggest, smallest
from engine.subnets.read import is_subnet, read_subnet

_EXTREMES = {"smallest": smallest, "biggest": biggest}
"""Sub-networks that have a name in every space."""

_KEY = re.compile(r"[0-9a-f]{8}")


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


def find_subnet(text: str, run: RunFolder) -> Architecture:
    """The sub-network of a two-stage run that ``text`` means.

    A record in a JSON file (or an object with one under ``architecture``, as ``nascope select`` prints), a published name,
    the key of eight digits that ``nascope select`` shows, or ``smallest`` and ``biggest``.

    Raises:
        RunError: the run is of another kind.
        SubnetError, SpaceFileError: there is no such sub-network, or it is of another space.
    """
    config = run.config()
    if not isinstance(config, TwoStageConfig):
        raise RunError("only a two-stage run has sub-networks.", where=str(run.path), mend="Leave --subnet out.")
    space = config.the_space()
    if text in _EXTREMES:
        return _EXTREMES[text](space)
    if text in named_subnets() or is_there(Path(text).expanduser()):
        return read_subnet(text, space=space)
    if _KEY.fullmatch(text.lower()):
        return _measured(text.lower(), space, run)
    raise SubnetError(
        "there is no such sub-network or file.", where=text[:300],
        mend=f"Name a JSON file, a key that nascope select {run.path} shows, or {', '.join(_EXTREMES)}.",
    )  # fmt: skip


def find_own_subnet(text: str) -> Architecture | None:
    """The sub-network that ``text`` means by itself, else None: a published name, a file with a record, or the run of one.

    Raises:
        SubnetError, SpaceFileError: the record describes no sub-network.
    """
    if is_named(text):  # Of cells: no need to look through all runs.
        return None
    if is_subnet(text):
        return read_subnet(text)
    run = run_folder_named(text)
    if run is not None and run.config_document().get("kind") == "subnet":
        config = run.config()
        assert isinstance(config, SubnetConfig)
        return config.the_architecture()
    return None


def _measured(key: str, space: Space, run: RunFolder) -> Architecture:
    """The sub-network of a row of ``subnets.jsonl``."""
    for row in reversed(read_subnets(run.path)):
        try:
            found = architecture_from_json(dict(row.architecture), space=space)
        except NascopeError:
            continue
        if found.key == key:
            return found
    raise SubnetError(
        "no measured sub-network of this run has this key.", where=key, mend=f"(nascope select {run.path} lists them.)"
    )


def is_there(path: Path) -> bool:
    """Whether the path exists; text too long or too strange for a path is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_bare(text: str) -> bool:
    """Whether it is one word that may name something, not a path."""
    return bool(text) and "/" not in text and "\\" not in text and text not in (".", "..")
