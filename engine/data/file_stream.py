"""Batches from image files: the same function of the step as ``BatchStream``, decoded by processes that read ahead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.data.augment import Augmentation, augment, draw, normalize
from engine.data.broken import BrokenImages
from engine.data.chunks import Chunk, Fault, parts, read_chunk
from engine.data.crops import crop_words
from engine.data.file_set import FileSet
from engine.data.order import BatchOrder
from engine.data.picture import Way
from engine.data.randomness import Positions, stream_key
from engine.data.read_ahead import ReadAhead
from engine.distributed.ranks import ALONE, Ranks

_EPOCHS_KEPT = 2


class FileStream:
    """Batches of a set of files.

    ``batch(step)`` depends on the files, the seed, the stream's name, the ranks and the step alone: not on the number of
    processes that decode, nor on what was asked before. Steps in order are fast, since the next ones are read ahead;
    another step starts the reading anew.

    Args:
        file_set: at least one file.
        batch_size: images a step, of all ranks together.
        seed: the run's seed.
        name: parts the streams of a run.
        augmentation: None only normalizes.
        shuffle: whether each epoch has an order of its own; else file order, and ``epoch_batches`` alone reads ahead.
        workers: processes that decode; 0 decodes in this one.
        whole_batches: as in ``BatchOrder``.

    Raises:
        ValueError: an empty set, or a batch size below 1.
    """

    def __init__(
        self,
        file_set: FileSet,
        batch_size: int,
        *,
        seed: int,
        name: str,
        augmentation: Augmentation | None,
        shuffle: bool = True,
        ranks: Ranks = ALONE,
        workers: int = 0,
        whole_batches: bool = False,
    ) -> None:
        self.order = BatchOrder(len(file_set), batch_size, seed, name, shuffle, ranks, whole_batches)
        self.steps_per_epoch = self.order.steps_per_epoch
        self.file_set = file_set
        self.name = name
        self._augmentation = augmentation
        self._workers = workers
        self._ranks = ranks
        crops = augmentation is not None and augmentation.random_crop
        self._way: Way = "crop" if crops else "centre" if file_set.cropped else "square"
        self._mean, self._std = file_set.mean, file_set.std
        self._at_once, self._later = _divided(augmentation)
        self._orders: dict[int, Positions] = {}
        # A replacement would be counted twice in an evaluation.
        self._broken = BrokenImages(file_set, name, replaces=shuffle or augmentation is not None)
        self._reader = self._make_reader() if shuffle else self._make_reader(workers=0)

    def __len__(self) -> int:
        """Number of images of the set."""
        return len(self.file_set)

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
            As ``BatchStream.batch``; a stream that is neither shuffled nor augmented leaves broken images out.

        Raises:
            ValueError: a negative step.
            DataError: a file cannot be decoded, and ``broken_images`` is ``stop``; or no file of its class can.
        """
        return self._batch(step, self._reader)

    def epoch_batches(self, epoch: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """All batches of an epoch, counted from 0."""
        first, stop = epoch * self.steps_per_epoch, (epoch + 1) * self.steps_per_epoch
        if self.order.shuffle:
            for step in range(first, stop):
                yield self.batch(step)
            return
        reader = self._make_reader(stop=stop)  # Ended with the pass: the training wants the cores.
        try:
            for step in range(first, stop):
                yield self._batch(step, reader)
        finally:
            reader.close()

    def close(self) -> None:
        """End the processes that read ahead; the stream can be asked again."""
        self._reader.close()

    def news(self) -> list[str]:
        """Sentences about broken images met since the last time; asked on all ranks at once."""
        return self._broken.news(self._ranks)

    # -- from a step to chunks ------------------------------------------------------------------------------------

    def _make_reader(self, *, workers: int | None = None, stop: int | None = None) -> ReadAhead:
        share = -(-self.order.batch_size // self._ranks.size)
        return ReadAhead(
            self._chunks, workers=self._workers if workers is None else workers,
            chunks_a_step=max(1, len(list(parts(0, share)))), stop=stop, pinned=self.file_set.device.type == "cuda",
        )  # fmt: skip

    def _chunks(self, step: int) -> list[Chunk]:
        epoch = step // self.steps_per_epoch
        start, stop = self.order.share(step)
        return [self._chunk(self._positions(epoch, *part), epoch, part[0]) for part in parts(start, stop)]

    def _chunk(self, positions: Positions, epoch: int, start: int) -> Chunk:
        """Files at these positions of the set, with the random words from number ``start`` of the epoch on."""
        words = None
        if self._way == "crop":
            words = crop_words(stream_key(self.order.seed, self.name, epoch, "crop"), len(positions), start)
        root = os.fsencode(self.file_set.root)
        paths = tuple(os.path.join(root, name) for name in self.file_set.names[positions].tolist())  # noqa: PTH118
        flip = self._augmentation is not None and self._augmentation.flip
        key = (self.order.seed, self.name, epoch)
        return Chunk(paths, self.file_set.image_size, self._way, words, flip, self._at_once, key, start)

    def _positions(self, epoch: int, start: int, stop: int) -> Positions:
        """Positions in the set of the images from ``start`` to before ``stop`` of an epoch."""
        if not self.order.shuffle:
            return np.arange(start, stop)
        if epoch not in self._orders:
            order = self.order.epoch_order(epoch)
            assert order is not None
            self._orders[epoch] = order
            while len(self._orders) > _EPOCHS_KEPT:
                self._orders.pop(next(iter(self._orders)))
        return self._orders[epoch][start:stop]

    # -- from chunks to a batch -----------------------------------------------------------------------------------

    def _batch(self, step: int, reader: ReadAhead) -> tuple[Tensor, Tensor]:
        epoch = step // self.steps_per_epoch
        start, stop = self.order.share(step)
        positions = self._positions(epoch, start, stop)
        device, size = self.file_set.device, self.file_set.image_size
        squares = [torch.empty(0, 3, size, size, dtype=torch.uint8, device=device)]
        kept = np.ones(len(positions), dtype=np.bool_)
        done = 0
        for images, faults in reader.step(step):
            if faults:
                images = self._mended(images, faults, positions[done:], epoch, start + done)
                kept[[done + number for number, _ in faults]] = self._broken.replaces
            squares.append(images.to(device, non_blocking=True))
            done += len(images)
        images = self._finished(torch.cat(squares), epoch, start)
        labels = self.file_set.labels[torch.from_numpy(positions).to(device)]
        if kept.all():
            return images, labels
        on_device = torch.from_numpy(kept).to(device)
        return images[on_device], labels[on_device]

    def _finished(self, images: Tensor, epoch: int, start: int) -> Tensor:
        if self._later is None:
            return normalize(images, self._mean, self._std)
        size, key = self.file_set.image_size, (self.order.seed, self.name, epoch)
        drawn = draw(self._later, len(images), (size, size), key=key, start=start)
        return augment(images, self._later, drawn.to(images.device), mean=self._mean, std=self._std)

    def _mended(self, images: Tensor, faults: list[Fault], positions: Positions, epoch: int, start: int) -> Tensor:
        """The images of a chunk with others in the places of the broken ones, cut as those would have been."""
        images = images.clone()  # It may lie in memory that is shared.
        for number, reason in faults:
            position = int(positions[number])
            self._broken.meet(position, reason)
            if self._broken.replaces:
                images[number] = self._broken.another(
                    position,
                    lambda candidates, at=start + number: read_chunk(self._chunk(candidates, epoch, at)),  # type: ignore[misc]
                )
        return images


def _divided(augmentation: Augmentation | None) -> tuple[Augmentation | None, Augmentation | None]:
    """What the processes that decode do beside cutting and mirroring crops, and what is left for the device.

    AutoAugment takes the processor's time, so it is theirs, and with it whatever comes before.
    """
    if augmentation is None:
        return None, None
    rest = replace(augmentation, random_crop=False, flip=False, shift=0) if augmentation.random_crop else augmentation
    if not augmentation.auto_augment:
        return None, rest
    at_once = replace(rest, cutout=0, color_jitter=0.0)
    return at_once, replace(rest, shift=0, flip=False, auto_augment=False, fill=())
