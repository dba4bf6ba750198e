"""Batches from files: a function of the step, whoever decodes them, and what broken files do."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from engine.config import resolve
from engine.data import BatchStream, divide, load_data, open_stream
from engine.data.chunks import LARGEST, parts
from engine.data.file_stream import FileStream
from engine.distributed.ranks import Ranks
from engine.errors import DataError

CPU = torch.device("cpu")
CLASSES = ("a", "b", "c")


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "in"
    numbers = np.random.default_rng(0)
    for split, count in (("train", 15), ("val", 3)):
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for place in range(count):
                pixels = numbers.integers(0, 200, (20, 26, 3), dtype=np.uint8) + np.uint8(20 * label)
                Image.fromarray(pixels).save(root / split / name / f"{place:02}.JPEG")
    return root


def load(root, splits=("train", "validation", "test"), kind="search", data="imagenet", **values):
    extra = {"genotype": {}} if kind == "retrain" else {}
    known = {"image_size": 16, "validation_portion": 0, "batch_size": 8, "limit_portion": None, "workers": 0}
    config = resolve(kind, data=f"{data}:{root}", values=known | extra | values)
    return config, load_data(config, CPU, splits=splits)


def stream(root, ranks=None, name="train", split="train", shuffle=True, **values):
    config, loaded = load(root, **values)
    return open_stream(
        loaded.splits[split], config, name, augmentation=loaded.augmentation if shuffle else None, shuffle=shuffle,
        **({"ranks": ranks} if ranks else {}),
    )  # fmt: skip


def same(first, second):
    return torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def break_file(path):
    """Cut in the middle; the size is kept, so that the splits are."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\0" * (len(content) - len(content) // 2))
    path.write_bytes(content[:100].ljust(len(content), b"\0"))


def test_the_number_of_processes_and_what_was_asked_before_change_nothing(folder):
    steps = (0, 1, 2, 7, 8, 2)
    alone = stream(folder, color_jitter=0.4)
    expected = [alone.batch(step) for step in steps]
    torch.manual_seed(3)
    before = torch.get_rng_state()
    for workers in (1, 2):
        many = stream(folder, color_jitter=0.4, workers=workers)
        try:
            assert all(same(many.batch(step), batch) for step, batch in zip(steps, expected, strict=True))
        finally:
            many.close()
    assert torch.equal(torch.get_rng_state(), before)
    assert same(stream(folder, color_jitter=0.4).batch(7), expected[3])
    assert not same(expected[0], stream(folder, color_jitter=0.4, seed=1).batch(0))
    assert expected[0][0].shape == (8, 3, 16, 16)


def test_evaluation_passes_are_equal_whoever_decodes(folder):
    one = list(stream(folder, split="test", name="validation", shuffle=False).epoch_batches())
    reader = stream(folder, split="test", name="validation", shuffle=False, workers=1)
    for _ in range(2):
        assert all(same(*pair) for pair in zip(one, reader.epoch_batches(), strict=True))
    assert torch.cat([labels for _, labels in one]).tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert not psutil.Process().children(recursive=True) or all(
        "forkserver" in " ".join(child.cmdline()) or "tracker" in " ".join(child.cmdline())
        for child in psutil.Process().children(recursive=True)
    )


def test_an_epoch_holds_each_image_once_and_ranks_share_its_batches(folder):
    whole = stream(folder)
    seen = torch.cat([labels for _, labels in whole.epoch_batches(1)])
    assert torch.bincount(seen).tolist() == [15] * 3
    whole = stream(folder, batch_size=9)
    shares = [stream(folder, ranks=Ranks(rank, 3), batch_size=9) for rank in range(3)]
    for step in (0, 4, 6):
        joint = [share.batch(step) for share in shares]
        assert same(whole.batch(step), tuple(torch.cat(part) for part in zip(*joint, strict=True)))


def test_chunks_cover_a_share_and_are_small():
    for start, stop in ((0, 0), (3, 4), (0, LARGEST), (5, 5 + LARGEST + 1), (0, 1000)):
        found = list(parts(start, stop))
        assert [place for part in found for place in range(*part)] == list(range(start, stop))
        assert all(0 < high - low <= LARGEST for low, high in found)


def test_a_folder_from_files_looks_as_from_memory(folder):
    """The same squares; which image is in which place differs, since the keys do."""
    in_memory = stream(folder / "train", data="image-folder", shuffle=False, reading="memory")
    from_files = stream(folder / "train", data="image-folder", shuffle=False, reading="files")
    assert isinstance(in_memory, BatchStream)
    assert isinstance(from_files, FileStream)
    pixels = []
    for found in (in_memory, from_files):
        mean, std = (getattr(found, "image_set", None) or found.file_set).normalization.mean, None
        assert len(mean) == 3
        assert std is None
        pixels.append(len(found))
    assert pixels[0] == pixels[1]
    augmented = stream(folder / "train", data="image-folder", reading="files")
    assert augmented.batch(3)[0].shape == (8, 3, 16, 16)


def test_auto_takes_files_where_memory_would_not_do(folder, monkeypatch):
    from types import SimpleNamespace

    assert type(load(folder / "train", data="image-folder")[1].splits["train"]).__name__ == "ImageSet"
    monkeypatch.setattr("engine.data.folder.psutil.virtual_memory", lambda: SimpleNamespace(available=10_000))
    assert type(load(folder / "train", data="image-folder")[1].splits["train"]).__name__ == "FileSet"
    with pytest.raises(DataError, match="reading=files"):
        load(folder / "train", data="image-folder", reading="memory")


def test_imagenet_in_memory_is_cropped_there(folder):
    config, loaded = load(folder, reading="memory")
    train = loaded.splits["train"]

    assert train.pool.shape[-1] == 18  # 16 * 256 / 224.
    images, _ = open_stream(train, config, "train", augmentation=loaded.augmentation).batch(0)
    assert images.shape == (8, 3, 16, 16)
    images, _ = open_stream(train, config, "validation", shuffle=False).batch(0)
    torch.testing.assert_close(
        images[:1],
        (train.images[:1, :, 1:17, 1:17].float() / 255 - train.mean.view(1, 3, 1, 1)) / train.std.view(1, 3, 1, 1),
    )


def test_a_broken_file_found_before_the_start_stops_or_is_told(folder):
    break_file(folder / "train/b/03.JPEG")
    with pytest.raises(DataError, match=r"1 image cannot be read: train/b/03.JPEG .*broken_images=skip"):
        load(folder)
    (folder / "train/b/04.JPEG").write_bytes(b"")
    with pytest.raises(DataError, match=r"train/b/04.JPEG \(the file is empty\)"):
        load(folder)
    _, loaded = load(folder, broken_images="skip")
    assert loaded.counts["train"] == 44
    assert any("1 image is left out" in message and "b/04.JPEG" in message for message in loaded.messages)
    _, loaded = load(folder, broken_images="skip", reading="memory")
    assert loaded.counts["train"] == 43
    assert any("2 images are left out" in message for message in loaded.messages)


def test_a_file_that_breaks_later_ends_the_run_by_name(folder):
    train = stream(folder)
    break_file(folder / "train/c/07.JPEG")
    with pytest.raises(DataError, match=r"c/07.JPEG: cannot be decoded .*broken_images=skip"):
        list(train.epoch_batches())


@pytest.mark.parametrize("workers", [0, 2])
def test_another_image_of_the_class_takes_the_place_of_a_broken_one(folder, workers):
    whole = stream(folder)
    epochs = [list(whole.epoch_batches(epoch)) for epoch in range(2)]
    break_file(folder / "train/c/07.JPEG")
    skipping = stream(folder, broken_images="skip", workers=workers)
    try:
        found = [list(skipping.epoch_batches(epoch)) for epoch in range(2)]
    finally:
        skipping.close()

    for before, after in zip(epochs, found, strict=True):
        changed = [
            (int(label), bool((one == other).all()))
            for (images, labels), (others, same_labels) in zip(before, after, strict=True)
            for one, other, label, same_label in zip(images, others, labels, same_labels, strict=True)
            if label == same_label and not torch.equal(one, other)
        ]
        assert changed == [(2, False)]
        assert all(torch.equal(one[1], other[1]) for one, other in zip(before, after, strict=True))
    assert skipping.news() == [
        "train/c/07.JPEG cannot be decoded ("
        + skipping._broken._met[37]
        + "): another image of its class takes its place."
    ]
    assert skipping.news() == []
    later = stream(folder, broken_images="skip")
    assert same(later.batch(9), found[1][9 - later.steps_per_epoch])


def test_an_evaluation_leaves_broken_images_out(folder, monkeypatch):
    monkeypatch.setattr("engine.data.chunks.LARGEST", 3)  # Several chunks a batch.
    test = stream(folder, split="test", shuffle=False, name="validation", broken_images="skip")
    whole = torch.cat([images for images, _ in test.epoch_batches()])
    break_file(folder / "val/b/01.JPEG")
    batches = list(test.epoch_batches())
    assert torch.cat([labels for _, labels in batches]).tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert torch.equal(torch.cat([images for images, _ in batches]), whole[[0, 1, 2, 3, 5, 6, 7, 8]])
    assert "it is left out" in test.news()[0]


def test_many_broken_files_are_counted(folder):
    train = stream(folder, broken_images="skip")
    for name in "ab":
        for place in range(8):
            break_file(folder / f"train/{name}/{place:02}.JPEG")
    list(train.epoch_batches())
    news = train.news()
    assert len(news) == 11
    assert news[-1] == "6 more images of «train» cannot be decoded."


def test_broken_files_are_named_once_whichever_ranks_meet_them(folder):
    class Pair(Ranks):
        def all_say(self, value):
            return [value, [(7, "torn"), (2, "torn too")]]

    train = stream(folder, broken_images="skip")
    train._broken.meet(2, "torn")
    ranks = Pair(0, 2)
    news = train._broken.news(ranks)
    assert len(news) == 2
    assert "02.JPEG cannot be decoded (torn)" in news[0]
    train._broken.meet(7, "met here an epoch later")
    train._broken.meet(9, "new")

    class Alone(Ranks):
        def all_say(self, value):
            return [value, []]

    assert [sentence.count("(new)") for sentence in train._broken.news(Alone(0, 2))] == [1]


def test_a_class_without_a_whole_image_ends_the_run(folder):
    train = stream(folder, broken_images="skip")
    for path in (folder / "train/b").iterdir():
        break_file(path)
    with pytest.raises(DataError, match="no image of class «b»"):
        list(train.epoch_batches())


def test_halves_of_files_are_disjoint(folder):
    _, loaded = load(folder)
    weights, alphas = divide(loaded.splits["train"], 0.8, seed=0)
    assert (len(weights), len(alphas)) == (36, 9)
    assert not set(weights.names.tolist()) & set(alphas.names.tolist())


def test_arrays_cannot_be_read_from_files():
    with pytest.raises(DataError, match="reading=auto"):
        load_data(resolve("search", data="digits", values={"reading": "files"}), CPU)


CODE = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
if __name__ == "__main__":
    import test_file_stream as t
    train = t.stream(Path({root!r}), workers=2)
    train.batch(0)
    print("ready", flush=True)
    {end}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes")
@pytest.mark.parametrize("way", ["kill", "exit"])
def test_processes_that_decode_end_with_the_run(folder, tmp_path, way):
    script = tmp_path / "run.py"
    end = "time.sleep(100)" if way == "kill" else "pass"
    script.write_text(CODE.format(tests=os.path.dirname(__file__), root=str(folder), end=end))  # noqa: PTH120
    run = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True)
    children = []
    try:
        assert run.stdout is not None
        assert run.stdout.readline().strip() == "ready"
        if way == "kill":
            children = psutil.Process(run.pid).children(recursive=True)
            assert len(children) >= 3
            run.send_signal(signal.SIGKILL)
        run.wait(timeout=30)
        _, left = psutil.wait_procs(children, timeout=20)
        assert not left
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and _session(run.pid):
            time.sleep(0.1)
        assert not _session(run.pid)
    finally:
        for process in children:
            if process.is_running():
                process.kill()
        if run.poll() is None:
            run.kill()


def _session(leader):
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (OSError, psutil.Error):
            continue
    return found
