"""Checkpoints: everything that the next step depends on, in one file that is old or new and never half.

Loaded with ``weights_only=True``: a checkpoint from a stranger is data, never code. So it holds tensors, numbers,
texts, lists and dictionaries only, and random states as torch gives them.
"""

from __future__ import annotations

import errno
import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch

from engine.errors import RunError
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST
from engine.training.failure import first_line

SCHEMA = 1

_ANOTHER_COPY = "Put another copy in its place (checkpoint-best.pt, where there is one), or start the run anew."


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint: temporary file, fsync, rename.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old checkpoint stays as it was.
    """
    with _replacing(path) as file:
        try:
            torch.save({"schema": SCHEMA, **content}, file)
        except RuntimeError as error:  # torch's zip writer reports a full disk this way
            raise OSError(errno.ENOSPC, f"the checkpoint could not be written ({error})", str(path)) from error


def copy_checkpoint(source: Path, target: Path) -> None:
    """Make ``target`` a copy of a finished checkpoint, in one rename.

    Raises:
        OSError: the disk is full; the old copy stays as it was.
    """
    with source.open("rb") as original, _replacing(target) as file:
        shutil.copyfileobj(original, file)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file that is on the disk and takes the path's place at the end of the block, or is gone."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:  # On a full disk the space is needed to say so.
        temporary.unlink(missing_ok=True)
        raise


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint into main memory; whoever loads a state copies it to the device.

    Raises:
        RunError: the file is missing, damaged, or of a newer nascope.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RunError(
            "there is no checkpoint.", where=str(path), mend="The run was never saved; start it anew."
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise RunError(
            f"cannot be read as a checkpoint ({first_line(error)}).", where=str(path), mend=_ANOTHER_COPY
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise RunError("is no checkpoint of nascope.", where=str(path), mend=_ANOTHER_COPY)
    if content["schema"] > SCHEMA:
        raise RunError(f"is of a newer nascope (schema {content['schema']}).", where=str(path), mend="Update nascope.")
    return content


def load_best(folder: RunFolder) -> tuple[str, dict[str, Any]]:
    """The checkpoint that a run is judged by, after the name of its file: the best one where there is one, else the last.

    Raises:
        RunError: no epoch is trained yet; or as ``load_checkpoint``.
    """
    name = CHECKPOINT_BEST if (folder.path / CHECKPOINT_BEST).exists() else CHECKPOINT_LAST
    content = load_checkpoint(folder.path / name)
    if not content["epochs_ended"]:
        raise RunError(
            "no epoch is trained yet.", where=str(folder.path), mend="Wait for its first epoch, or resume it."
        )
    return name, content


def random_states(only: torch.device | None = None) -> dict[str, Any]:
    """The states of torch's generators: processor, and every CUDA device.

    Args:
        only: the one device of a process among several; the others' are not its business.
    """
    states: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if only is not None:
        return states | ({"cuda": [torch.cuda.get_rng_state(only)]} if only.type == "cuda" else {})
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random_states(states: dict[str, Any], only: torch.device | None = None) -> None:
    """Put the generators back; ``only`` as for ``random_states``. CUDA states are left alone where the number of devices differs."""
    torch.set_rng_state(states["cpu"].cpu())
    saved = states.get("cuda")
    if only is not None:
        if saved and only.type == "cuda":
            torch.cuda.set_rng_state(saved[0].cpu(), only)
        return
    if saved is not None and torch.cuda.is_available() and len(saved) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([state.cpu() for state in saved])
