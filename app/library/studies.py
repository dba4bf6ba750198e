"""Finds studies below the folders that the library looks at, and reads only those that changed."""

from __future__ import annotations

import os
from pathlib import Path

from app.library.entries import ScannedStudy
from engine.errors import NascopeError
from engine.study.folder import STUDY, StudyFolder, is_study
from engine.study.state import MemberReader, study_state, view_members

_MAX_DEPTH = 2


class StudyScan:
    """Remembers what it has read of each study."""

    def __init__(self) -> None:
        self._readers: dict[Path, MemberReader] = {}

    def look(self, roots: list[Path]) -> list[ScannedStudy]:
        """All studies of the moment, the one that was declared last first."""
        paths = dict.fromkeys(path for root in roots for path in _study_paths(root, _MAX_DEPTH))
        self._readers = {path: self._readers.get(path) or MemberReader(path) for path in paths}
        found = [study for path in paths if (study := self._scan(path)) is not None]
        return sorted(found, key=lambda study: (_stamp(study.path), str(study.path)), reverse=True)

    def _scan(self, path: Path) -> ScannedStudy | None:
        folder = StudyFolder(path)
        try:
            config, status = folder.config(), folder.status()
            views = view_members(config, self._readers[path], picks=status.picks, noted=status.members)
        except (NascopeError, OSError):
            return None  # Damaged: opening it says how.
        done = sum(view.state == "finished" for view in views)
        return ScannedStudy(path, study_state(status, views), done, len(views), config.rows)


def is_study_folder(path: Path) -> bool:
    """Whether a study stands here: a cheap look first."""
    return (path / STUDY).is_file() and is_study(path)


def _study_paths(folder: Path, depth: int) -> list[Path]:
    if is_study_folder(folder):
        return [folder]
    if depth == 0:
        return []
    try:
        with os.scandir(folder) as children:
            names = sorted(child.name for child in children if child.is_dir() and not child.name.startswith("."))
    except OSError:
        return []
    return [path for name in names for path in _study_paths(folder / name, depth - 1)]


def _stamp(path: Path) -> float:
    try:
        return (path / STUDY).stat().st_mtime
    except OSError:
        return 0.0
