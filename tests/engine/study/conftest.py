"""Studies without engines."""

from __future__ import annotations

import sys
from pathlib import Path

# tests_study stands beside this file; importlib mode puts nothing on the path by itself.
sys.path.insert(0, str(Path(__file__).parent))

import pytest
from tests_study import TINY, FakeLauncher

from engine.config.study import check_study
from engine.study.folder import StudyFolder
from engine.study.scheduler import Scheduler


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("engine.study.scheduler.LOOK_SECONDS", 0.001)


@pytest.fixture
def study(tmp_path):
    """Makes a study's folder from keys of its file."""

    def make(**keys):
        keys = {"search": TINY, "retrain": TINY, **keys}
        config = check_study(keys)
        path = tmp_path / "study"
        return StudyFolder.create(path, config) if not path.exists() else StudyFolder(path)

    return make


@pytest.fixture
def carry_out():
    """Works a study off with a ``FakeLauncher``; gives how it ended, the launcher and what was said."""

    def run(folder, ends, *, slots=1, stop_reason=lambda: None, left_behind=None):
        launcher = FakeLauncher(ends, slots)
        launcher.left_behind = left_behind or {}
        said = []
        scheduler = Scheduler(folder, folder.config(), launcher, say=said.append, stop_reason=stop_reason)
        return scheduler.run(), launcher, said

    return run
