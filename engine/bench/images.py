"""Random images in the place of a data set: what a step costs depends on their shape, not on what they show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.config import SearchConfig, parse_data
from engine.data import ImageSet, LoadedData, Normalization, load_data
from engine.data.augment import augmentation_for

WEIGHTS_SHARE = 0.5
"""Share of the random images that train the weights: with one half each, batches of both halves are always full."""

_POOL_IMAGES = 1024
_MOST_IMAGES_A_HALF = 8192
_MOST_BATCHES = 64


@dataclass(frozen=True)
class DataShape:
    """The shape of a data set's images, which are square, and its number of classes."""

    channels: int
    image_size: int
    classes: int


def shape_of_data(config: SearchConfig) -> DataShape:
    """The shape that a search's images would have. Downloads nothing; files are read only where they decide.

    Raises:
        DataError: a person's own folder or file that is missing or cannot be used.
    """
    reference = parse_data(config.data)
    dataset = reference.dataset
    if dataset.name == "npz":
        data = load_data(config, torch.device("cpu"), splits=("train",))
        return DataShape(data.channels, data.image_size, len(data.class_names))
    classes = dataset.classes
    if dataset.name == "image-folder":
        from engine.data.folder_layout import find_images

        classes = len(find_images(Path(reference.path or "").expanduser()).class_names)
    elif dataset.name == "imagenet":
        from engine.data.imagenet import find_imagenet

        classes = len(find_imagenet(Path(reference.path or "").expanduser()).class_names)
    return DataShape(dataset.channels, config.image_size or dataset.image_size, classes)


def random_data(config: SearchConfig, shape: DataShape, device: torch.device) -> LoadedData:
    """A training split of random images, augmented as the data set would be; some full batches for each half."""
    batches = max(2, min(_MOST_BATCHES, _MOST_IMAGES_A_HALF // config.batch_size))
    batches = max(batches, -(-shape.classes // config.batch_size))  # Each half holds an image of each class.
    count = 2 * batches * config.batch_size
    # Many rows look at few images: a large batch of large images would else take more memory than the step.
    pool_images = max(config.batch_size, min(count, _POOL_IMAGES))
    source = np.random.default_rng(config.seed)
    size = (pool_images, shape.channels, shape.image_size, shape.image_size)
    pool = torch.from_numpy(source.integers(0, 256, size, dtype=np.uint8)).to(device)
    class_names = tuple(f"class {number}" for number in range(shape.classes))
    normalization = Normalization((0.5,) * shape.channels, (0.25,) * shape.channels)
    train = ImageSet(
        pool=pool,
        rows=torch.arange(count, device=device) % pool_images,
        labels=torch.arange(count, device=device) % shape.classes,
        keys=source.integers(0, 2**64, count, dtype=np.uint64),
        normalization=normalization,
        class_names=class_names,
    )
    return LoadedData(
        class_names=class_names, channels=shape.channels, image_size=shape.image_size, splits={"train": train},
        fingerprint="", split_fingerprints={"train": ""}, counts={"train": count},
        augmentation=augmentation_for(
            parse_data(config.data).dataset, shape.image_size, augment=config.augment, cutout=config.cutout
        ),
        normalization=normalization,
    )  # fmt: skip
