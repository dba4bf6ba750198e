"""Finding runs: the list that ``nascope runs`` prints and the window shows."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config import METHODS, parse_data
from engine.errors import NascopeError
from engine.runs.files import read_json
from engine.runs.folder import CONFIG, RunFolder
from engine.runs.status import Status
from engine.subnets import architecture_from_json
from engine.subnets.named import name_of

_MAX_DEPTH = 3


@dataclass(frozen=True)
class RunSummary:
    """One row of a list of runs."""

    path: Path
    kind: str
    method: str
    data: str
    name: str
    tags: tuple[str, ...]
    created: float
    status: Status
    config: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The name that a person gave, else «PC-DARTS · CIFAR-10», «Retrain of DARTS_V2» or «AttentiveNAS-A0 · CIFAR-10»."""
        return self.name or default_title(self.config)

    def as_json(self) -> dict[str, Any]:
        """The row of ``nascope runs --json``."""
        return {
            "path": str(self.path), "kind": self.kind, "method": self.method, "data": self.data, "name": self.name,
            "tags": list(self.tags), "state": self.status.alive_state, "epoch": self.status.epoch, "epochs": self.status.epochs,
            "metrics": dict(self.status.metrics), "created": self.created,
        }  # fmt: skip


def find_runs(folder: Path) -> list[RunSummary]:
    """Every run below a folder (or the folder itself), newest first. Damaged folders are left out."""
    found = [summary for path in _run_paths(folder, _MAX_DEPTH) if (summary := summarize(path)) is not None]
    return sorted(found, key=lambda summary: (summary.created, str(summary.path)), reverse=True)


def summarize(path: Path) -> RunSummary | None:
    """The row of one run; None where the folder holds none that can be read."""
    config = read_json(path / CONFIG)
    if not isinstance(config, dict) or "kind" not in config:
        return None
    run = RunFolder(path)
    meta = run.meta()
    created = config.get("created")
    return RunSummary(
        path=path, kind=str(config["kind"]), method=str(config.get("method", "")), data=str(config.get("data", "")),
        name=str(meta["name"]), tags=tuple(map(str, meta["tags"])), created=float(created) if isinstance(created, int | float) else 0.0,
        status=run.status(), config=config,
    )  # fmt: skip


def default_title(config: Mapping[str, Any]) -> str:
    """What a run is called before a person names it."""
    data = str(config.get("data", ""))
    with contextlib.suppress(NascopeError):
        data = parse_data(data).title
    if config.get("kind") == "retrain":
        genotype = config.get("genotype")
        name = genotype.get("name") if isinstance(genotype, Mapping) else None
        return f"Retrain of {name or 'a cell'} · {data}"
    if config.get("kind") == "subnet":
        name = "a sub-network"
        with contextlib.suppress(NascopeError):
            name = name_of(architecture_from_json(config.get("architecture")))
        return f"{'Fine-tuned ' if config.get('supernet_run') else ''}{name} · {data}"
    name = str(config.get("method", ""))
    method = METHODS["darts-v2"] if name == "darts" and config.get("order") == 2 else METHODS.get(name)
    return f"{method.title if method else name} · {data}"


def _run_paths(folder: Path, depth: int) -> list[Path]:
    try:
        if (folder / CONFIG).is_file():
            return [folder]
        if depth == 0 or not folder.is_dir():
            return []
        children = sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    except OSError:
        return []
    return [path for child in children for path in _run_paths(child, depth - 1)]
