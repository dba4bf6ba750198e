"""Fixtures for the loop: a run folder, and a sitting of the toy trainer in it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from engine.config import resolve
from engine.runs import RunFolder
from engine.runs.control import ControlWatch
from engine.runs.folder import CHECKPOINT_LAST
from engine.training.checkpoint import load_checkpoint
from engine.training.direction import Direction
from engine.training.interrupts import Interrupts
from engine.training.journal import FolderJournal
from engine.training.loop import Loop, LoopEnd
from engine.training.status_keeper import StatusKeeper


def _toy_module() -> ModuleType:
    # Under importlib mode tests cannot import each other by name.
    spec = importlib.util.spec_from_file_location("toy_trainer", Path(__file__).with_name("toy_trainer.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def toy_trainer() -> Callable[..., Any]:
    return _toy_module().ToyTrainer


@pytest.fixture
def run_folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", resolve("search", values={"epochs": 3}))


Sit = Callable[..., LoopEnd]


@pytest.fixture
def sit(run_folder: RunFolder) -> Sit:
    """Run the loop once with this trainer, from the folder's checkpoint where it has one."""

    def one_sitting(trainer: Any, *, interrupts: Interrupts | None = None, checkpoint_minutes: float = 10) -> LoopEnd:
        path = run_folder.path / CHECKPOINT_LAST
        checkpoint = load_checkpoint(path) if path.exists() else None
        with StatusKeeper(run_folder) as status:
            before = status.status.epochs
            orders = ControlWatch(run_folder.path, run_folder.status().control_id)
            journal = FolderJournal(run_folder, status, lambda event: None)
            loop = Loop(
                trainer, journal, Direction(orders, interrupts or Interrupts()), device=torch.device("cpu"),
                checkpoint_minutes=checkpoint_minutes,
            )  # fmt: skip
            return loop.run(checkpoint, {}, before)

    return one_sitting
