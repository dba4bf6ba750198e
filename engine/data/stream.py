"""Batches as a pure function of the step: the data order needs no state, so a resume needs only a step number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data.augment import Augmentation, Draws, augment, draw, normalize
from engine.data.images import ImageSet
from engine.data.randomness import permutation, stream_key

_EPOCHS_KEPT = 2


@dataclass(frozen=True)
class _Epoch:
    """Order and random numbers of one epoch, on the device: made once, then a step only slices."""

    order: Tensor
    draws: Draws | None


class BatchStream:
    """Batches of an image set, epoch after epoch, each image once an epoch.

    ``batch(step)`` depends on the set, the seed, the stream's name and the step alone: not on what was asked before,
    not on the random state of the process. A set smaller than ``batch_size`` makes one batch an epoch. A last batch of
    a single image is merged into the one before it, since batch norm can make nothing of one image.

    Args:
        image_set: at least one image.
        batch_size: images a step.
        seed: the run's seed.
        name: parts the streams of a run: ``weights``, ``alphas``, ``train``, ``validation``.
        augmentation: None only normalizes.
        shuffle: whether each epoch has an order of its own; else file order.

    Attributes:
        batch_size: images of a full batch: the one asked for, or the whole set where that is smaller.
        steps_per_epoch: batches that an epoch has.

    Raises:
        ValueError: an empty set, or a batch size below 1.
    """

    def __init__(
        self,
        image_set: ImageSet,
        batch_size: int,
        *,
        seed: int,
        name: str,
        augmentation: Augmentation | None,
        shuffle: bool = True,
    ) -> None:
        if len(image_set) == 0 or batch_size < 1:
            raise ValueError(f"{len(image_set)} images in batches of {batch_size}")
        self.image_set = image_set
        self.name = name
        self.asked_batch_size = batch_size
        self.batch_size = min(batch_size, len(image_set))
        self._seed, self._augmentation, self._shuffle = seed, augmentation, shuffle
        full, rest = divmod(len(image_set), self.batch_size)
        self.steps_per_epoch = full if rest <= 1 else full + 1
        self._mean, self._std = image_set.mean, image_set.std
        self._epochs: OrderedDict[int, _Epoch] = OrderedDict()

    def __len__(self) -> int:
        """Number of images of the set."""
        return len(self.image_set)

    @property
    def message(self) -> str | None:
        """A sentence for the log where the batch size was cut to the set; else None."""
        if self.batch_size == self.asked_batch_size:
            return None
        return (
            f"The {self.name} images are {len(self.image_set)}, fewer than batch_size={self.asked_batch_size}: "
            "each step takes them all."
        )

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of a step, counted from 0 over all epochs.

        Returns:
            Images ``(n, C, H, W)`` float32, normalized (and augmented), contiguous; labels ``(n,)`` int64; both on the
            device. ``n`` is ``batch_size``, less (or, after a merge, one more) in the last batch of an epoch.

        Raises:
            ValueError: a negative step.
        """
        if step < 0:
            raise ValueError(f"step {step} is negative")
        number, position = divmod(step, self.steps_per_epoch)
        epoch = self._epoch(number)
        start = position * self.batch_size
        stop = len(self.image_set) if position == self.steps_per_epoch - 1 else start + self.batch_size
        places = epoch.order[start:stop]
        images, labels = self.image_set.take(places), self.image_set.labels[places]
        if self._augmentation is None or epoch.draws is None:
            return normalize(images, self._mean, self._std), labels
        drawn = epoch.draws.slice(start, stop)
        return augment(images, self._augmentation, drawn, mean=self._mean, std=self._std), labels

    def epoch_batches(self, epoch: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """All batches of an epoch, counted from 0."""
        first = epoch * self.steps_per_epoch
        for step in range(first, first + self.steps_per_epoch):
            yield self.batch(step)

    def _epoch(self, number: int) -> _Epoch:
        found = self._epochs.get(number)
        if found is None:
            found = self._make_epoch(number if self._shuffle or self._augmentation else 0)
            self._epochs[number] = found
            while len(self._epochs) > _EPOCHS_KEPT:
                self._epochs.popitem(last=False)
        return found

    def _make_epoch(self, number: int) -> _Epoch:
        count, device = len(self.image_set), self.image_set.device
        if self._shuffle:
            order = torch.from_numpy(permutation(stream_key(self._seed, self.name, number, "order"), count)).to(device)
        else:
            order = torch.arange(count, device=device)
        if self._augmentation is None:
            return _Epoch(order, None)
        height, width = self.image_set.pool.shape[-2:]
        drawn = draw(self._augmentation, count, (height, width), key=(self._seed, self.name, number))
        parts = (drawn.down, drawn.right, drawn.flip, drawn.centre_y, drawn.centre_x)
        return _Epoch(order, Draws(*(part.to(device) for part in parts)))
