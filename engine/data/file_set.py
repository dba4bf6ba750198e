"""Image files of one split that are decoded when they are needed: what ``ImageSet`` is for images in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data.randomness import Positions, Words
from engine.data.raw import Names, Normalization


@dataclass(frozen=True, eq=False)
class FileSet:
    """Some image files of a folder; the pixels stay on disk.

    Attributes:
        root: the folder.
        names: ``(N,)`` places of the files below it.
        labels: ``(N,)`` int64, on the device that batches go to.
        keys: ``(N,)`` hashes of place and size, in main memory.
        normalization: of the training split, for all splits alike.
        image_size: side of the squares that networks see.
        cropped: whether training sees random crops, and evaluations the centre of a slightly larger picture; else both see
            the largest central square.
        broken_images: what a file that cannot be decoded does; ``skip`` puts another image of its class in its place.
        halves: ``(N,)``, true for the weights' half of a search, where an index file says so.
    """

    root: Path
    names: Names
    labels: Tensor
    keys: Words
    normalization: Normalization
    class_names: tuple[str, ...]
    image_size: int
    cropped: bool
    broken_images: Literal["stop", "skip"] = "stop"
    halves: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """Where batches go."""
        return self.labels.device

    @property
    def mean(self) -> Tensor:
        """Mean of each channel, ``(3,)`` float32, of pixels scaled to 0..1."""
        return torch.tensor(self.normalization.mean, device=self.device)

    @property
    def std(self) -> Tensor:
        """Standard deviation of each channel, ``(3,)`` float32, of pixels scaled to 0..1."""
        return torch.tensor(self.normalization.std, device=self.device)

    def path(self, position: int) -> Path:
        """The file at a position of the set."""
        return self.root / os.fsdecode(self.names[position])

    def subset(self, positions: Sequence[int] | Positions) -> FileSet:
        """The set of these positions, in this order."""
        chosen = np.asarray(positions, dtype=np.int64)
        return replace(
            self,
            names=self.names[chosen],
            labels=self.labels[torch.from_numpy(chosen).to(self.device)],
            keys=self.keys[chosen],
            halves=None if self.halves is None else self.halves[chosen],
        )
