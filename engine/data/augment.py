"""Augmentation of a whole batch on the device: shift or crop, mirror, AutoAugment, colours, normalize, cutout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config.data_sets import DataSet
from engine.data.auto_augment import auto_augmented, pair_words
from engine.data.crops import crop_boxes, crop_words, cut_and_resize, mirrored
from engine.data.jitter import jitter, jitter_factors
from engine.data.randomness import Words, below, stream_key


@dataclass(frozen=True)
class Augmentation:
    """What is done to training images.

    Attributes:
        shift: largest translation in pixels: a random crop after padding with black (zero bytes, as the papers do).
        flip: whether half of the images are mirrored left to right.
        cutout: side in pixels of the square that is blanked (set to 0, the mean) after normalization; 0 is off.
        random_crop: a crop of random size and shape, resized (``engine.data.crops``), in the place of a shift.
        color_jitter: largest change of brightness, contrast and saturation, and half of it of the hue; 0 is off.
        auto_augment: whether each image gets a pair of AutoAugment's operations (``engine.data.auto_augment``).
        fill: colour of what these bring into view from beyond the border, a number of 0 to 255 a channel; empty without.

    Source: DARTS ``utils._data_transforms_cifar10``: crop 32 after padding 4, flip, normalize, cutout 16;
    ``train_imagenet``: random resized crop, flip, colour jitter 0.4, normalize.
    """

    shift: int = 0
    flip: bool = False
    cutout: int = 0
    random_crop: bool = False
    color_jitter: float = 0.0
    auto_augment: bool = False
    fill: tuple[int, ...] = ()


@dataclass(frozen=True)
class Draws:
    """The random numbers of some images, each ``(n,)`` int64 on the device.

    Attributes:
        down, right: upper left corner of the crop in the padded image, 0 to ``2 * shift``.
        flip: 1 mirrors.
        centre_y, centre_x: centre of the cutout square, uniform over the pixels.
        boxes: top, left, height and width of the random crop, ``(n, 4)`` int64; None without one.
        colours: factors of ``engine.data.jitter``, ``(n, 4)`` float32; None without them.
        pairs: words of ``engine.data.auto_augment``, ``(n, WORDS)`` and always in main memory; None without them.
    """

    down: Tensor
    right: Tensor
    flip: Tensor
    centre_y: Tensor
    centre_x: Tensor
    boxes: Tensor | None = None
    colours: Tensor | None = None
    pairs: Words | None = None

    def slice(self, start: int, stop: int) -> Draws:
        """The numbers of the images from ``start`` to before ``stop``."""
        return replace(self, **{name: part[start:stop] for name, part in vars(self).items() if part is not None})

    def to(self, device: torch.device) -> Draws:
        """The same numbers on a device."""
        moved: dict[str, Any] = {
            name: part.to(device, non_blocking=True) for name, part in vars(self).items() if isinstance(part, Tensor)
        }
        return replace(self, **moved)


def augmentation_for(
    dataset: DataSet, image_size: int, *, augment: bool, cutout: int, color_jitter: float = 0.0, auto_augment: bool = False,
    mean: Sequence[float] = (),
) -> Augmentation:  # fmt: skip
    """The augmentation that suits a data set.

    The passport's shift is meant for the passport's image size and grows with it; ``augment=False`` turns everything
    off, cutout included.

    Args:
        mean: of each channel, of pixels scaled to 0..1: the colour that ``auto_augment`` fills with.
    """
    if not augment:
        return Augmentation()
    shift = max(1, round(dataset.shift * image_size / dataset.image_size)) if dataset.shift else 0
    fill = tuple(round(255 * value) for value in mean) if auto_augment else ()
    return Augmentation(shift, dataset.flip, cutout, dataset.random_crop, color_jitter, auto_augment, fill)


def draw(
    augmentation: Augmentation,
    count: int,
    size: tuple[int, int],
    *,
    key: tuple[str | int, ...],
    start: int = 0,
    seen_size: int | None = None,
) -> Draws:
    """The random numbers of ``count`` images of ``size`` (height, width), in main memory: a function of ``key``.

    Args:
        start: number of the first image in the stream of numbers.
        seen_size: side of the crops that networks see, where it is not ``size``.
    """
    height, width = (seen_size, seen_size) if seen_size else size
    limits = (2 * augmentation.shift + 1, 2 * augmentation.shift + 1, 2, height, width)
    names = ("down", "right", "flip", "centre_y", "centre_x")
    columns = [below(stream_key(*key, name), count, limit, start) for name, limit in zip(names, limits, strict=True)]
    down, right, flip, centre_y, centre_x = (torch.from_numpy(np.ascontiguousarray(column)) for column in columns)
    boxes = colours = pairs = None
    if augmentation.random_crop:
        words = crop_words(stream_key(*key, "crop"), count, start)
        boxes = torch.from_numpy(crop_boxes(words, np.full(count, size[0]), np.full(count, size[1])))
        flip = torch.from_numpy(mirrored(words).astype(np.int64))
    if augmentation.color_jitter:
        colours = jitter_factors(augmentation.color_jitter, count, key=stream_key(*key, "colours"), start=start)
    if augmentation.auto_augment:
        pairs = pair_words(stream_key(*key, "pairs"), count, start)
    return Draws(down, right, flip, centre_y, centre_x, boxes, colours, pairs)


def normalize(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """``(n, C, H, W)`` of 0 to 255 to float32: scaled to 0..1, minus mean, over standard deviation, each ``(C,)``."""
    return images.to(torch.float32, copy=True).div_(255).sub_(mean.view(1, -1, 1, 1)).div_(std.view(1, -1, 1, 1))


def central(images: Tensor, size: int | None) -> Tensor:
    """The central ``size`` by ``size`` of images ``(n, C, H, W)``; the images themselves for None or their own size."""
    height, width = images.shape[-2:]
    if size is None or (height, width) == (size, size):
        return images
    top, left = (height - size) // 2, (width - size) // 2
    return images[:, :, top : top + size, left : left + size]


def augment(
    images: Tensor,
    augmentation: Augmentation,
    draws: Draws,
    *,
    mean: Tensor,
    std: Tensor,
    seen_size: int | None = None,
) -> Tensor:
    """Shift or crop, mirror, change by AutoAugment, change colours, normalize and cut out a batch.

    Args:
        images: ``(n, C, H, W)`` uint8, left as they are.
        draws: ``(n,)`` of everything, on the device of the images.
        mean, std: ``(C,)``.
        seen_size: side of random crops, where it is not that of the images.

    Returns:
        ``(n, C, H, W)`` float32, contiguous.
    """
    if draws.boxes is not None:
        mirror = draws.flip if augmentation.flip else torch.zeros_like(draws.flip)
        images = cut_and_resize(images, draws.boxes, mirror, seen_size or images.shape[-1])
    images = changed_bytes(images, augmentation, draws)
    if draws.colours is not None:
        images = jitter(images.float() / 255, draws.colours).mul_(255)
    normalized = normalize(images, mean, std)
    if augmentation.cutout:
        normalized.masked_fill_(_cutout_square(images, augmentation.cutout, draws), 0.0)
    return normalized


def changed_bytes(images: Tensor, augmentation: Augmentation, draws: Draws) -> Tensor:
    """The part of ``augment`` that leaves bytes: shift and mirror (where no crop was cut), then AutoAugment.

    Args:
        images: ``(n, C, H, W)`` uint8, or crops in float32 of 0 to 255; left as they are.

    Returns:
        The same shape, uint8 from bytes and after AutoAugment.
    """
    if draws.boxes is None and (augmentation.shift or augmentation.flip):
        images = _shift_and_flip(images, augmentation, draws)
    if draws.pairs is None:
        return images
    if images.is_floating_point():
        images = images.round().clamp_(0, 255).to(torch.uint8)
    return auto_augmented(images, draws.pairs, augmentation.fill)


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
