"""From a configuration to splits on the device: read, check, split, limit, resize, normalize."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor

from engine.config import DataReference, RunConfig, SearchConfig, parse_data
from engine.data.augment import Augmentation, augmentation_for
from engine.data.crops import resized_side
from engine.data.file_set import FileSet
from engine.data.images import ImageSet, weights_half
from engine.data.index_file import Subset, read_index, write_index
from engine.data.measure import measure_normalization, resized
from engine.data.places import Places, check_classes, split_places, validation_source
from engine.data.randomness import Positions
from engine.data.raw import FileSplit, Normalization, Progress, RawData, RawSplit, no_progress
from engine.data.readers import read
from engine.data.splits import fingerprint
from engine.errors import DataError

_SHARE_OF_MEMORY = 0.8


@dataclass(frozen=True, eq=False)
class LoadedData:
    """A data set, split and on the device, or in files that are decoded as they are needed.

    Attributes:
        class_names: sorted as the labels count them.
        channels, image_size: of the images in the splits, which are square.
        splits: ``train``, ``validation`` (left out where none is held out), ``test`` (only if asked for). Streams of them
            come from ``open_stream``.
        fingerprint: hash of the images and labels outside the test split. Equal for two runs whose test split is held
            out from the same images, whatever their seeds, portions, limits and image sizes.
        split_fingerprints: one hash a split in ``splits``: exactly which images.
        counts: images of each split; ``test`` too where it is known without reading it.
        augmentation: what suits the training images by the data set's passport and the configuration.
        normalization: constants of the training split (or the ones everybody uses for this set).
        messages: sentences that a person should read: files left out, splits made.
    """

    class_names: tuple[str, ...]
    channels: int
    image_size: int
    splits: dict[str, ImageSet | FileSet]
    fingerprint: str
    split_fingerprints: dict[str, str]
    counts: dict[str, int]
    augmentation: Augmentation
    normalization: Normalization
    messages: tuple[str, ...] = ()

    @property
    def reading(self) -> str:
        """What ``reading`` means for these: ``memory`` or ``files``."""
        return "files" if any(isinstance(split, FileSet) for split in self.splits.values()) else "memory"


def load_data(
    config: RunConfig,
    device: torch.device,
    *,
    splits: Collection[str] = ("train", "validation"),
    progress: Progress | None = None,
    normalization: Normalization | None = None,
    raw: RawData | None = None,
) -> LoadedData:
    """Read a data set, check it, split it and put the splits on the device as bytes.

    Three splits, disjoint. ``test`` is the set's own, or a fifth that a fixed hash of the images takes out, whatever
    the seed. ``validation`` is the set's own, or ``validation_portion`` of the rest, stratified, by the seed.
    ``limit_images`` leaves that many training images, and ``limit_portion`` that share of them, stratified, by the seed;
    the validation split shrinks in the same proportion. An ``index_file`` says which images train instead; it is made
    where it is missing.

    Args:
        splits: which to put on the device.
        progress: hears ``(what, done, total)``; may raise to stop.
        normalization: constants to use instead of the set's own, as when a network is tested on other data.
        raw: stands for what the files hold, instead of reading them.

    Raises:
        DataError: files that are missing, broken or too few, or more than fits in memory.
    """
    reference = parse_data(config.data)
    if raw is None:
        raw = read(
            reference, image_size=config.image_size, progress=progress or no_progress, reading=config.reading,
            broken_images=config.broken_images,
        )  # fmt: skip
    check_classes(raw, config.data)
    subset, told = _listed(raw, reference, config)
    places = split_places(raw, config, subset)
    if subset is None and config.index_file is not None and "train" in splits:
        subset, told = _list_anew(raw, reference, config, places)
    validation = validation_source(raw, places, config)
    size = _image_size(raw, reference, config)
    if config.cutout >= size and config.augment:
        raise DataError(
            f"blanks all of an image of {size}×{size} pixels.",
            where=f"cutout={config.cutout}",
            mend=f"Set cutout to {size // 2}.",
        )
    if config.auto_augment and config.augment and _channels(raw) not in (1, 3):
        raise DataError(
            f"is for grey and colour images; these have {_channels(raw)} channels.",
            where="auto_augment=true",
            mend="Set auto_augment to false.",
        )

    sources: dict[str, tuple[RawSplit | FileSplit, Positions]] = {"train": (raw.train, places.train)}
    if validation is not None:
        sources["validation"] = validation
    if "test" in splits:
        if places.test is not None:
            sources["test"] = (raw.train, places.test)
        elif raw.read_test is not None:
            test = raw.read_test()
            sources["test"] = (test, np.arange(len(test)))
    normalization = normalization or raw.normalization or _measured(raw, places)
    wanted = {name: source for name, source in sources.items() if name in splits}
    made = _make_sets(wanted, reference, config, size, device, normalization, raw.class_names)
    if subset is not None and "train" in made:
        made["train"] = replace(made["train"], halves=subset.weights)
    counts = {name: len(rows) for name, (_, rows) in sources.items()}
    counts["test"] = len(places.test) if places.test is not None else raw.test_size
    seen = [(raw.train.labels[places.seen], raw.train.keys[places.seen])]
    if raw.validation is not None:
        seen.append((raw.validation.labels, raw.validation.keys))
    return LoadedData(
        class_names=raw.class_names, channels=_channels(raw), image_size=size, splits=made,
        fingerprint=fingerprint(raw.class_names, *seen),
        split_fingerprints={
            name: fingerprint(raw.class_names, (sources[name][0].labels[sources[name][1]], sources[name][0].keys[sources[name][1]]))
            for name in wanted
        },
        counts=counts,
        augmentation=augmentation_for(
            reference.dataset, size, augment=config.augment, cutout=config.cutout, color_jitter=config.color_jitter,
            auto_augment=config.auto_augment, mean=normalization.mean,
        ),
        normalization=normalization, messages=(*raw.messages, *told),
    )  # fmt: skip


def _listed(raw: RawData, reference: DataReference, config: RunConfig) -> tuple[Subset | None, list[str]]:
    """The subset that the index file lists, and the sentence about it."""
    if config.index_file is None or not Path(config.index_file).exists():
        return None, []
    subset = read_index(Path(config.index_file), raw, data=reference.dataset.name)
    return subset, [f"The {len(subset.rows):,} training images are those that {config.index_file} lists."]


def _list_anew(raw: RawData, reference: DataReference, config: RunConfig, places: Places) -> tuple[Subset, list[str]]:
    """Make the index file of these training images."""
    assert config.index_file is not None
    weights = None
    if isinstance(config, SearchConfig):
        labels, keys = raw.train.labels[places.train], raw.train.keys[places.train]
        weights = weights_half(labels, keys, raw.class_names, config.train_portion, seed=config.seed)
    subset = Subset(places.train, weights)
    write_index(Path(config.index_file), raw, subset, data=reference.dataset.name, seed=config.seed)
    return subset, [f"The {len(subset.rows):,} training images are listed in {config.index_file}, made now."]


def _measured(raw: RawData, places: Places) -> Normalization:
    assert isinstance(raw.train, RawSplit)  # Lists of files bring their normalization.
    return measure_normalization(raw.train.images, places.train)


def _channels(raw: RawData) -> int:
    return int(raw.train.images.shape[1]) if isinstance(raw.train, RawSplit) else 3


def _make_sets(
    sources: dict[str, tuple[RawSplit | FileSplit, Positions]],
    reference: DataReference,
    config: RunConfig,
    size: int,
    device: torch.device,
    normalization: Normalization,
    class_names: tuple[str, ...],
) -> dict[str, ImageSet | FileSet]:
    cropped = reference.dataset.random_crop
    # Random crops are cut from larger squares.
    kept = resized_side(size) if cropped else size
    in_memory = [len(rows) * split.images.shape[1] for split, rows in sources.values() if isinstance(split, RawSplit)]
    _check_memory(sum(in_memory) * kept * kept, device, size)
    made: dict[str, ImageSet | FileSet] = {}
    for name, (split, rows) in sources.items():
        labels = torch.from_numpy(split.labels[rows]).to(device)
        if isinstance(split, FileSplit):
            made[name] = FileSet(
                split.root, split.names[rows], labels, split.keys[rows], normalization, class_names, size, cropped,
                config.broken_images,
            )  # fmt: skip
            continue
        # Indexing copies, so the arrays of the files can go.
        pixels = resized(split.images[rows], kept)
        pool: Tensor = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
        made[name] = ImageSet(
            pool, torch.arange(len(rows), device=device), labels, split.keys[rows], normalization, class_names,
            size if cropped else None,
        )  # fmt: skip
    return made


def _image_size(raw: RawData, reference: DataReference, config: RunConfig) -> int:
    if isinstance(raw.train, FileSplit) or reference.dataset.random_crop:
        return config.image_size or reference.dataset.image_size
    height, width = raw.train.images.shape[-2:]
    if config.image_size is not None:
        return config.image_size
    if height != width:
        raise DataError(
            f"the images are {height}×{width} pixels, and the networks need squares.",
            where=reference.path or config.data,
            mend=f"Set image_size (for example {min(height, width)}): the central square is cut out and resized.",
        )
    return int(height)


def _check_memory(wanted_bytes: int, device: torch.device, size: int) -> None:
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    if wanted_bytes > _SHARE_OF_MEMORY * free:
        raise DataError(
            f"the images take {wanted_bytes / 2**30:.1f} GiB at {size}×{size} pixels; {free / 2**30:.1f} GiB are free on {device}.",
            where="image_size",
            mend="Set a smaller image_size, or limit_images; images in a folder can also stay there (reading=files).",
        )
