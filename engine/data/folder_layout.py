"""Where the classes and images of a folder are: names only, no file is opened."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.raw import Progress, no_progress
from engine.errors import DataError

EXTENSIONS = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".dib",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".avif",
    ]
)
"""Endings that are read as images, in whatever case."""

_SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
_LITTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})


@dataclass(frozen=True)
class ImageFile:
    """An image file: its place below the folder, its class and split, and what tells a changed file."""

    place: str
    label: int
    split: str
    size_bytes: int
    modified_ns: int


@dataclass
class FolderLayout:
    """What a folder holds.

    Attributes:
        class_names: sorted.
        files: sorted by split (train, validation, test), class and name.
        has_own: splits besides ``train`` that have folders of their own.
        ignored: how many files were left out, by ending (``hidden`` for hidden ones and operating systems' litter).
    """

    class_names: tuple[str, ...]
    files: list[ImageFile]
    has_own: frozenset[str]
    ignored: Counter[str] = field(default_factory=Counter)

    def ignored_in_words(self) -> str | None:
        """«3 files are no images and were left out: 2 .txt, 1 hidden.», or None."""
        if not self.ignored:
            return None
        count = sum(self.ignored.values())
        kinds = ", ".join(f"{number} {ending}" for ending, number in self.ignored.most_common(5))
        return f"{count} file{'s are' if count > 1 else ' is'} no image{'s' * (count > 1)} and left out: {kinds}."


def find_images(root: Path, progress: Progress = no_progress) -> FolderLayout:
    """List a folder: classes directly below it, or below ``train/`` with ``val/`` and ``test/`` beside.

    ``train/`` means the second layout where it holds folders. The images of a class may lie in folders below the class.
    Links to folders below a class are not followed. The files are looked at by name only.

    Raises:
        DataError: no such folder, no classes, only one class, a class without images, or other classes in ``val/`` or
            ``test/`` than in ``train/``.
    """
    where = str(root)
    if not root.is_dir():
        found = "is a file, not a folder" if root.exists() else "there is no such folder"
        raise DataError(f"{found}.", where=where, mend="Give image-folder:FOLDER with one folder of images a class.")
    ignored: Counter[str] = Counter()
    by_split = _split_folders(root, ignored)
    return list_classes(root, by_split, ignored, progress)


def list_classes(
    root: Path, by_split: dict[str, Path], ignored: Counter[str], progress: Progress = no_progress
) -> FolderLayout:
    """The images of these splits, each a folder with one folder a class.

    Raises:
        DataError: as ``find_images``.
    """
    where = str(root)
    classes = {split: subfolders(folder, ignored) for split, folder in by_split.items()}
    names = tuple(sorted(classes["train"]))
    _check_names(root, by_split, classes, names)

    files: list[ImageFile] = []
    empty: list[str] = []
    for split in ("train", "validation", "test"):
        for label, name in enumerate(names if split in by_split else ()):
            # A million files of a network's disk take minutes to list, which must be seen, and may be stopped.
            progress("listing class folders", label, len(names))
            folder = by_split[split] / name
            before = ignored.copy()
            found_files = images_below(root, folder, ignored, label=label, split=split)
            if not found_files:
                empty.append(_describe_empty(root, folder, ignored - before))
            files += found_files
    if empty:
        more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
        one = len(empty) == 1
        raise DataError(
            f"the class folder{'' if one else 's'} {', '.join(empty[:10])}{more} {'holds' if one else 'hold'} no images.",
            where=where,
            mend="Put images in, or remove the folder.",
        )
    return FolderLayout(names, files, frozenset(by_split) - {"train"}, ignored)


def images_below(root: Path, folder: Path, ignored: Counter[str], *, label: int, split: str) -> list[ImageFile]:
    """The image files below a folder, sorted by place, all of one class.

    Raises:
        DataError: a folder that cannot be listed.
    """
    start = len(os.path.join(root, ""))  # noqa: PTH118 - a million names; Path costs seconds
    found = sorted(_walk(folder, ignored), key=lambda entry: entry[0])
    return [
        ImageFile(path[start:].replace(os.sep, "/"), label, split, size, modified) for path, size, modified in found
    ]


def shown(place: str) -> str:
    """A file name as it can be printed: names that are no valid text keep their place with marks."""
    # Not by way of os.fsencode: names in a person's JSON may hold what no file name can.
    return place.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _split_folders(root: Path, ignored: Counter[str]) -> dict[str, Path]:
    folders = {name.lower(): root / name for name in subfolders(root, Counter())}
    found = {
        split: folders[name] for split, names in _SPLIT_FOLDERS.items() for name in reversed(names) if name in folders
    }
    if "train" in found and subfolders(found["train"], Counter()):
        beside = len(folders) - len(found)
        if beside:
            ignored["folders beside train/"] += beside
        subfolders(root, ignored)  # Counts what lies around in the root.
        return found
    return {"train": root}


def subfolders(folder: Path, ignored: Counter[str]) -> list[str]:
    """Names of the folders that may be classes; other things are counted as ignored.

    Raises:
        DataError: the folder cannot be listed.
    """
    names = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_litter(entry.name):
                    ignored["hidden"] += 1
                elif entry.is_dir():
                    names.append(entry.name)
                else:
                    ignored[_ending(entry.name)] += 1
    except OSError as error:
        raise DataError(
            f"cannot be listed ({error.strerror}).", where=shown(str(folder)), mend="Check its rights."
        ) from None
    return names


def _walk(folder: Path, ignored: Counter[str]) -> list[tuple[str, int, int]]:
    """Image files below a class folder: path, size, time of the last change."""
    found = []
    waiting = [str(folder)]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if _is_litter(entry.name):
                        ignored["hidden"] += 1
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif _ending(entry.name) not in EXTENSIONS or entry.is_dir():
                        ignored[_ending(entry.name)] += 1
                    else:
                        found.append(_stated(entry))
        except OSError as error:
            raise DataError(
                f"cannot be listed ({error.strerror}).", where=shown(current), mend="Check its rights."
            ) from None
    return found


def _stated(entry: os.DirEntry[str]) -> tuple[str, int, int]:
    """Size -1 marks what is no plain file (a dangling link, a pipe), which must never be opened to be read."""
    try:
        if not entry.is_file():
            return entry.path, -1, 0
        stat = entry.stat()
    except OSError:
        return entry.path, -1, 0
    return entry.path, stat.st_size, stat.st_mtime_ns


def _check_names(root: Path, by_split: dict[str, Path], classes: dict[str, list[str]], names: tuple[str, ...]) -> None:
    where = shown(str(by_split["train"]))
    known = {name for names_of_split in _SPLIT_FOLDERS.values() for name in names_of_split}
    if names and by_split == {"train": root} and {name.lower() for name in names} <= known:
        raise DataError(
            f"holds {', '.join(f'{shown(name)}/' for name in names)} but no train/ with a folder a class.",
            where=where, mend="Put the training images into train/CLASS/.",
        )  # fmt: skip
    if len(names) < 2:
        inner = by_split["train"] / names[0] if names else None
        nested = inner is not None and len(subfolders(inner, Counter())) > 1
        found = f"only one class folder, {shown(names[0])}/" if names else "no class folders"
        mend = (
            f"Give image-folder:{shown(str(inner))}." if nested else "Make one folder of images a class, at least two."
        )
        raise DataError(f"holds {found}.", where=where, mend=mend)
    for split, folder in by_split.items():
        strange, missing = sorted(set(classes[split]) - set(names)), sorted(set(names) - set(classes[split]))
        if strange or missing:
            parts = [f"has classes that train/ lacks: {', '.join(map(shown, strange[:10]))}"] if strange else []
            parts += [f"lacks classes of train/: {', '.join(map(shown, missing[:10]))}"] if missing else []
            raise DataError(f"{'; '.join(parts)}.", where=shown(str(folder)), mend="Give all splits the same classes.")


def _describe_empty(root: Path, folder: Path, ignored: Counter[str]) -> str:
    name = shown(folder.relative_to(root).as_posix())
    if not ignored:
        return name
    return f"{name} (only {', '.join(f'{number} {ending}' for ending, number in ignored.most_common(3))})"


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LITTER


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower() or "without ending"  # noqa: PTH122 - a million names; Path costs seconds
