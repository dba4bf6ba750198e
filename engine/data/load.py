"""From a configuration to splits on the device: read, check, split, limit, resize, normalize."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import psutil
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import DataReference, RunConfig, parse_data
from engine.data.augment import Augmentation, augmentation_for
from engine.data.images import ImageSet
from engine.data.randomness import Positions, stream_key
from engine.data.raw import Normalization, Pixels, Progress, RawData, RawSplit, no_progress
from engine.data.readers import read
from engine.data.splits import TEST_PORTION, TEST_SALT, choose, fingerprint
from engine.errors import DataError

_RESIZE_IMAGES = 2048
_SHARE_OF_MEMORY = 0.8


@dataclass(frozen=True, eq=False)
class LoadedData:
    """A data set, split and on the device.

    Attributes:
        class_names: sorted as the labels count them.
        channels, image_size: of the images in the splits, which are square.
        splits: ``train``, ``validation`` (left out where none is held out), ``test`` (only if asked for).
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
    splits: dict[str, ImageSet]
    fingerprint: str
    split_fingerprints: dict[str, str]
    counts: dict[str, int]
    augmentation: Augmentation
    normalization: Normalization
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Places:
    """Which rows of ``RawData.train`` are which split, ascending.

    Attributes:
        validation, test: None where there is none, or it comes from files of its own.
        seen: all rows outside the test split, before any limit.
    """

    train: Positions
    validation: Positions | None
    test: Positions | None
    seen: Positions


def load_data(
    config: RunConfig,
    device: torch.device,
    *,
    splits: Collection[str] = ("train", "validation"),
    progress: Progress | None = None,
    normalization: Normalization | None = None,
) -> LoadedData:
    """Read a data set, check it, split it and put the splits on the device as bytes.

    Three splits, disjoint. ``test`` is the set's own, or a fifth that a fixed hash of the images takes out, whatever
    the seed. ``validation`` is the set's own, or ``validation_portion`` of the rest, stratified, by the seed.
    ``limit_images`` leaves that many training images, stratified, by the seed, and shrinks the validation split in the
    same proportion.

    Args:
        splits: which to put on the device.
        progress: hears ``(what, done, total)``; may raise to stop.
        normalization: constants to use instead of the set's own, as when a network is tested on other data.

    Raises:
        DataError: files that are missing, broken or too few, or more than fits in memory.
    """
    reference = parse_data(config.data)
    raw = read(reference, image_size=config.image_size, progress=progress or no_progress)
    _check_classes(raw, config.data)
    places = split_places(raw, config)
    validation = _validation(raw, places, config)
    size = _image_size(raw, reference, config)
    if config.cutout >= size and config.augment:
        raise DataError(
            f"blanks all of an image of {size}×{size} pixels.",
            where=f"cutout={config.cutout}",
            mend=f"Set cutout to {size // 2}.",
        )

    sources: dict[str, tuple[RawSplit, Positions]] = {"train": (raw.train, places.train)}
    if validation is not None:
        sources["validation"] = validation
    if "test" in splits:
        if places.test is not None:
            sources["test"] = (raw.train, places.test)
        elif raw.read_test is not None:
            test = raw.read_test()
            sources["test"] = (test, np.arange(len(test)))
    normalization = normalization or raw.normalization or measure_normalization(raw.train.images, places.train)
    wanted = [name for name in sources if name in splits]
    channels = raw.train.images.shape[1]
    _check_memory(sum(len(sources[name][1]) for name in wanted) * channels * size * size, device, size)

    made = _image_sets({name: sources[name] for name in wanted}, size, device, normalization, raw.class_names)
    counts = {name: len(rows) for name, (_, rows) in sources.items()}
    counts["test"] = len(places.test) if places.test is not None else raw.test_size
    seen = [(raw.train.labels[places.seen], raw.train.keys[places.seen])]
    if raw.validation is not None:
        seen.append((raw.validation.labels, raw.validation.keys))
    return LoadedData(
        class_names=raw.class_names, channels=channels, image_size=size, splits=made,
        fingerprint=fingerprint(raw.class_names, *seen),
        split_fingerprints={
            name: fingerprint(raw.class_names, (sources[name][0].labels[sources[name][1]], sources[name][0].keys[sources[name][1]]))
            for name in wanted
        },
        counts=counts,
        augmentation=augmentation_for(reference.dataset, size, augment=config.augment, cutout=config.cutout),
        normalization=normalization, messages=raw.messages,
    )  # fmt: skip


def split_places(raw: RawData, config: RunConfig) -> Places:
    """Divide ``raw.train`` into what is still missing of test, validation and train.

    Raises:
        DataError: a class has too few images for that, or ``limit_images`` is too small for the classes.
    """
    labels, keys, classes = raw.train.labels, raw.train.keys, len(raw.class_names)
    own_test, own_validation = raw.read_test is not None, raw.validation is not None
    cuts_validation = config.validation_portion > 0 and not own_validation
    # A search halves the training split, so each class needs two.
    least = 2 if config.kind == "search" else 1
    _check_class_sizes(raw, config, least + cuts_validation + (not own_test), cuts_validation=cuts_validation)

    rows = np.arange(len(labels))
    test: Positions | None = None
    if not own_test:
        spare = least + cuts_validation
        chosen = choose(labels, keys, round(TEST_PORTION * len(labels)), classes=classes, salt=TEST_SALT, spare=spare)
        test, rows = rows[chosen], rows[~chosen]
    seen = rows
    validation: Positions | None = None
    if cuts_validation:
        salt = stream_key("validation split", config.seed)
        total = round(config.validation_portion * len(rows))
        chosen = choose(labels[rows], keys[rows], total, classes=classes, salt=salt, spare=least)
        validation, rows = rows[chosen], rows[~chosen]
    if config.limit_images is not None and config.limit_images < len(rows):
        share = config.limit_images / len(rows)
        rows = _limited(rows, raw.train, config, config.limit_images, classes, least)
        if validation is not None:
            validation = _limited(validation, raw.train, config, round(share * len(validation)), classes, 1)
    return Places(rows, validation, test, seen)


