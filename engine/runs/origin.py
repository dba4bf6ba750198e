"""Where a run comes from: a retraining from a search, an imported run from another program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.genotype import Genotype
from engine.runs.files import read_json
from engine.runs.folder import CONFIG, RunFolder


def retrain_origin(genotype: Genotype, run: Path | None = None) -> dict[str, Any]:
    """Settings of a ``RetrainConfig`` that say what is retrained.

    Args:
        run: folder of the run that the genotype is from. The fingerprint of the search's splits is kept, so that the
            retraining can tell whether images of the search's training stand in its test split; a retraining hands on
            what it knows of its search, and a run whose configuration was damaged tells nothing.
    """
    values: dict[str, Any] = {"genotype": genotype.as_json()}
    document = read_json(run / CONFIG) if run is not None else None
    if not isinstance(document, dict):
        return values
    if document.get("kind") == "search":
        decided = document.get("decided")
        fingerprint = decided.get("split_fingerprint") if isinstance(decided, dict) else None
        return values | {"search_run": str(run), "split_fingerprint": fingerprint}
    return values | {name: document.get(name) for name in ("search_run", "split_fingerprint")}


def is_imported(document: Mapping[str, Any]) -> bool:
    """Whether a run's ``config.json`` says that another program did the work."""
    return bool(document.get("imported_from"))


def refuse_imported(folder: RunFolder) -> None:
    """Raises RunError for a run that was imported: there is nothing to go on from."""
    if is_imported(folder.config_document()):
        raise RunError(
            "was imported from the original code, so it has no optimizer and no data order to go on with.",
            where=str(folder.path), mend="Start a run of its own: nascope search or retrain with --config and this run's config.json.",
        )  # fmt: skip
