"""Batches as a pure function of the step: the data order needs no state, so a resume needs only a step number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engine.data.augment import Augmentation, Draws, augment, central, draw, normalize
from engine.data.images import ImageSet
from engine.data.order import BatchOrder
from engine.distributed.ranks import ALONE, Ranks

_EPOCHS_KEPT = 2


class Stream(Protocol):
    """Batches of a set, epoch after epoch: from memory (``BatchStream``) or from files.

    Attributes:
        order: which images are in which batch.
        steps_per_epoch: batches that an epoch has.
    """

    order: BatchOrder
    steps_per_epoch: int

    def __len__(self) -> int:
        """Images of the set."""

    @property
    def message(self) -> str | None:
        """A sentence for the log where the batch size was cut to the set; else None."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """This rank's share of the joint batch of a step, counted from 0 over all epochs."""

    def epoch_batches(self, epoch: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """This rank's shares of all batches of an epoch, counted from 0; some may be empty in an unshuffled stream."""

    def close(self) -> None:
        """Let go of processes that read ahead; the stream can be asked again."""

    def news(self) -> list[str]:
        """Sentences for the log about broken images met since the last time; asked on all ranks at once."""


@dataclass(frozen=True)
class _Epoch:
    """Order and random numbers of one epoch, on the device: made once, then a step only slices."""

    order: Tensor
    draws: Draws | None


class BatchStream:
    """Batches of an image set that lies on the device.

    ``batch(step)`` depends on the set, the seed, the stream's name, the ranks and the step alone: not on what was asked
    before, not on the random state of the process.

    Args:
        image_set: at least one image.
        batch_size: images a step, of all ranks together.
        seed: the run's seed.
        name: parts the streams of a run: ``weights``, ``alphas``, ``train``, ``validation``.
        augmentation: None only normalizes.
        shuffle: whether each epoch has an order of its own; else file order.
        whole_batches: as in ``BatchOrder``.

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
        ranks: Ranks = ALONE,
        whole_batches: bool = False,
    ) -> None:
        self.order = BatchOrder(len(image_set), batch_size, seed, name, shuffle, ranks, whole_batches)
        self.steps_per_epoch = self.order.steps_per_epoch
        self.image_set = image_set
        self.name = name
        self._augmentation = augmentation
        self._mean, self._std = image_set.mean, image_set.std
        self._epochs: OrderedDict[int, _Epoch] = OrderedDict()

    def __len__(self) -> int:
        """Number of images of the set."""
        return len(self.image_set)

    @property
    def batch_size(self) -> int:
        """Images of a full joint batch."""
        return self.order.batch_size

    @property
    def message(self) -> str | None:
        """A sentence for the log where the batch size was cut to the set; else None."""
        return self.order.message

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """This rank's share of the batch of a step, counted from 0 over all epochs.

        Returns:
            Images ``(n, C, H, W)`` float32, normalized (and augmented), contiguous; labels ``(n,)`` int64; both on the
            device. ``n`` is ``batch_size``, less (or, after a merge, a few more) in the last batch of an epoch, and a
            share of it where several ranks work.

        Raises:
            ValueError: a negative step.
        """
        start, stop = self.order.share(step)
        epoch = self._epoch(step // self.steps_per_epoch)
        places = epoch.order[start:stop]
        images, labels = self.image_set.take(places), self.image_set.labels[places]
        seen_size = self.image_set.seen_size
        if self._augmentation is None or epoch.draws is None:
            return normalize(central(images, seen_size), self._mean, self._std), labels
        drawn = epoch.draws.slice(start, stop)
        return augment(images, self._augmentation, drawn, mean=self._mean, std=self._std, seen_size=seen_size), labels

    def epoch_batches(self, epoch: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """All batches of an epoch, counted from 0."""
        first = epoch * self.steps_per_epoch
        for step in range(first, first + self.steps_per_epoch):
            yield self.batch(step)

    def close(self) -> None:
        """Nothing reads ahead here."""

    def news(self) -> list[str]:
        """None: all images were decoded before the start."""
        return []

    def _epoch(self, number: int) -> _Epoch:
        found = self._epochs.get(number)
        if found is None:
            found = self._make_epoch(number if self.order.shuffle or self._augmentation else 0)
            self._epochs[number] = found
            while len(self._epochs) > _EPOCHS_KEPT:
                self._epochs.popitem(last=False)
        return found

    def _make_epoch(self, number: int) -> _Epoch:
        count, device = len(self.image_set), self.image_set.device
        order = self.order.epoch_order(number)
        on_device = torch.arange(count, device=device) if order is None else torch.from_numpy(order).to(device)
        if self._augmentation is None:
            return _Epoch(on_device, None)
        height, width = self.image_set.pool.shape[-2:]
        key = (self.order.seed, self.name, number)
        drawn = draw(self._augmentation, count, (height, width), key=key, seen_size=self.image_set.seen_size)
        return _Epoch(on_device, drawn.to(device))
