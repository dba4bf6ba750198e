"""Which places of a set make the batch of a step: a function of (count, batch size, seed, name, step)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.randomness import Positions, permutation, stream_key
from engine.distributed.ranks import ALONE, Ranks


@dataclass(frozen=True)
class BatchOrder:
    """The cut of ``count`` images into batches, each image once an epoch.

    A set smaller than ``batch_size`` makes one batch an epoch. A last batch that would give a rank fewer than two
    images is merged into the one before, since batch norm can make nothing of one image. Or all batches are whole, and
    the images that are left over in the order of an epoch wait for another one.

    Attributes:
        count: images of the set, at least one.
        asked_batch_size: images of a joint batch, of all ranks together.
        name: parts the streams of a run: ``weights``, ``alphas``, ``train``, ``validation``.
        shuffle: whether each epoch has an order of its own; else file order.
        whole_batches: whether what is left over after the last full batch is left out.
    """

    count: int
    asked_batch_size: int
    seed: int
    name: str
    shuffle: bool = True
    ranks: Ranks = ALONE
    whole_batches: bool = False

    def __post_init__(self) -> None:
        if self.count == 0 or self.asked_batch_size < 1:
            raise ValueError(f"{self.count} images in batches of {self.asked_batch_size}")

    @property
    def batch_size(self) -> int:
        """Images of a full joint batch: the one asked for, or the whole set where that is smaller."""
        return min(self.asked_batch_size, self.count)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        full, rest = divmod(self.count, self.batch_size)
        return full if self.whole_batches or rest < 2 * self.ranks.size else full + 1

    def bounds(self, step: int) -> tuple[int, int]:
        """Start and end of the joint batch within its epoch's order.

        Raises:
            ValueError: a negative step.
        """
        if step < 0:
            raise ValueError(f"step {step} is negative")
        position = step % self.steps_per_epoch
        start = position * self.batch_size
        is_last = position == self.steps_per_epoch - 1
        return start, self.count if is_last and not self.whole_batches else start + self.batch_size

    def joint_images(self, step: int) -> int:
        """Images of the joint batch of a step, of all ranks together."""
        start, stop = self.bounds(step)
        return stop - start

    def share(self, step: int) -> tuple[int, int]:
        """Start and end of this rank's part within the epoch's order."""
        return self.ranks.share(*self.bounds(step))

    def epoch_order(self, epoch: int) -> Positions | None:
        """``(count,)`` places in the order of an epoch, None for file order."""
        if not self.shuffle:
            return None
        return permutation(stream_key(self.seed, self.name, epoch, "order"), self.count)

    @property
    def message(self) -> str | None:
        """A sentence for the log where the batch size was cut to the set; else None."""
        if self.batch_size == self.asked_batch_size:
            return None
        return (
            f"The {self.name} images are {self.count}, fewer than batch_size={self.asked_batch_size}: "
            "each step takes them all."
        )
