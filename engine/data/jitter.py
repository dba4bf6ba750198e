"""Random changes of colour, each image its own, for a whole batch on the device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.data.randomness import draws, fractions

_GREY = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601), in torchvision's digits."""


def jitter_factors(strength: float, count: int, *, key: int, start: int = 0) -> Tensor:
    """``(count, 4)`` float32: factors of brightness, contrast and saturation, and the turn of the hue.

    The factors are uniform from ``1 - strength`` to ``1 + strength``; the hue is turned by up to half of ``strength``
    of the whole circle, either way. Source: DARTS train_imagenet, ColorJitter(0.4, 0.4, 0.4, 0.2).
    """
    numbers = fractions(draws(key, 4 * count, 4 * start)).reshape(count, 4)
    low = np.array([max(0.0, 1 - strength)] * 3 + [-strength / 2])
    high = np.array([1 + strength] * 3 + [strength / 2])
    return torch.from_numpy((low + (high - low) * numbers).astype(np.float32))


def jitter(images: Tensor, factors: Tensor) -> Tensor:
    """Change brightness, contrast, saturation and hue, in this order (torchvision draws an order).

    Args:
        images: ``(n, C, H, W)`` float32 of 0 to 1; of one colour channel, only brightness and contrast are changed.
        factors: ``(n, 4)`` of ``jitter_factors``.
    """
    brightness, contrast, saturation, hue = (factor.view(-1, 1, 1, 1) for factor in factors.unbind(1))
    images = (images * brightness).clamp_(0, 1)
    mean = _grey(images).mean(dim=(1, 2, 3), keepdim=True)
    images = torch.lerp(mean.expand_as(images), images, contrast).clamp_(0, 1)
    if images.shape[1] != 3:
        return images
    images = torch.lerp(_grey(images).expand_as(images), images, saturation).clamp_(0, 1)
    return _turned(images, hue[:, 0])


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] != 3:
        return images.mean(dim=1, keepdim=True)
    weights = torch.tensor(_GREY, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)


def _turned(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue by a share ``turn`` ``(n, 1, 1)`` of the circle; value and saturation stay.

    Each channel of a colour of hue h is value * (1 - saturation * ramp(h)), with ramps a third of the circle apart.
    """
    value, lowest = images.amax(dim=1), images.amin(dim=1)
    spread = value - lowest
    red, green, blue = images.unbind(1)
    safe = torch.where(spread > 0, spread, torch.ones_like(spread))
    sixths = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = sixths + 6 * turn
    offsets = torch.tensor([5.0, 3.0, 1.0], device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    place = (offsets + hue[:, None]) % 6
    ramp = torch.minimum(place, 4 - place).clamp(0, 1)
    return value[:, None] - spread[:, None] * ramp
