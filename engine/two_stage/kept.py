"""Batches that sub-networks are measured on, read once and kept where they fit: each network would have them read again.

Kept or read anew, the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from engine.data import Stream
from engine.data.augment import normalize
from engine.data.file_set import FileSet
from engine.data.images import ImageSet
from engine.distributed import ALONE, Ranks
from engine.training.trainer import Batch, StopCheck

KEPT_BYTES = 4 * 2**30
"""Most memory that images of one kind take on the device of a process: 4096 images of 224 pixels as numbers are 2.3 GiB,
and 25,600 as bytes 3.6."""


def calibration_is_kept(images: int, channels: int, size: int) -> bool:
    """Whether so many calibration images (of one process) are kept."""
    return 4 * images * channels * size**2 <= KEPT_BYTES


def validation_is_kept(split: ImageSet | FileSet, ranks: Ranks = ALONE) -> bool:
    """Whether a process keeps its share of the validation images: those that lie in memory anyway it need not."""
    images = -(-len(split) // ranks.size)
    return isinstance(split, FileSet) and images * 3 * split.image_size**2 <= KEPT_BYTES


def never_stop() -> None:
    """A stop check that lets all go on."""


class KeptCalibration:
    """Calibration batches: augmented training images (N, C, H, W) float32, each batch whole on one process.

    The mean over batches is then the same for any number of processes.

    Args:
        opened: opens the stream of all batches; done when images must be read.
        batches: of all processes together, from the stream's first on.
        is_kept: whether this process keeps its own; else they are read anew each time.
    """

    def __init__(self, opened: Callable[[], Stream], batches: int, ranks: Ranks, *, is_kept: bool) -> None:
        self._opened = opened
        self._first, self._last = ranks.share(0, batches)
        # Ranks decide together about a stop, so all must ask equally often, also those with a batch less.
        self._looks = ranks.largest_share(batches)
        self._is_kept = is_kept
        self._kept: list[Tensor] | None = None

    def batches(self, stop_check: StopCheck = never_stop) -> Iterator[Tensor]:
        """This process's batches; ``stop_check`` is called before each, also while they are read."""
        stream = self._opened() if self._kept is None else None
        read: list[Tensor] = []
        try:
            for place in range(self._looks):
                stop_check()
                if self._first + place >= self._last:
                    continue
                images = self._kept[place] if self._kept is not None else None
                if images is None:
                    assert stream is not None
                    images = stream.batch(self._first + place)[0]
                    if self._is_kept:
                        read.append(images)
                yield images
        finally:
            if stream is not None:
                stream.close()
        if stream is not None and self._is_kept:
            self._kept = read

    def forget(self) -> None:
        """Let go of the images."""
        self._kept = None


class KeptValidation:
    """Validation batches, images and labels: as the stream has them.

    Those that are decoded from files are kept as bytes, a quarter of the numbers' memory; others lie in memory anyway.

    Args:
        stream: unshuffled and not augmented.
        split: its images.
    """

    def __init__(self, stream: Stream, split: ImageSet | FileSet, ranks: Ranks) -> None:
        self.stream = stream
        self._split = split
        self._is_kept = validation_is_kept(split, ranks)
        self._kept: list[Batch] | None = None

    def batches(self, stop_check: StopCheck = never_stop) -> Iterator[Batch]:
        """This process's shares of all batches, some of which may be empty; ``stop_check`` is called before each."""
        mean, std = self._split.mean, self._split.std
        if self._kept is not None:
            for pixels, labels in self._kept:
                stop_check()
                yield normalize(pixels, mean, std), labels
            return
        read: list[Batch] = []
        for images, labels in self.stream.epoch_batches():
            stop_check()
            if self._is_kept:
                read.append((_pixels(images, mean, std), labels))
            yield images, labels
        if self._is_kept:
            self._kept = read

    def close(self) -> None:
        """Let go of the images, and of processes that read ahead."""
        self.stream.close()
        self._kept = None


def _pixels(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """The bytes that ``normalize`` made these of, (N, C, H, W) uint8: rounding takes back what float32 lost."""
    return images.mul(std.view(1, -1, 1, 1)).add_(mean.view(1, -1, 1, 1)).mul_(255).round_().to(torch.uint8)
