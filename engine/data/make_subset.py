"""Making an index file before any run: the same choice that a run with these settings would make."""

from __future__ import annotations

from pathlib import Path

from engine.config import parse_data, resolve
from engine.data.images import weights_half
from engine.data.index_file import Subset, write_index
from engine.data.places import check_classes, split_places
from engine.data.raw import Progress
from engine.data.readers import read


def make_subset(
    data: str,
    path: Path,
    *,
    portion: float,
    alphas: float | None,
    seed: int,
    image_size: int | None = None,
    progress: Progress,
) -> dict[str, int]:
    """List a share of each class's training images.

    Args:
        data: as ``--data`` takes it.
        portion: share for the weights of a search, or for any training where ``alphas`` is None.
        alphas: share for the alphas.

    Returns:
        How many images each list has: ``weights`` and ``alphas``, or ``train``.

    Raises:
        DataError: data that cannot be read or are too few, or a place that cannot be written.
    """
    reference = parse_data(data)
    raw = read(reference, image_size=image_size, progress=progress, broken_images="skip")
    check_classes(raw, data)
    share = min(1.0, portion + (alphas or 0))
    values = {"limit_portion": share, "validation_portion": 0, "seed": seed}
    config = resolve("search" if alphas else "retrain", data=data, values=values | ({} if alphas else {"genotype": {}}))
    rows = split_places(raw, config).train
    weights = None
    if alphas:
        labels, keys = raw.train.labels[rows], raw.train.keys[rows]
        weights = weights_half(labels, keys, raw.class_names, portion / (portion + alphas), seed=seed)
    write_index(path, raw, Subset(rows, weights), data=reference.dataset.name, seed=seed)
    if weights is None:
        return {"train": len(rows)}
    return {"weights": int(weights.sum()), "alphas": int((~weights).sum())}
