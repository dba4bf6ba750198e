#!/usr/bin/env python
"""Make a folder in ImageNet's layout, to try what ImageNet itself is too large for.

    python tools/make_image_folder.py FOLDER --classes 1000 --images 8 --val 2 --size 500x375 --flat kaggle --broken 1

Each class has a colour and stripes of its own, so that a network can learn a little. Among the files are the oddities
of the real ones: grey, CMYK, turned by EXIF, PNG named .JPEG, 16 bits of grey, animated, very wide, and with --broken
some that are cut off or empty.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

_ORIENTATION = 0x0112
_LISTS = ("folders", "text", "numbers", "kaggle")


def main() -> int:
    options = _options()
    width, height = (int(side) for side in options.size.split("x"))
    root = Path(options.folder)
    if root.exists() and any(root.iterdir()):
        print(f"{root}: is not empty. Name a new folder.", file=sys.stderr)
        return 2
    numbers = np.random.default_rng(options.seed)
    classes = [f"n{10_000_000 + 137 * number:08}" for number in range(options.classes)]
    rows: list[tuple[str, int]] = []
    odd = 0
    for label, name in enumerate(classes):
        for place in range(options.images):
            path = root / "train" / name / f"{name}_{place}.JPEG"
            odd += _save(path, _picture(numbers, label, width, height), odd if place < 1 else -1)
        for place in range(options.val):
            number = label * options.val + place + 1
            file = f"ILSVRC2012_val_{number:08}.JPEG"
            folder = root / "val" / (name if options.flat == "folders" else "")
            _save(folder / file, _picture(numbers, label, width, height), -1)
            rows.append((file, label))
    _write_list(root, options.flat, rows, classes)
    broken = _break(root, classes, options.broken)
    for path in broken:
        print(f"broken: {path.relative_to(root)}")
    print(
        f"{root}: {options.classes} classes, {options.images} + {options.val} images each, {odd} odd, {len(broken)} broken"
    )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--images", type=int, default=8, help="training images a class")
    parser.add_argument("--val", type=int, default=2, help="validation images a class")
    parser.add_argument("--size", default="500x375", help="width x height in pixels")
    parser.add_argument(
        "--flat", choices=_LISTS, default="folders", help="val/ in folders, or flat with a list of classes"
    )
    parser.add_argument("--broken", type=int, default=0, help="files that cannot be decoded")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _picture(numbers: np.random.Generator, label: int, width: int, height: int) -> Image.Image:
    """Stripes whose colour, direction and width are the class's, under noise of a photograph's roughness."""
    own = np.random.default_rng(label)
    front, back = own.integers(30, 226, (2, 3))
    angle, period = own.uniform(0, np.pi), own.uniform(0.08, 0.3) * min(width, height)
    y, x = np.mgrid[0:height, 0:width]
    wave = 0.5 + 0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period + numbers.uniform(0, 6.3))
    pixels = wave[:, :, None] * front + (1 - wave[:, :, None]) * back
    pixels = pixels * numbers.uniform(0.7, 1.2) + numbers.normal(0, 14, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _save(path: Path, image: Image.Image, kind: int) -> int:
    """Write a picture, the oddity number ``kind`` where it is not negative; 1 for an oddity."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match kind % 8 if kind >= 0 else -1:
        case 0:
            image.convert("L").save(path, "JPEG", quality=90)
        case 1:
            image.convert("CMYK").save(path, "JPEG", quality=90)
        case 2:
            exif = Image.Exif()
            exif[_ORIENTATION] = 6
            image.transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", quality=90, exif=exif)
        case 3:
            image.save(path, "PNG")
        case 4:
            deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
            Image.fromarray(deep).save(path, "PNG")
        case 5:
            image.convert("P").save(path, "GIF", save_all=True, append_images=[image.convert("P").rotate(90)])
        case 6:
            image.resize((image.width, max(8, image.height // 8))).save(path, "JPEG", quality=90)
        case 7:
            image.convert("RGBA").save(path, "PNG")
        case _:
            image.save(path, "JPEG", quality=90)
            return 0
    return 1


def _write_list(root: Path, kind: str, rows: list[tuple[str, int]], classes: list[str]) -> None:
    if kind == "text":
        (root / "val.txt").write_text("".join(f"{file} {classes[label]}\n" for file, label in rows))
    elif kind == "numbers":
        (root / "val_labels.txt").write_text("".join(f"val/{file}\t{label}\n" for file, label in rows))
    elif kind == "kaggle":
        with (root / "LOC_val_solution.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("ImageId", "PredictionString"))
            table.writerows((name.removesuffix(".JPEG"), f"{classes[label]} 1 1 9 9 ") for name, label in rows)


def _break(root: Path, classes: list[str], count: int) -> list[Path]:
    """Cut off the last training file of the first classes; every third one is emptied."""
    broken = []
    for number, name in enumerate(classes[:count]):
        path = sorted((root / "train" / name).iterdir())[-1]
        content = path.read_bytes()
        path.write_bytes(b"" if number % 3 == 2 else content[: len(content) // 3])
        broken.append(path)
    return broken


if __name__ == "__main__":
    sys.exit(main())
