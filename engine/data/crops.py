"""Random crops of random size and shape, and how a crop becomes a square: as torchvision's RandomResizedCrop does it.

Source: Szegedy et al. 2015 (Inception); the ImageNet scripts of DARTS and PC-DARTS use it through torchvision.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data.randomness import Positions, Words, draws, fractions

AREA = (0.08, 1.0)
"""Share of the picture that a crop covers."""

RATIO = (3 / 4, 4 / 3)
"""Width over height of a crop, uniform in its logarithm."""

MARGIN = 256 / 224
"""An evaluation cuts its square from a picture whose shorter side is this times as long: ImageNet's 256 and 224."""

_TRIES = 10
WORDS = 2 * _TRIES + 3
"""Random words of an image: area and ratio of each try, row and column of the crop, mirrored or not."""


def crop_words(key: int, count: int, start: int = 0) -> Words:
    """``(count, WORDS)``: the random words of the images from number ``start`` of a stream on."""
    return draws(key, count * WORDS, start * WORDS).reshape(count, WORDS)


def crop_boxes(words: Words, heights: Positions, widths: Positions) -> Positions:
    """``(n, 4)``: top, left, height and width of the crop of each picture.

    Up to ten tries of an area and a ratio, until one lies within the picture; else the central crop whose ratio is the
    nearest allowed.

    Args:
        words: ``(n, WORDS)``.
        heights, widths: of the pictures in pixels, ``(n,)``.
    """
    numbers = fractions(words)
    area = (heights * widths)[:, None] * (AREA[0] + (AREA[1] - AREA[0]) * numbers[:, 0 : 2 * _TRIES : 2])
    low, high = math.log(RATIO[0]), math.log(RATIO[1])
    ratio = np.exp(low + (high - low) * numbers[:, 1 : 2 * _TRIES : 2])
    tried = np.stack([np.rint(np.sqrt(area / ratio)), np.rint(np.sqrt(area * ratio))]).astype(np.int64)
    fits = np.logical_and.reduce((tried > 0) & (tried <= np.stack([heights, widths])[:, :, None]))
    rows = np.arange(len(words))
    height, width = tried[:, rows, fits.argmax(axis=1)]
    central = _central(heights, widths)
    found = fits.any(axis=1)
    height, width = np.where(found, height, central[0]), np.where(found, width, central[1])
    # floor(number * choices) with a number below 1 is below choices.
    top = np.where(found, numbers[:, -3] * (heights - height + 1), (heights - height) // 2)
    left = np.where(found, numbers[:, -2] * (widths - width + 1), (widths - width) // 2)
    return np.stack([top.astype(np.int64), left.astype(np.int64), height, width], axis=1)


def mirrored(words: Words) -> NDArray[np.bool_]:
    """``(n,)``: which of the images are mirrored, half of them."""
    return (words[:, -1] >> np.uint64(63)).astype(np.bool_)


def _central(heights: Positions, widths: Positions) -> tuple[Positions, Positions]:
    wide, narrow = widths > RATIO[1] * heights, widths < RATIO[0] * heights
    height = np.where(narrow, np.rint(widths / RATIO[0]), heights).astype(np.int64)
    width = np.where(wide, np.rint(heights * RATIO[1]), widths).astype(np.int64)
    return height, width


def resized_side(size: int) -> int:
    """Shorter side of the picture whose centre of ``size`` an evaluation sees: 256 for 224."""
    return round(size * MARGIN)


def cut_and_resize(images: Tensor, boxes: Tensor, mirror: Tensor, size: int) -> Tensor:
    """A crop of each image as a square, resized bilinearly with antialiasing, on the device of the images.

    The filter is separable, so each image is multiplied by a matrix for its rows and one for its columns: all crops of
    a batch at once, whatever their sizes.

    Args:
        images: ``(n, C, H, W)`` uint8.
        boxes: ``(n, 4)``: top, left, height, width.
        mirror: ``(n,)``: 1 mirrors.

    Returns:
        ``(n, C, size, size)`` float32 of 0 to 255.
    """
    height, width = images.shape[-2:]
    rows = _filter(boxes[:, 0], boxes[:, 2], height, size)
    columns = _filter(boxes[:, 1], boxes[:, 3], width, size)
    columns = torch.where(mirror.bool()[:, None, None], columns.flip(1), columns)
    return rows[:, None] @ images.float() @ columns[:, None].transpose(2, 3)


def _filter(start: Tensor, length: Tensor, full: int, size: int) -> Tensor:
    """``(n, size, full)``: weight of each source pixel in each target pixel, a triangle as wide as the reduction."""
    scale = (length / size)[:, None, None]
    reach = scale.clamp(min=1.0)
    target = torch.arange(size, device=start.device)[None, :, None]
    source = torch.arange(full, device=start.device)[None, None, :] - start[:, None, None]
    weights = (1 - ((source + 0.5 - (target + 0.5) * scale) / reach).abs()).clamp(min=0)
    weights = weights * ((source >= 0) & (source < length[:, None, None]))
    return weights / weights.sum(dim=2, keepdim=True)
