"""Arrays of images: their normalization, and their size."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from engine.data.randomness import Positions
from engine.data.raw import Normalization, Pixels

_RESIZE_IMAGES = 2048


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
