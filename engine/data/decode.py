"""One image file as a square of RGB bytes, whatever its format, size, colours and orientation."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.data.raw import Pixels

# Named, so that no file can call a decoder that runs other programs (EPS) just by its content.
# Pillow raises a KeyError for a name that its build lacks (AVIF); photographs of several pictures (MPO) open as JPEG.
Image.init()
FORMATS = tuple(
    name for name in ("JPEG", "PNG", "BMP", "DIB", "WEBP", "GIF", "TIFF", "PPM", "AVIF") if name in Image.OPEN
)

MAX_PIXELS = 80_000_000
"""Largest picture, after a JPEG's own reduction: a small file can unpack to gigabytes. Below Pillow's limit of 89 million."""

MAX_FILE_BYTES = 256 * 2**20

_LARGE_PIXELS = 8_000_000
_one_large_at_a_time = threading.Lock()

_ORIENTATION_TAG = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What turns a picture of an EXIF orientation upright; from 5 on, height and width change places."""


class UndecodableError(Exception):
    """A file that is no image we read; the message says why in a few words."""


def decode_file(path: Path, size: int) -> tuple[Pixels, int]:
    """Decode a file completely, and cut and resize it.

    Upright by its EXIF orientation; the first picture of an animation; transparency laid over white; grey, palette,
    CMYK and 16-bit pictures as RGB. Then the central square, resized bilinearly with antialiasing: aspect ratios are
    kept, as torchvision's usual Resize and CenterCrop do.

    Returns:
        ``(3, size, size)`` uint8, and the key of the file's content (64 bits of BLAKE2b).

    Raises:
        UndecodableError: the file cannot be read or decoded.
    """
    content = read_content(path)
    return decode(content, size), int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def read_content(path: Path) -> bytes:
    """All bytes of an image file.

    Raises:
        UndecodableError: it cannot be read, is empty or too large.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UndecodableError(f"larger than {MAX_FILE_BYTES // 2**20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise UndecodableError(error.strerror or type(error).__name__) from None
    if not content:
        raise UndecodableError("the file is empty")
    return content


def decode(content: bytes, size: int) -> Pixels:
    """``(3, size, size)`` uint8 from a file's content.

    Raises:
        UndecodableError: the content cannot be decoded.
    """
    with opened(content) as image:
        # JPEG reduces by 2, 4 or 8 while it decodes; twice the wanted size keeps the resize smooth.
        image.draft(None, (2 * size, 2 * size))
        check_pixels(image)
        if image.width * image.height > _LARGE_PIXELS:
            with _one_large_at_a_time:
                return _squared(image, size)
        return _squared(image, size)


def check_pixels(image: Image.Image) -> None:
    """Refuse a picture that would unpack to more than ``MAX_PIXELS``.

    Raises:
        UndecodableError: it is too large.
    """
    if image.width * image.height > MAX_PIXELS:
        raise UndecodableError(f"{image.width}×{image.height} pixels, more than {MAX_PIXELS // 1_000_000} million")


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """A picture whose header was read and whose pixels were not; whatever goes wrong inside says why in a few words.

    Raises:
        UndecodableError: the content cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            yield image
    except UndecodableError:
        raise
    except UnidentifiedImageError:
        raise UndecodableError("no known image format") from None
    except Image.DecompressionBombError:
        raise UndecodableError("unpacks to too many pixels") from None
    except Exception as error:  # Pillow's decoders raise a dozen kinds on broken files, and each means the same here.
        raise UndecodableError(str(error) or type(error).__name__) from None


def upright_rgb(image: Image.Image) -> Image.Image:
    """An opened picture, decoded, as RGB and upright by its EXIF orientation."""
    turn = UPRIGHT.get(orientation(image))
    image.load()
    whole = _rgb(image)
    return whole if turn is None else whole.transpose(turn)


def _squared(image: Image.Image, size: int) -> Pixels:
    turn = UPRIGHT.get(orientation(image))
    image.load()
    square = _rgb(image)
    side = min(square.size)
    left, top = (square.width - side) // 2, (square.height - side) // 2
    if square.width != square.height:
        # Cropped before it is resized: the filter would mix in what lies beyond a mere box.
        square = square.crop((left, top, left + side, top + side))
    if side != size:
        square = square.resize((size, size), Image.Resampling.BILINEAR)
    # The square comes first, so that only it is turned; for even margins that is the same.
    if turn is not None:
        square = square.transpose(turn)
    return np.ascontiguousarray(np.asarray(square, dtype=np.uint8).transpose(2, 0, 1))


def orientation(image: Image.Image) -> int:
    """EXIF orientation of an opened picture, 1 where it lies upright already."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # EXIF is a remark beside the picture: where it is broken, the picture stays as it lies.
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _from_deep(np.asarray(image)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_deep(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Image.Image:
    """Grey values of more than 8 bits: 16 bits, or floats of 0..1, are scaled to 0..255; smaller ranges stay."""
    numbers = np.nan_to_num(values.astype(np.float64))
    largest = numbers.max(initial=0)
    if values.dtype.kind == "f" and largest <= 1:
        numbers = numbers * 255
    elif values.dtype.itemsize == 2 or largest > 255:
        numbers = numbers / 257
    return Image.fromarray(np.rint(numbers).clip(0, 255).astype(np.uint8))
