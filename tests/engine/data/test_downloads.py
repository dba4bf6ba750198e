"""Sets that are downloaded: the parsers on files of the same layout, and what happens without a network."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest
import torch

from engine.config import DATA_SETS, resolve
from engine.data import describe_data, fetch, load_data
from engine.data.cifar import parse_cifar
from engine.data.fashion_mnist import parse_fashion_mnist, read_idx
from engine.data.fetch import DOWNLOADS, Download, is_here, place_of
from engine.errors import DataError

NUMBERS = np.random.default_rng(0)
CIFAR10_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def write_archive(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"folder/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory):
    """An archive of the layout of cifar-10-binary.tar.gz: rows of a label and 3,072 bytes, red, green, blue planes."""
    path = tmp_path_factory.mktemp("cifar") / "cifar-10-binary.tar.gz"
    rows = {}
    members = {"batches.meta.txt": ("\n".join(CIFAR10_NAMES) + "\n\n").encode()}
    for name in ("data_batch_3", "data_batch_1", "data_batch_2", "data_batch_5", "data_batch_4", "test_batch"):
        rows[name] = np.zeros((10_000, 3073), dtype=np.uint8)
        rows[name][:, 0] = np.arange(10_000) % 10
        # A few bytes tell the images apart; the rest packs well.
        rows[name][:, [1, 40, 1025, 2049, 3072]] = NUMBERS.integers(0, 256, (10_000, 5))
        members[f"{name}.bin"] = rows[name].tobytes()
    write_archive(path, members)
    return path, rows


def test_cifar10_is_read_in_the_order_of_its_batches(cifar10):
    path, rows = cifar10

    raw = parse_cifar("cifar10", path)

    assert raw.class_names == tuple(CIFAR10_NAMES)
    assert raw.train.images.shape == (50_000, 3, 32, 32)
    for place, name in ((0, "data_batch_1"), (20_000, "data_batch_3"), (49_999, "data_batch_5")):
        row = rows[name][place % 10_000]
        assert raw.train.labels[place] == row[0]
        assert raw.train.images[place, 0, 0, 0] == row[1]
        assert raw.train.images[place, 0, 1, 7] == row[40]
        assert raw.train.images[place, 1, 0, 0] == row[1025]
        assert raw.train.images[place, 2, 31, 31] == row[3072]
    assert np.array_equal(raw.read_test().images.reshape(10_000, -1), rows["test_batch"][:, 1:])
    assert raw.normalization.mean == (0.49139968, 0.48215827, 0.44653124)


def test_cifar10_loads_with_the_papers_splits(cifar10, monkeypatch):
    path, rows = cifar10
    monkeypatch.setattr("engine.data.cifar.fetch", lambda name, progress: [path])

    loaded = load_data(resolve("search", data="cifar10"), torch.device("cpu"))

    assert loaded.counts == {"train": 50_000, "test": 10_000}
    assert set(loaded.splits) == {"train"}
    assert loaded.splits["train"].images[10_000, 0, 0, 0] == rows["data_batch_2"][0, 1]
    assert loaded.splits["train"].std.tolist() == pytest.approx([0.24703233, 0.24348505, 0.26158768])


def test_cifar100_takes_the_fine_label(tmp_path):
    names = [f"class{number}" for number in range(100)]
    train, test = np.zeros((50_000, 3074), np.uint8), np.zeros((10_000, 3074), np.uint8)
    for rows in (train, test):
        rows[:, 0], rows[:, 1] = 19, np.arange(len(rows)) % 100
        rows[:, 2] = 7
    write_archive(
        tmp_path / "x.tar.gz",
        {"fine_label_names.txt": "\n".join(names).encode(), "test.bin": test.tobytes(), "train.bin": train.tobytes()},
    )

    raw = parse_cifar("cifar100", tmp_path / "x.tar.gz")

    assert raw.class_names == tuple(names)
    assert raw.train.labels[:3].tolist() == [0, 1, 2]
    assert raw.train.images[0, 0, 0, :2].tolist() == [7, 0]
    assert len(raw.read_test()) == raw.test_size == 10_000


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"batches.meta.txt": b"a b c", "data_batch_1.bin": b"short"}, "data_batch_1.bin has 5 bytes, not 30,730,000"),
        ({"other.txt": b""}, "holds no data_batch_1.bin"),
    ],
)
def test_archives_with_other_members_are_refused(tmp_path, members, message):
    write_archive(tmp_path / "x.tar.gz", members)

    with pytest.raises(DataError, match=message):
        parse_cifar("cifar10", tmp_path / "x.tar.gz")


def test_a_cut_archive_is_refused(tmp_path, cifar10):
    (tmp_path / "x.tar.gz").write_bytes(cifar10[0].read_bytes()[:100_000])

    with pytest.raises(DataError, match="is no archive that can be read"):
        parse_cifar("cifar10", tmp_path / "x.tar.gz")


def write_idx(path, array):
    header = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), 1))
    return path


def test_fashion_mnist_is_padded_to_32(tmp_path):
    train, test = (NUMBERS.integers(0, 256, (count, 28, 28), dtype=np.uint8) for count in (30, 20))
    files = [
        write_idx(tmp_path / "a", train), write_idx(tmp_path / "b", np.arange(30, dtype=np.uint8) % 10),
        write_idx(tmp_path / "c", test), write_idx(tmp_path / "d", np.arange(20, dtype=np.uint8) % 10),
    ]  # fmt: skip

    raw = parse_fashion_mnist(*files, sizes=(30, 20))

    assert raw.train.images.shape == (30, 1, 32, 32)
    assert np.array_equal(raw.train.images[:, 0, 2:30, 2:30], train)
    assert raw.train.images.sum() == train.sum()  # The frame is black.
    assert raw.read_test().labels.tolist() == [number % 10 for number in range(20)]
    assert raw.class_names[9] == "Ankle boot"


def test_idx_files_of_other_shapes_and_no_gzip_are_refused(tmp_path):
    path = write_idx(tmp_path / "x", np.zeros((3, 28, 28), np.uint8))
    with pytest.raises(DataError, match=r"no idx file of shape \(4, 28, 28\)"):
        read_idx(path, (4, 28, 28))
    path.write_bytes(b"hello")
    with pytest.raises(DataError, match="no gzip file"):
        read_idx(path, (3, 28, 28))


@pytest.fixture
def offered(monkeypatch):
    """``requests.get`` answers with this content; None is no network."""
    import requests

    answer = {"content": None, "asked": []}

    class Response:
        def __init__(self, content):
            self.headers = {"content-length": str(len(content))}
            self._content = content

        def raise_for_status(self):
            pass

        def iter_content(self, chunk_size):
            yield from (self._content[start : start + chunk_size] for start in range(0, len(self._content), chunk_size))

    def get(url, **_):
        answer["asked"].append(url)
        if answer["content"] is None:
            raise requests.exceptions.ConnectionError("a long sentence about sockets")
        return Response(answer["content"])

    monkeypatch.setattr(requests, "get", get)
    return answer


@pytest.mark.parametrize("name", sorted(DOWNLOADS))
def test_without_a_network_the_error_names_address_place_and_checksum(name, offered, nascope_home):
    download = DOWNLOADS[name][0]

    with pytest.raises(DataError) as caught:
        load_data(resolve("search", data=name), torch.device("cpu"))

    message = str(caught.value)
    assert f"cannot be downloaded from {download.url} (no connection)" in message
    assert f"put the file at {nascope_home / 'data' / name / download.name} by hand (md5 {download.md5})" in message
    assert "\n" not in message
    assert not list(nascope_home.rglob("*.gz"))


def test_a_download_is_checked_kept_and_told(offered, monkeypatch):
    content = bytes(1_000_000)
    download = Download("x.gz", "http://example.org/x.gz", hashlib.md5(content).hexdigest())
    monkeypatch.setitem(DOWNLOADS, "cifar10", (download,))
    offered["content"] = content
    heard = []

    (path,) = fetch("cifar10", lambda *said: heard.append(said))
    again = fetch("cifar10")

    assert path.read_bytes() == content
    assert again == [path]
    assert offered["asked"] == [download.url]
    assert heard[-1] == ("downloading x.gz", 1_000_000, 1_000_000)
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)


def test_a_download_with_another_checksum_is_not_kept(offered, nascope_home):
    offered["content"] = b"a login page"

    with pytest.raises(DataError, match="another checksum"):
        fetch("cifar100")

    assert not [path for path in nascope_home.rglob("*") if path.is_file()]


def test_a_file_put_there_by_hand_is_checked(offered):
    place = place_of("cifar10", DOWNLOADS["cifar10"][0])
    place.parent.mkdir(parents=True)
    place.write_bytes(b"another file")

    with pytest.raises(DataError, match=r"cifar-10-binary.tar.gz: is not the file of .*Remove it"):
        fetch("cifar10")
    assert not offered["asked"]


def test_fetch_of_other_sets():
    assert fetch("digits") == []
    with pytest.raises(DataError, match="no data set"):
        fetch("cifar11")


def test_every_set_with_a_download_says_so_in_its_passport():
    assert {name for name, data in DATA_SETS.items() if data.download_mib} == set(DOWNLOADS)


def test_describing_downloads_nothing(offered):
    found = describe_data("cifar10")

    assert found["available"] is False
    assert "class_names" not in found
    assert not is_here("cifar10")
    assert not offered["asked"]


def test_describing_the_digits_gives_counts_and_a_sheet():
    found = describe_data("digits", samples=5)

    assert found["counts"] == {"train": 1797}
    assert sum(found["class_counts"].values()) == 1797
    assert found["samples"].shape == (10, 5, 8, 8, 1)
    assert found["samples"].max() == 255
    assert np.array_equal(found["samples"], describe_data("digits", samples=5)["samples"])
