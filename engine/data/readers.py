"""Which reader reads which data set."""

from __future__ import annotations

from pathlib import Path

from engine.config import DataReference
from engine.data.digits import read_digits
from engine.data.raw import Progress, RawData


def read(reference: DataReference, *, image_size: int | None, progress: Progress) -> RawData:
    """Read a data set's files, downloading them first where that is needed and possible.

    Args:
        image_size: side that image files are resized to as they are decoded; arrays keep their own.

    Raises:
        DataError: files that are missing or broken.
    """
    name = reference.dataset.name
    if name == "digits":
        return read_digits()
    # Each of the others brings imports of its own that the digits do without.
    path = Path(reference.path or "").expanduser()
    match name:
        case "cifar10" | "cifar100":
            from engine.data.cifar import read_cifar

            return read_cifar(name, progress)
        case "fashion-mnist":
            from engine.data.fashion_mnist import read_fashion_mnist

            return read_fashion_mnist(progress)
        case "npz":
            from engine.data.npz import read_npz

            return read_npz(path)
        case "image-folder":
            from engine.data.folder import read_folder

            return read_folder(path, image_size=image_size or reference.dataset.image_size, progress=progress)
    raise NotImplementedError(f"no reader for {name}")
