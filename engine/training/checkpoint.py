"""Checkpoints: everything that the next step depends on, in one file that is old or new and never half.

Loaded with ``weights_only=True``: a checkpoint from a stranger is data, never code. So it holds tensors, numbers,
texts, lists and dictionaries only, and random states as torch gives them.
"""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch

from engine.errors import RunError

SCHEMA = 1


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint: temporary file, fsync, rename.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old checkpoint stays as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            try:
                torch.save({"schema": SCHEMA, **content}, file)
            except RuntimeError as error:  # torch's zip writer reports a full disk this way
                raise OSError(28, f"the checkpoint could not be written ({error})") from error
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def copy_checkpoint(source: Path, target: Path) -> None:
    """Make ``target`` a copy of a finished checkpoint, in one rename."""
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        RunError: the file is missing, damaged, or of a newer nascope.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise RunError(
            "there is no checkpoint.", where=str(path), mend="The run was never saved; start it anew."
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise RunError(f"cannot be read as a checkpoint ({_first_line(error)}).", where=str(path)) from None
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise RunError("is no checkpoint of nascope.", where=str(path))
    if content["schema"] > SCHEMA:
        raise RunError(f"is of a newer nascope (schema {content['schema']}).", where=str(path), mend="Update nascope.")
    return content


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def random_states() -> dict[str, Any]:
    """The states of torch's generators: processor, and every CUDA device."""
    states: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Put the generators back. CUDA states are left alone where the number of devices differs."""
    torch.set_rng_state(states["cpu"].cpu())
    saved = states.get("cuda")
    if saved is not None and torch.cuda.is_available() and len(saved) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([state.cpu() for state in saved])
