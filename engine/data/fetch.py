"""Files that are downloaded: where from, what checksum, where they are kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from engine.config import DATA_SETS
from engine.data.raw import Progress, no_progress
from engine.errors import DataError
from engine.runs.folder import home

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 2**18


@dataclass(frozen=True)
class Download:
    """A file of a data set.

    Attributes:
        md5: the published checksum, which tells this very file.
    """

    name: str
    url: str
    md5: str


_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"

# The binary versions of CIFAR: the Python versions are pickles, which run code when they are read.
DOWNLOADS: dict[str, tuple[Download, ...]] = {
    "cifar10": (Download("cifar-10-binary.tar.gz", _CIFAR + "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),),
    "cifar100": (Download("cifar-100-binary.tar.gz", _CIFAR + "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),),
    "fashion-mnist": tuple(
        Download(name, _FASHION + name, md5)
        for name, md5 in (
            ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
        )
    ),
}  # fmt: skip


def fetch(name: str, progress: Progress = no_progress) -> list[Path]:
    """Make sure that a data set's files are here and whole, downloading what is missing.

    Args:
        name: a key of ``DATA_SETS``.
        progress: hears ``("downloading FILE", bytes so far, bytes in all)``; may raise to stop.

    Returns:
        The files, in the order of ``DOWNLOADS``; none for a set that needs no download.

    Raises:
        DataError: no such set, no network, or a file with another checksum; names the address and the place where the
            file can be put by hand.
    """
    if name not in DATA_SETS:
        raise DataError(f"«{name}» is no data set.", where="data", mend="(nascope data lists all.)")
    return [_fetch_file(name, download, progress) for download in DOWNLOADS.get(name, ())]


def is_here(name: str) -> bool:
    """Whether all files of a set are on this machine (their checksums are looked at when they are read)."""
    return all(place_of(name, download).is_file() for download in DOWNLOADS.get(name, ()))


def place_of(name: str, download: Download) -> Path:
    """Where a file is kept."""
    return home() / "data" / name / download.name


def _fetch_file(name: str, download: Download, progress: Progress) -> Path:
    # Slow to import and needed only here.
    import pooch
    import requests

    place = place_of(name, download)
    if place.exists():
        if not pooch.hashes.hash_matches(place, f"md5:{download.md5}"):
            raise DataError(
                f"is not the file of {download.url} (its md5 is not {download.md5}): broken or another version.",
                where=str(place), mend=f"Remove it, then run nascope data fetch {name}.",
            )  # fmt: skip
        return place
    pooch.get_logger().setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(
        progressbar=_ProgressBar(f"downloading {download.name}", progress),
        chunk_size=_CHUNK_BYTES,
        timeout=_TIMEOUT_SECONDS,
    )
    try:
        pooch.retrieve(download.url, f"md5:{download.md5}", fname=place.name, path=place.parent, downloader=downloader)
    except (requests.exceptions.RequestException, OSError, ValueError) as error:
        raise DataError(
            f"cannot be downloaded from {download.url} ({_reason(error)}).",
            where=name,
            mend=f"Check the network, or put the file at {place} by hand (md5 {download.md5}).",
        ) from None
    return place


def _reason(error: Exception) -> str:
    """The kind of failure in a few words: the library's own sentence runs over several lines."""
    import requests

    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "what came has another checksum" if isinstance(error, ValueError) else type(error).__name__


class _ProgressBar:
    """What pooch takes for a progress bar: it sets ``total``, then adds up bytes."""

    def __init__(self, what: str, progress: Progress) -> None:
        self.total = 0
        self._what, self._progress, self._done = what, progress, 0

    def update(self, count: int) -> None:
        """``count`` more bytes; the last chunk may count too many."""
        self._done = min(self._done + count, self.total) if self.total else self._done + count
        self._progress(self._what, self._done, self.total)

    def reset(self) -> None:
        """Start again from 0, without telling: pooch fills the bar right after."""
        self._done = 0

    def close(self) -> None:
        """Nothing to put away."""
