"""One way out for every format: into a temporary file, checked against the network, then renamed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import NascopeError
from engine.export.module_file import write_module
from engine.export.onnx_file import write_onnx
from engine.export.program_file import write_program
from engine.export.source import ExportedNetwork
from engine.export.weight_files import write_safetensors, write_torch


@dataclass(frozen=True)
class Options:
    """How a network is written.

    Attributes:
        batch: images a call; None leaves it open.
        with_normalization: whether the network takes pixels of 0..1 and normalizes them itself.
    """

    batch: int | None = None
    with_normalization: bool = False


@dataclass(frozen=True)
class Written:
    """What came of it.

    Attributes:
        difference: largest difference of a logit from the network's on random input; None where the format runs nothing.
        runner: what computed the other logits.
    """

    difference: float | None = None
    runner: str = ""


_WRITERS: dict[str, Callable[[ExportedNetwork, Path, Options], tuple[float, str] | None]] = {
    "module": write_module,
    "onnx": write_onnx,
    "pt2": write_program,
    "torch": write_torch,
    "safetensors": write_safetensors,
}
NETWORK_FORMATS = tuple(_WRITERS)
"""Formats that hold a network, or its source."""

_NEEDS = {"onnx": ("onnx", "onnxscript"), "safetensors": ("safetensors",)}


def write_network(source: ExportedNetwork, path: Path, format: str, options: Options = Options()) -> Written:
    """Write a network; a file that was there stays until the new one is whole and agrees with the network.

    Raises:
        NascopeError: a library is missing, options that the format cannot keep, or a file that computes other logits.
        OSError: the disk is full or the folder cannot be written.
    """
    missing = [name for name in _NEEDS.get(format, ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise NascopeError(
            f"needs {' and '.join(missing)}, not installed here.", where=f"--format {format}", mend=f"Install it: pip install {' '.join(missing)}."
        )  # fmt: skip
    if options.with_normalization and source.normalization is None:
        raise NascopeError(
            "nothing is known of how images are normalized.", where="--with-normalization", mend="Export a retraining."
        )
    # The ending stays: some writers look at it.
    temporary = path.with_name(f".{os.getpid()}.tmp.{path.name}")
    try:
        checked = _WRITERS[format](source, temporary, options)
        temporary.chmod(0o666 & ~_umask())  # safetensors writes files that only their owner may read
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Written(*checked) if checked is not None else Written()


def _umask() -> int:
    """What new files may not have; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