def measure_normalization(images: Pixels, rows: Positions) -> Normalization:
    """Mean and standard deviation of each channel over all pixels of these rows, in whole numbers: the same anywhere."""
    channels = images.shape[1]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for start in range(0, len(rows), _RESIZE_IMAGES):
        part = images[rows[start : start + _RESIZE_IMAGES]]
        for channel in range(channels):
            counts[channel] += np.bincount(part[:, channel].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ values
    variance = (share * (values - mean[:, None]) ** 2).sum(axis=1)
    # A channel that is the same everywhere carries nothing; 1 keeps it finite.
    std = np.where(variance > 1e-12, np.sqrt(variance), 1.0)
    return Normalization(tuple(mean.tolist()), tuple(std.tolist()))


def resized(images: Pixels, size: int) -> Pixels:
    """``(n, C, H, W)`` cut to the central square and resized to ``size``, bilinear with antialiasing, rounded."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    images = images[:, :, top : top + side, left : left + side]
    if side == size:
        return images
    parts = [
        torch.from_numpy(np.ascontiguousarray(images[start : start + _RESIZE_IMAGES]))
        for start in range(0, len(images), _RESIZE_IMAGES)
    ]
    floats = (F.interpolate(part.float(), size=(size, size), mode="bilinear", antialias=True) for part in parts)
    return torch.cat([part.round_().clamp_(0, 255).to(torch.uint8) for part in floats]).numpy()


def _image_sets(
    sources: dict[str, tuple[RawSplit, Positions]],
    size: int,
    device: torch.device,
    normalization: Normalization,
    class_names: tuple[str, ...],
) -> dict[str, ImageSet]:
    made = {}
    for name, (split, rows) in sources.items():
        # Indexing copies, so the arrays of the files can go.
        pixels = resized(split.images[rows], size)
        pool: Tensor = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
        labels = torch.from_numpy(split.labels[rows]).to(device)
        made[name] = ImageSet(
            pool, torch.arange(len(rows), device=device), labels, split.keys[rows], normalization, class_names
        )
    return made


def _validation(raw: RawData, places: Places, config: RunConfig) -> tuple[RawSplit, Positions] | None:
    if raw.validation is None:
        return None if places.validation is None else (raw.train, places.validation)
    rows = np.arange(len(raw.validation))
    if len(places.train) < len(places.seen):
        total = round(len(rows) * len(places.train) / len(places.seen))
        rows = _limited(rows, raw.validation, config, total, len(raw.class_names), 1)
    return raw.validation, rows


def _limited(rows: Positions, split: RawSplit, config: RunConfig, total: int, classes: int, least: int) -> Positions:
    """About ``total`` of these rows, stratified, at least ``least`` of each class."""
    salt = stream_key("limit", config.seed)
    chosen = choose(split.labels[rows], split.keys[rows], total, classes=classes, salt=salt, minimum=least, spare=0)
    return rows[chosen]


def _image_size(raw: RawData, reference: DataReference, config: RunConfig) -> int:
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


def _check_classes(raw: RawData, where: str) -> None:
    if len(raw.class_names) < 2:
        raise DataError(
            f"holds {len(raw.class_names)} class; telling images apart takes two or more.",
            where=where,
            mend="Give images of at least two classes.",
        )


def _check_class_sizes(raw: RawData, config: RunConfig, needed: int, *, cuts_validation: bool) -> None:
    sizes = np.bincount(raw.train.labels, minlength=len(raw.class_names))
    small = [f"{raw.class_names[place]} ({sizes[place]})" for place in np.flatnonzero(sizes < needed)]
    if small:
        parts = ["test"] * (raw.read_test is None) + ["validation"] * cuts_validation
        parts += ["weights", "alphas"] if config.kind == "search" else ["train"]
        raise DataError(
            f"{_some(small)}: too few images, {needed} a class are needed, one for each of {', '.join(parts)}.",
            where=config.data,
            mend="Add images" + (", or set validation_portion to 0." if cuts_validation else "."),
        )
    least = 2 if config.kind == "search" else 1
    if config.limit_images is not None and config.limit_images < least * len(sizes):
        raise DataError(
            f"{len(sizes)} classes need at least {least} training images each.",
            where=f"limit_images={config.limit_images}",
            mend=f"Set limit_images to {least * len(sizes)} or more.",
        )


def _check_memory(wanted_bytes: int, device: torch.device, size: int) -> None:
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    if wanted_bytes > _SHARE_OF_MEMORY * free:
        raise DataError(
            f"the images take {wanted_bytes / 2**30:.1f} GiB at {size}×{size} pixels; {free / 2**30:.1f} GiB are free on {device}.",
            where="image_size",
            mend="Set a smaller image_size, or limit_images.",
        )


def _some(names: list[str], limit: int = 10) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
