"""Weights alone, under nascope's names: the module of ``--format module`` loads them with ``strict=True``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from engine.errors import NascopeError
from engine.export.source import ExportedNetwork

if TYPE_CHECKING:
    from engine.export.write import Options

SCHEMA = 1


def write_torch(source: ExportedNetwork, path: Path, options: Options) -> None:
    """A dictionary for ``torch.load(file, weights_only=True)``: ``state_dict``, and the passport."""
    _refuse_normalization(options, "torch")
    torch.save({"schema": SCHEMA, **source.passport(), "state_dict": source.network.state_dict()}, path)


def write_safetensors(source: ExportedNetwork, path: Path, options: Options) -> None:
    """The state dict with the passport in the file's metadata, each entry JSON or a text."""
    from safetensors.torch import save_file

    _refuse_normalization(options, "safetensors")
    weights = {name: value.contiguous() for name, value in source.network.state_dict().items()}
    save_file(weights, path, metadata=source.passport_texts())


def _refuse_normalization(options: Options, format: str) -> None:
    if options.with_normalization or options.batch:
        raise NascopeError(
            f"{format} holds weights, which take any batch and do not normalize.", where="--format",
            mend="Leave --with-normalization and --batch out: mean and deviation are in its metadata.",
        )  # fmt: skip
