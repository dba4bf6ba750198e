"""Where a retraining comes from: the cells it builds, and the search that found them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.genotype import Genotype
from engine.runs.files import read_json
from engine.runs.folder import CONFIG


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
