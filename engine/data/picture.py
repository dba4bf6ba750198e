"""One image file as the square of bytes that a network sees: a random crop, or the centre.

Pillow decodes and torch resizes its bytes, since torch's filter is faster than Pillow's. torchvision's decoder would
spare a fifth of decoding, but it is deprecated.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from engine.data.crops import crop_boxes, mirrored, resized_side
from engine.data.decode import check_pixels, decode, opened, orientation, upright_rgb
from engine.data.randomness import Words

Way = Literal["crop", "centre", "square"]
"""How a picture becomes a square: a random crop, the centre of the picture resized a little larger (what evaluations on
ImageNet see), or the largest central square (as folders read into memory have it)."""


def square_of(content: bytes, size: int, way: Way, words: Words | None = None, *, flip: bool = False) -> Tensor:
    """``(3, size, size)`` uint8 of a file's content.

    Args:
        words: ``(crops.WORDS,)``, for a crop.
        flip: whether crops may be mirrored.

    Raises:
        UndecodableError: the content cannot be decoded.
    """
    if way == "square":
        return torch.from_numpy(decode(content, size))
    with opened(content) as image:
        turned = orientation(image) >= 5
        height, width = (image.width, image.height) if turned else (image.height, image.width)
        if way == "centre":
            return _centre(_pixels(image, resized_side(size) / min(height, width)), size)
        assert words is not None
        box = crop_boxes(words[None], np.array([height]), np.array([width]))[0]
        pixels = _pixels(image, size / min(box[2], box[3]))
    crop = _resized(_part(pixels, box * (pixels.shape[1] / height)), size, size)
    return crop.flip(2) if flip and mirrored(words[None])[0] else crop


def _pixels(image: Image.Image, factor: float) -> Tensor:
    """``(3, H, W)`` uint8, upright; smaller than the file's where it is needed at ``factor`` of its size only."""
    full = image.size
    # JPEG reduces by 2, 4 or 8 while it decodes; twice the wanted size keeps the resize smooth.
    image.draft(None, (math.ceil(2 * factor * full[0]), math.ceil(2 * factor * full[1])))
    check_pixels(image)
    return torch.from_numpy(np.array(upright_rgb(image))).permute(2, 0, 1)


def _part(pixels: Tensor, box: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Tensor:
    """The pixels of a box: top, left, height, width."""
    top, left = math.floor(box[0]), math.floor(box[1])
    height, width = max(1, round(box[2])), max(1, round(box[3]))
    return pixels[:, top : top + height, left : left + width]


def _centre(pixels: Tensor, size: int) -> Tensor:
    """The shorter side resized to 256 for a size of 224, then the centre: torchvision's Resize and CenterCrop."""
    height, width = pixels.shape[1:]
    side = resized_side(size)
    tall, wide = (side, int(side * width / height)) if height <= width else (int(side * height / width), side)
    top, left = round((tall - size) / 2), round((wide - size) / 2)
    return _resized(pixels, tall, wide)[:, top : top + size, left : left + size]


def _resized(pixels: Tensor, height: int, width: int) -> Tensor:
    if pixels.shape[1:] == (height, width):
        return pixels
    return F.interpolate(pixels[None], size=(height, width), mode="bilinear", antialias=True)[0]
