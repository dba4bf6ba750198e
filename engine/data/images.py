"""Images of one split on the device, and the division of a search's training split in two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data.file_set import FileSet
from engine.data.randomness import Positions, Words, stream_key
from engine.data.raw import Normalization
from engine.data.splits import choose
from engine.errors import DataError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Some rows of a pool of images that lie on the device as bytes. Splits share a pool, so dividing copies nothing.

    Attributes:
        pool: ``(P, C, H, W)`` uint8.
        rows: ``(N,)`` int64, this set's places in the pool.
        labels: ``(N,)`` int64.
        keys: ``(N,)`` content keys, in main memory.
        normalization: of the training split, for all splits alike.
        seen_size: side of the squares that networks see, where the pool has larger ones to cut random crops from.
        halves: ``(N,)``, true for the weights' half of a search, where an index file says so.
    """

    pool: Tensor
    rows: Tensor
    labels: Tensor
    keys: Words
    normalization: Normalization
    class_names: tuple[str, ...]
    seen_size: int | None = None
    halves: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> Tensor:
        """All images of the set, ``(N, C, H, W)`` uint8: a copy; ``take`` a few instead where that will do."""
        return self.pool[self.rows]

    @property
    def device(self) -> torch.device:
        """Where the images lie."""
        return self.pool.device

    @property
    def mean(self) -> Tensor:
        """Mean of each channel, ``(C,)`` float32, of pixels scaled to 0..1."""
        return torch.tensor(self.normalization.mean, device=self.device)

    @property
    def std(self) -> Tensor:
        """Standard deviation of each channel, ``(C,)`` float32, of pixels scaled to 0..1."""
        return torch.tensor(self.normalization.std, device=self.device)

    def take(self, positions: Tensor) -> Tensor:
        """The images at these positions of the set, ``(n, C, H, W)`` uint8."""
        return self.pool[self.rows[positions]]

    def subset(self, positions: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]]) -> ImageSet:
        """The set of these positions, in this order, over the same pool."""
        chosen = np.asarray(positions, dtype=np.int64)
        on_device = torch.from_numpy(chosen).to(self.device)
        return replace(
            self, rows=self.rows[on_device], labels=self.labels[on_device], keys=self.keys[chosen],
            halves=None if self.halves is None else self.halves[chosen],
        )  # fmt: skip


def divide(
    image_set: ImageSet | FileSet, portion: float, *, seed: int
) -> tuple[ImageSet | FileSet, ImageSet | FileSet]:
    """The two halves of a search's training split: images that train the weights, images that train the alphas.

    The papers cut the training images in file order, which is fair only because CIFAR's files are shuffled: a folder
    listed class by class would leave half of the classes out of either half. Here each class has the same share in
    both, as the seed decides. Where an index file has said which image is in which half, that holds.

    Args:
        portion: share of the first half; both halves get an image of each class at least.

    Returns:
        Weights' half and alphas' half, disjoint, both in file order.

    Raises:
        DataError: a class has fewer than two images.
    """
    first = image_set.halves
    if first is None:
        labels = image_set.labels.cpu().numpy()
        first = weights_half(labels, image_set.keys, image_set.class_names, portion, seed=seed)
    return image_set.subset(np.flatnonzero(first)), image_set.subset(np.flatnonzero(~first))


def weights_half(
    labels: Positions, keys: Words, class_names: Sequence[str], portion: float, *, seed: int
) -> NDArray[np.bool_]:
    """Which of these images train the weights, ``(N,)``: ``portion`` of each class.

    Raises:
        DataError: a class has fewer than two images.
    """
    sizes = np.bincount(labels, minlength=len(class_names))
    small = [class_names[place] for place in np.flatnonzero(sizes < 2)[:10]]
    if small:
        raise DataError(
            f"a search needs two training images of each class, one for the weights and one for the alphas; "
            f"fewer are there of {', '.join(small)}.",
            where="data",
            mend="Add images, or raise limit_images or limit_portion.",
        )
    count = round(portion * len(labels))
    return choose(labels, keys, count, classes=len(class_names), salt=stream_key("halves", seed))
