"""One way to a stream of batches, whether the images lie in memory or in files."""

from __future__ import annotations

from engine.config import RunConfig
from engine.data.augment import Augmentation
from engine.data.file_set import FileSet
from engine.data.images import ImageSet
from engine.data.stream import BatchStream, Stream
from engine.distributed.ranks import ALONE, Ranks


def open_stream(
    split: ImageSet | FileSet,
    config: RunConfig,
    name: str,
    *,
    augmentation: Augmentation | None = None,
    shuffle: bool = True,
    ranks: Ranks = ALONE,
    whole_batches: bool = False,
) -> Stream:
    """Batches of ``config.batch_size`` images (of all ranks together) of a split.

    Args:
        name: parts the streams of a run: ``weights``, ``alphas``, ``train``, ``validation``, ``test``.
        augmentation: None only normalizes.
        shuffle: whether each epoch has an order of its own.
        whole_batches: leave out what an epoch has left over after its last full batch.
    """
    if isinstance(split, FileSet):
        from engine.data.file_stream import FileStream
        from engine.data.read_ahead import usual_workers

        return FileStream(
            split, config.batch_size, seed=config.seed, name=name, augmentation=augmentation, shuffle=shuffle, ranks=ranks,
            workers=usual_workers() if config.workers is None else config.workers, whole_batches=whole_batches,
        )  # fmt: skip
    return BatchStream(
        split, config.batch_size, seed=config.seed, name=name, augmentation=augmentation, shuffle=shuffle, ranks=ranks,
        whole_batches=whole_batches,
    )  # fmt: skip
