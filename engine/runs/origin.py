"""Where a retraining comes from: the cells it builds, and the search that found them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.genotype import Genotype
from engine.runs.files import read_json
from engine.runs.folder import CONFIG


def retrain_origin(genotype: Genotype, search_run: Path | None = None) -> dict[str, Any]:
    """Settings of a ``RetrainConfig`` that say what is retrained.

    Args:
        search_run: folder of the run that the genotype is from; its splits' fingerprint is kept, so that the
            retraining can tell whether images of the search's training stand in its test split.
    """
    values: dict[str, Any] = {"genotype": genotype.as_json()}
    document = read_json(search_run / CONFIG) if search_run is not None else None
    if isinstance(document, dict):
        decided = document.get("decided")
        values["search_run"] = str(search_run)
        if isinstance(decided, dict):
            values["split_fingerprint"] = decided.get("split_fingerprint")
    return values
