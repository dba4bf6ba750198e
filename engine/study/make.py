"""Makes the run folder of a member, as the form or the command line would."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import engine
from engine.config import RunConfig
from engine.config.study import StudyConfig
from engine.errors import RunError
from engine.runs import RunFolder
from engine.runs.folder import CONFIG
from engine.runs.origin import retrain_origin
from engine.study.plan import Member

_TITLES = {"search": "search", "short": "short retraining", "retrain": "retraining"}


def make_run(config: StudyConfig, study: Path, member: Member, *, command: str = "") -> RunFolder:
    """The member's run folder: as it is where it has begun, else made.

    Raises:
        NascopeError: the settings are refused, or the search has left no cells.
        OSError: the folder cannot be written.
    """
    path = member.folder(study)
    if (path / CONFIG).is_file():
        return RunFolder(path)
    name = f"{member.row} · {_TITLES[member.kind]} · seed {member.own_seed}"
    return RunFolder.create(path, member_config(config, study, member), _facts(config, command), name=name)


def member_config(config: StudyConfig, study: Path, member: Member) -> RunConfig:
    """The configuration of a member.

    Raises:
        RunError: the search of a retraining has left no cells.
    """
    if member.kind == "search":
        return config.search_config(member.row, member.own_seed)
    search = study / member.search_id
    cells = RunFolder(search).genotype()
    if cells is None:
        raise RunError("the search has left no cells.", where=str(search), mend="Remove its folder: it is made anew.")
    return config.retrain_config(member.own_seed, retrain_origin(cells, search), short=member.kind == "short")


def _facts(config: StudyConfig, command: str) -> dict[str, Any]:
    versions = {"nascope": engine.__version__, "python": platform.python_version()}
    try:
        versions["torch"] = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        versions["torch"] = "not installed"
    return {"versions": versions, "command": command, **({"preset": config.preset} if config.preset != "auto" else {})}
