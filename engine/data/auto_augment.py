"""AutoAugment's list «v0»: each training image gets one of 25 pairs of operations, as Pillow carries them out.

Source: Cubuk et al. 2019 learnt such lists; this one is of the EfficientNet code (tensorflow/tpu, efficientnet/
autoaugment.py ``policy_v0``), in no paper. How magnitudes become arguments, and that they vary, is AttentiveNAS' way
(data/auto_augment_tf.py, after timm's): a normal spread of 0.5, translation by a share of the side, posterizing to 4
bits at least, and a filter drawn anew for each change of shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from engine.data.randomness import Words, draws, fractions

Operation = tuple[str, float, float]
"""Name, probability, and magnitude of 0 to ``HIGHEST``."""

PAIRS: tuple[tuple[Operation, Operation], ...] = (
    (("equalize", 0.8, 1), ("shear_y", 0.8, 4)),
    (("color", 0.4, 9), ("equalize", 0.6, 3)),
    (("color", 0.4, 1), ("rotate", 0.6, 8)),
    (("solarize", 0.8, 3), ("equalize", 0.4, 7)),
    (("solarize", 0.4, 2), ("solarize", 0.6, 2)),
    (("color", 0.2, 0), ("equalize", 0.8, 8)),
    (("equalize", 0.4, 8), ("solarize_add", 0.8, 3)),
    (("shear_x", 0.2, 9), ("rotate", 0.6, 8)),
    (("color", 0.6, 1), ("equalize", 1.0, 2)),
    (("invert", 0.4, 9), ("rotate", 0.6, 0)),
    (("equalize", 1.0, 9), ("shear_y", 0.6, 3)),
    (("color", 0.4, 7), ("equalize", 0.6, 0)),
    (("posterize", 0.4, 6), ("auto_contrast", 0.4, 7)),
    (("solarize", 0.6, 8), ("color", 0.6, 9)),
    (("solarize", 0.2, 4), ("rotate", 0.8, 9)),
    (("rotate", 1.0, 7), ("translate_y", 0.8, 9)),
    (("shear_x", 0.0, 0), ("solarize", 0.8, 4)),
    (("shear_y", 0.8, 0), ("color", 0.6, 4)),
    (("color", 1.0, 0), ("rotate", 0.6, 2)),
    (("equalize", 0.8, 4), ("equalize", 0.0, 8)),
    (("equalize", 1.0, 4), ("auto_contrast", 0.6, 2)),
    (("shear_y", 0.4, 7), ("solarize_add", 0.6, 7)),
    (("posterize", 0.8, 2), ("solarize", 0.6, 10)),
    (("solarize", 0.6, 8), ("equalize", 0.6, 1)),
    (("color", 0.8, 6), ("rotate", 0.4, 5)),
)

HIGHEST = 10.0
"""Of a magnitude."""

SPREAD = 0.5
"""Standard deviation of the normal noise on a magnitude."""

_WORDS_AN_OPERATION = 4
WORDS = 1 + 2 * _WORDS_AN_OPERATION
"""Random words of an image: the pair; then for either operation whether it is done, its magnitude, its sign, its filter."""

_FILTERS = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
_SIGNED = frozenset({"rotate", "shear_x", "shear_y", "translate_y"})
"""Go either way, with equal chances."""


@dataclass(frozen=True)
class Change:
    """An operation with all that was drawn for it.

    Attributes:
        argument: degrees for ``rotate``; slope for ``shear_x`` and ``shear_y``; share of the side for ``translate_y``;
            factor for ``color``; threshold, summand or bits that are kept for ``solarize``, ``solarize_add`` and
            ``posterize``; nothing for the others.
        filter: of the changes of shape.
    """

    operation: str
    argument: float
    filter: Image.Resampling


def pair_words(key: int, count: int, start: int = 0) -> Words:
    """``(count, WORDS)``: the random words of the images from number ``start`` of a stream on."""
    return draws(key, count * WORDS, start * WORDS).reshape(count, WORDS)


def changes_of(words: Words) -> tuple[Change, ...]:
    """What is done to one image, none to two operations in order: a function of its words ``(WORDS,)``."""
    pair = PAIRS[_one_of(words[0], len(PAIRS))]
    found = []
    for (name, probability, magnitude), own in zip(pair, words[1:].reshape(2, -1), strict=True):
        is_done, place = fractions(own[:2]).tolist()
        if is_done >= probability:
            continue
        # A number of 0 has no place under the normal curve.
        drawn = NormalDist(magnitude, SPREAD).inv_cdf(max(place, 2.0**-54))
        argument = argument_of(name, min(HIGHEST, max(0.0, drawn)))
        is_negative = name in _SIGNED and _one_of(own[2], 2) == 1
        found.append(Change(name, -argument if is_negative else argument, _FILTERS[_one_of(own[3], len(_FILTERS))]))
    return tuple(found)


def argument_of(operation: str, magnitude: float) -> float:
    """What an operation is told at a magnitude of 0 to ``HIGHEST``, before its sign."""
    share = magnitude / HIGHEST
    match operation:
        case "rotate":
            return 30 * share
        case "shear_x" | "shear_y":
            return 0.3 * share
        case "translate_y":
            return 0.45 * share
        case "color":
            return 0.1 + 1.8 * share
        case "solarize":
            return int(256 * share)
        case "solarize_add":
            return int(110 * share)
        case "posterize":
            return 4 + int(4 * share)
        case _:
            return 0.0


def changed(image: Image.Image, change: Change, fill: Sequence[int]) -> Image.Image:
    """A picture after one operation.

    Args:
        image: RGB or grey (mode L); of a grey one ``color`` changes nothing.
        fill: colour of what comes into view from beyond the border, a number of 0 to 255 a channel.
    """
    argument = change.argument
    match change.operation:
        case "auto_contrast":
            return ImageOps.autocontrast(image)
        case "equalize":
            return ImageOps.equalize(image)
        case "invert":
            return ImageOps.invert(image)
        case "solarize":
            return ImageOps.solarize(image, int(argument))
        case "solarize_add":
            return image.point([_brightened(level, int(argument)) for level in range(256)] * len(image.getbands()))
        case "posterize":
            return ImageOps.posterize(image, int(argument))
        case "color":
            return ImageEnhance.Color(image).enhance(argument)
        case "rotate":
            return image.rotate(argument, change.filter, fillcolor=_colour(fill))
        case "shear_x":
            matrix = (1.0, argument, 0.0, 0.0, 1.0, 0.0)
        case "shear_y":
            matrix = (1.0, 0.0, 0.0, argument, 1.0, 0.0)
        case "translate_y":
            matrix = (1.0, 0.0, 0.0, 0.0, 1.0, argument * image.height)
        case _:
            raise ValueError(f"«{change.operation}» is no operation of AutoAugment")
    return image.transform(image.size, Image.Transform.AFFINE, matrix, change.filter, fillcolor=_colour(fill))


def auto_augmented(images: Tensor, words: Words, fill: Sequence[int]) -> Tensor:
    """Each image after its own operations, on the processor whatever the device: Pillow has them all, bit for bit.

    Args:
        images: ``(n, C, H, W)`` uint8 of 1 or 3 channels, left as they are.
        words: ``(n, WORDS)`` of ``pair_words``.
        fill: ``(C,)``, as in ``changed``.

    Returns:
        ``(n, C, H, W)`` uint8, contiguous, on the device of the images.
    """
    pixels = np.array(images.movedim(1, 3).cpu().numpy(), order="C")
    seen = pixels[..., 0] if pixels.shape[3] == 1 else pixels  # Pillow knows grey pictures without a channel.
    for number, own in enumerate(words):
        changes = changes_of(own)
        if not changes:
            continue
        image = Image.fromarray(seen[number])
        for change in changes:
            image = changed(image, change, fill)
        seen[number] = np.asarray(image)
    return torch.from_numpy(pixels).movedim(3, 1).contiguous().to(images.device)


def _brightened(level: int, summand: int) -> int:
    return min(255, level + summand) if level < 128 else level


def _colour(fill: Sequence[int]) -> int | tuple[int, ...]:
    return fill[0] if len(fill) == 1 else tuple(fill)


def _one_of(word: np.uint64, count: int) -> int:
    """0 to ``count - 1``, as ``randomness.below``."""
    return ((int(word) >> 32) * count) >> 32
