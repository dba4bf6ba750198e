"""Augmentation of a whole batch on the device: shift, mirror, normalize, cutout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config.data_sets import DataSet
from engine.data.randomness import below, stream_key


@dataclass(frozen=True)
class Augmentation:
    """What is done to training images.

    Attributes:
        shift: largest translation in pixels: a random crop after padding with black (zero bytes, as the papers do).
        flip: whether half of the images are mirrored left to right.
        cutout: side in pixels of the square that is blanked (set to 0, the mean) after normalization; 0 is off.

    Source: DARTS ``utils._data_transforms_cifar10``: crop 32 after padding 4, flip, normalize, cutout 16.
    """

    shift: int = 0
    flip: bool = False
    cutout: int = 0


@dataclass(frozen=True)
class Draws:
    """The random numbers of some images, each ``(n,)`` int64 on the device.

    Attributes:
        down, right: upper left corner of the crop in the padded image, 0 to ``2 * shift``.
        flip: 1 mirrors.
        centre_y, centre_x: centre of the cutout square, uniform over the pixels.
    """

    down: Tensor
    right: Tensor
    flip: Tensor
    centre_y: Tensor
    centre_x: Tensor

    def slice(self, start: int, stop: int) -> Draws:
        """The numbers of the images from ``start`` to before ``stop``."""
        return Draws(*(part[start:stop] for part in (self.down, self.right, self.flip, self.centre_y, self.centre_x)))


def augmentation_for(dataset: DataSet, image_size: int, *, augment: bool, cutout: int) -> Augmentation:
    """The augmentation that suits a data set.

    The passport's shift is meant for the passport's image size and grows with it; ``augment=False`` turns everything
    off, cutout included.
    """
    if not augment:
        return Augmentation()
    shift = max(1, round(dataset.shift * image_size / dataset.image_size)) if dataset.shift else 0
    return Augmentation(shift=shift, flip=dataset.flip, cutout=cutout)


def draw(augmentation: Augmentation, count: int, size: tuple[int, int], *, key: tuple[str | int, ...]) -> Draws:
    """The random numbers of ``count`` images of ``size`` (height, width), in main memory: a function of ``key``."""
    height, width = size
    limits = (2 * augmentation.shift + 1, 2 * augmentation.shift + 1, 2, height, width)
    names = ("down", "right", "flip", "centre_y", "centre_x")
    columns = [below(stream_key(*key, name), count, limit) for name, limit in zip(names, limits, strict=True)]
    return Draws(*(torch.from_numpy(np.ascontiguousarray(column)) for column in columns))


def normalize(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """``(n, C, H, W)`` uint8 to float32: scaled to 0..1, minus mean, over standard deviation, each ``(C,)``."""
    return images.float().div_(255).sub_(mean.view(1, -1, 1, 1)).div_(std.view(1, -1, 1, 1))


def augment(images: Tensor, augmentation: Augmentation, draws: Draws, *, mean: Tensor, std: Tensor) -> Tensor:
    """Shift, mirror, normalize and cut out a batch.

    Args:
        images: ``(n, C, H, W)`` uint8, left as they are.
        draws: ``(n,)`` of everything, on the device of the images.
        mean, std: ``(C,)``.

    Returns:
        ``(n, C, H, W)`` float32, contiguous.
    """
    if augmentation.shift or augmentation.flip:
        images = _shift_and_flip(images, augmentation, draws)
    normalized = normalize(images, mean, std)
    if augmentation.cutout:
        normalized.masked_fill_(_cutout_square(images, augmentation.cutout, draws), 0.0)
    return normalized


def _shift_and_flip(images: Tensor, augmentation: Augmentation, draws: Draws) -> Tensor:
    """One gather does both: each pixel looks up where it comes from in the padded image."""
    count, channels, height, width = images.shape
    shift = augmentation.shift
    padded = F.pad(images, (shift, shift, shift, shift)) if shift else images
    rows = torch.arange(height, device=images.device) + draws.down[:, None]
    columns = torch.arange(width, device=images.device).expand(count, width)
    if augmentation.flip:
        columns = torch.where(draws.flip[:, None] == 1, width - 1 - columns, columns)
    columns = columns + draws.right[:, None]
    source = (rows[:, :, None] * (width + 2 * shift) + columns[:, None, :]).view(count, 1, -1)
    return padded.flatten(2).gather(2, source.expand(-1, channels, -1)).view(count, channels, height, width)


def _cutout_square(images: Tensor, side: int, draws: Draws) -> Tensor:
    """``(n, 1, H, W)``, true inside the square: ``side`` rows from ``centre - side // 2``, clipped to the image."""
    height, width = images.shape[-2:]
    top, left = (draws.centre_y - side // 2)[:, None], (draws.centre_x - side // 2)[:, None]
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    in_rows = (rows >= top) & (rows < top + side)
    in_columns = (columns >= left) & (columns < left + side)
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
