"""Which reader reads which data set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from engine.config import DataReference
from engine.data.crops import resized_side
from engine.data.digits import read_digits
from engine.data.raw import Progress, RawData
from engine.errors import DataError


def read(
    reference: DataReference,
    *,
    image_size: int | None,
    progress: Progress,
    reading: Literal["auto", "memory", "files"] = "auto",
    broken_images: Literal["stop", "skip"] = "stop",
) -> RawData:
    """Read a data set's files, downloading them first where that is needed and possible.

    Args:
        image_size: side that image files are resized to as they are decoded; arrays keep their own.
        reading: whether image files are decoded now or listed; ``auto`` lists ImageNet's and what does not fit in memory.
        broken_images: whether image files that cannot be decoded end it or are left out and named.

    Raises:
        DataError: files that are missing or broken, or ``reading=files`` where there are none.
    """
    name = reference.dataset.name
    if reading == "files" and name not in ("imagenet", "image-folder"):
        raise DataError(
            f"«{name}» comes in one piece, and its images are not files.",
            where="reading=files",
            mend="Set reading=auto.",
        )
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

            return read_folder(
                path, image_size=image_size or reference.dataset.image_size, progress=progress, reading=reading,
                broken_images=broken_images,
            )  # fmt: skip
        case "imagenet":
            from engine.data.folder import read_folder
            from engine.data.imagenet import NORMALIZATION, find_imagenet

            return read_folder(
                path, image_size=resized_side(image_size or reference.dataset.image_size), progress=progress,
                find=find_imagenet, reading="files" if reading == "auto" else reading, broken_images=broken_images,
                normalization=NORMALIZATION,
            )  # fmt: skip
    raise NotImplementedError(f"no reader for {name}")
