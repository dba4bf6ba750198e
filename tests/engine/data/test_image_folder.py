"""Folders of a person's own images, with every oddity that such folders have."""

import os
import random
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import resolve
from engine.data import load_data
from engine.data.decode import UndecodableError, decode, decode_file
from engine.data.folder import read_folder
from engine.data.folder_cache import load_cached
from engine.data.folder_layout import find_images
from engine.data.raw import no_progress
from engine.errors import DataError

CPU = torch.device("cpu")


def read(root, size=8, progress=no_progress):
    return read_folder(root, image_size=size, progress=progress)


def load(root, splits=("train", "validation", "test"), **values):
    return load_data(
        resolve("search", data=f"image-folder:{root}", values={"image_size": 8, "validation_portion": 0.15} | values),
        CPU,
        splits=splits,
    )


def decoded_files(root):
    """Read, and tell how many files were decoded (not taken from the cache)."""
    heard = []

    def hear(what, done, _total):
        if what == "checking images":
            heard.append(done)

    raw = read(root, progress=hear)
    return raw, heard[-1] if heard else 0


def test_classes_directly_below_the_folder_get_all_three_splits(tmp_path, make_folder):
    make_folder(tmp_path / "pets", {"dog": 30, "cat": 20})

    loaded = load(tmp_path / "pets")

    assert loaded.class_names == ("cat", "dog")
    assert loaded.counts == {"test": 10, "validation": 6, "train": 34}
    assert np.bincount(loaded.splits["test"].labels).tolist() == [4, 6]
    assert loaded.splits["train"].images.shape == (34, 3, 8, 8)


def test_own_splits_are_used_and_stay_apart(tmp_path, make_folder):
    root = tmp_path / "set"
    for place, (split, count) in enumerate({"train": 8, "val": 3, "test": 4}.items()):
        make_folder(root / split, {"a": count, "b": count}, seed=place)

    loaded = load(root, validation_portion=0)

    assert loaded.counts == {"train": 16, "validation": 6, "test": 8}
    assert loaded.splits["test"].labels.tolist() == [0] * 4 + [1] * 4
    first = Image.open(root / "test/a/000.png").getpixel((0, 0))
    assert loaded.splits["test"].images[0, :, 0, 0].tolist() == list(first)


def test_train_and_val_alone_get_a_test_split_by_the_fixed_hash(tmp_path, make_folder):
    make_folder(tmp_path / "set/train", {"a": 10, "b": 10}, seed=1)
    make_folder(tmp_path / "set/validation", {"a": 2, "b": 2}, seed=2)

    loaded = load(tmp_path / "set")

    assert loaded.counts == {"train": 16, "validation": 4, "test": 4}


def test_the_test_split_follows_contents_not_names_places_or_seed(tmp_path, make_folder):
    make_folder(tmp_path / "one", {"a": 20, "b": 20})
    before = load(tmp_path / "one")
    for path in list((tmp_path / "one").glob("*/*.png")):
        path.rename(path.with_name(f"{random.random()}.png"))
    (tmp_path / "one").rename(tmp_path / "two")

    after = load(tmp_path / "two", seed=77)

    assert sorted(before.splits["test"].keys.tolist()) == sorted(after.splits["test"].keys.tolist())
    assert before.fingerprint == after.fingerprint


def test_oddities_are_left_out_and_counted(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"a": 4, "b": 4})
    (root / "README.md").write_text("hello")
    (root / "a/notes.txt").write_text("hello")
    (root / "a/.DS_Store").write_bytes(b"x")
    (root / "a/Thumbs.db").write_bytes(b"x")
    (root / ".git").mkdir()
    (root / "__MACOSX").mkdir()
    (root / "b/inner").mkdir()
    Image.new("L", (9, 9), 77).save(root / "b/inner/DEEP.JPG", "JPEG")

    raw = read(root)

    assert np.bincount(raw.train.labels).tolist() == [4, 5]
    assert raw.messages == ("6 files are no images and left out: 4 hidden, 1 .md, 1 .txt.",)


@pytest.mark.parametrize(
    ("mode", "ending", "expected"),
    [
        ("RGB", "png", (200, 40, 90)), ("RGB", "bmp", (200, 40, 90)), ("RGB", "tiff", (200, 40, 90)), ("RGB", "ppm", (200, 40, 90)),
        ("RGB", "jpg", (200, 40, 90)), ("RGB", "webp", (200, 40, 90)), ("L", "png", (100, 100, 100)), ("L", "jpg", (100, 100, 100)),
        ("1", "png", (255, 255, 255)), ("P", "gif", (200, 40, 90)), ("P", "png", (200, 40, 90)), ("CMYK", "jpg", (200, 40, 90)),
        ("RGBA", "png", (227, 147, 172)), ("LA", "png", (178, 178, 178)), ("I;16", "png", (100, 100, 100)), ("F", "tiff", (51, 51, 51)),
    ],
)  # fmt: skip
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode, ending, expected):
    base = Image.new("RGB", (20, 20), (200, 40, 90))
    image = {
        "L": lambda: Image.new("L", (20, 20), 100), "1": lambda: Image.new("1", (20, 20), 1), "P": lambda: base.convert("P", palette=Image.Palette.ADAPTIVE),
        "CMYK": lambda: base.convert("CMYK"), "LA": lambda: Image.new("LA", (20, 20), (100, 127)), "F": lambda: Image.new("F", (20, 20), 0.2),
        # Half transparent over white.
        "RGBA": lambda: Image.new("RGBA", (20, 20), (200, 40, 90, 128)),
        "I;16": lambda: Image.fromarray(np.full((20, 20), 25_700, dtype=np.uint16)),
    }.get(mode, lambda: base)()  # fmt: skip
    path = tmp_path / f"x.{ending}"
    image.save(path)

    pixels, _ = decode_file(path, 16)

    assert pixels.shape == (3, 16, 16)
    lossy = 6 if ending in ("jpg", "webp") else 1
    assert np.abs(pixels.reshape(3, -1).T.astype(int) - expected).max() <= lossy


def test_palette_transparency_is_laid_over_white(tmp_path):
    image = Image.new("P", (16, 16), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(tmp_path / "x.gif", transparency=0)

    assert (decode_file(tmp_path / "x.gif", 16)[0] == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_pillow_does(tmp_path, orientation):
    from PIL import ImageOps

    values = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(values).save(tmp_path / "x.png", exif=exif)

    found, _ = decode_file(tmp_path / "x.png", 16)

    with Image.open(tmp_path / "x.png") as image:
        assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(image)).transpose(2, 0, 1))


def test_a_picture_keeps_its_aspect_ratio_and_its_centre():
    import io

    values = np.zeros((16, 48, 3), dtype=np.uint8)
    values[:, 16:32] = 255
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")

    assert (decode(buffer.getvalue(), 16) == 255).all()
    assert (decode(buffer.getvalue(), 8) == 255).all()


def test_broken_files_are_all_counted_and_ten_named(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"a": 14, "b": 4})
    for path in sorted((root / "a").iterdir())[:12]:
        path.write_bytes(b"\x89PNG\r\n\x1a\n not an image")

    with pytest.raises(DataError) as caught:
        read(root)

    message = str(caught.value)
    assert message.startswith(f"{root}: 12 images cannot be read: a/000.png (")
    assert "a/009.png" in message
    assert "a/010.png" not in message
    assert "and 2 more" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"), (b"GIF89a", "."), (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no known image format"),
        (b"\xff\xd8\xff\xe0", "."), (bytes(100), "no known image format"),
    ],
)  # fmt: skip
def test_broken_content_is_named_with_a_reason(tmp_path, content, reason):
    (tmp_path / "x.png").write_bytes(content)

    with pytest.raises(UndecodableError, match=reason):
        decode_file(tmp_path / "x.png", 8)


def test_a_truncated_picture_is_broken(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "x.jpg")
    content = (tmp_path / "x.jpg").read_bytes()

    with pytest.raises(UndecodableError, match="truncated"):
        decode(content[: len(content) // 2], 8)


def test_a_decompression_bomb_is_refused_by_its_size_before_it_unpacks():
    import io
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for side, reason in ((9_400, "88360000|million"), (60_000, "too many pixels")):
        png = io.BytesIO()
        png.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)))
        png.write(chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
        with pytest.raises(UndecodableError, match=reason):
            decode(png.getvalue(), 8)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
def test_pipes_and_dangling_links_are_named_and_never_opened(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"a": 3, "b": 3})
    os.mkfifo(root / "a/pipe.png")
    (root / "b/gone.png").symlink_to(root / "nowhere.png")

    with pytest.raises(DataError, match=r"2 images cannot be read: a/pipe.png \(no plain file\), b/gone.png"):
        read(root)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_to_folders_below_a_class_are_not_followed(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"a": 3, "b": 3})
    (root / "a/loop").symlink_to(root)
    (root / "linked").symlink_to(root / "b")  # A class may be a link.

    layout = find_images(root)

    assert layout.class_names == ("a", "b", "linked")
    assert len(layout.files) == 9


def test_names_that_are_no_text_are_read_and_cached(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"ä ö": 2, "日本": 2})
    try:
        (root / "日本/000.png").rename(os.fsdecode(os.fsencode(root / "日本") + b"/\xff.png"))
    except OSError:
        pytest.skip("this file system takes only text for names")

    assert decoded_files(root)[1] == 4
    assert decoded_files(root)[1] == 0


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({}, "no class folders"), ({"a": 3}, "only one class folder, a/"), ({"a": 3, "yak": 0, "zebu": 0}, "folders yak, zebu hold no images"),
        ({"val/a": 3, "test/a": 3}, "no train/"), ({"pets/a": 3, "pets/b": 3}, r"Give image-folder:.*pets\."),
        ({"train/a": 3, "train/b": 3, "val/a": 3}, "lacks classes of train/: b"),
        ({"train/a": 3, "train/b": 3, "test/a": 3, "test/b": 3, "test/c": 1}, "classes that train/ lacks: c"),
        ({"train/a": 3, "train/b": 3, "val/a": 3, "val/b": 0}, "val/b holds no images"),
    ],
)  # fmt: skip
def test_layouts_that_are_no_data_set_are_refused(tmp_path, make_folder, classes, message):
    (tmp_path / "set").mkdir()
    make_folder(tmp_path / "set", classes)

    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "set")

    assert str(tmp_path / "set") in (caught.value.where or "")
    assert caught.value.mend


def test_a_class_of_unreadable_endings_says_which(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"a": 3, "b": 0})
    (root / "b/x.heic").write_bytes(b"x")

    with pytest.raises(DataError, match=r"b \(only 1 .heic\)"):
        read(root)


def test_a_missing_folder_and_a_file_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DataError, match="is a file"):
        read(tmp_path / "file")


def test_a_class_named_train_is_a_class(tmp_path, make_folder):
    make_folder(tmp_path / "vehicles", {"train": 3, "car": 3})

    assert find_images(tmp_path / "vehicles").class_names == ("car", "train")


def test_too_few_images_for_the_splits_are_refused_with_the_count(tmp_path, make_folder):
    make_folder(tmp_path / "pets", {"a": 9, "b": 3})

    with pytest.raises(DataError, match=r"b \(3\): too few images, 4 a class.*test, validation, weights, alphas"):
        load(tmp_path / "pets")
    assert load(tmp_path / "pets", validation_portion=0).counts["train"] == 10


def test_the_second_start_decodes_nothing_and_a_change_only_itself(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"a": 5, "b": 5})
    first, decoded = decoded_files(root)
    second, again = decoded_files(root)
    assert (decoded, again) == (10, 0)
    assert np.array_equal(first.train.images, second.train.images)
    assert np.array_equal(first.train.keys, second.train.keys)

    Image.new("RGB", (12, 10), (1, 2, 3)).save(root / "b/002.png")
    os.utime(root / "b/002.png", ns=(1, 1))
    changed, decoded = decoded_files(root)

    assert decoded == 1
    assert changed.train.images[7, :, 0, 0].tolist() == [1, 2, 3]
    same = [place for place in range(10) if place != 7]
    assert np.array_equal(changed.train.images[same], first.train.images[same])

    (root / "a/000.png").unlink()
    fewer, decoded = decoded_files(root)
    assert (len(fewer.train), decoded) == (9, 0)
    assert np.array_equal(fewer.train.images, changed.train.images[1:])


def test_another_size_has_a_cache_of_its_own(tmp_path, make_folder):
    root = make_folder(tmp_path / "pets", {"a": 2, "b": 2})

    assert read(root, size=8).train.images.shape[-1] == 8
    assert read(root, size=16).train.images.shape[-1] == 16
    assert decoded_files(root)[1] == 0


@pytest.mark.parametrize("damage", ["index", "array", "shape", "no array"])
def test_a_damaged_cache_is_made_anew(tmp_path, make_folder, nascope_home, damage):
    root = make_folder(tmp_path / "pets", {"a": 2, "b": 2})
    read(root)
    (array,) = nascope_home.rglob("images-*.npy")
    match damage:
        case "index":
            (array.parent / "index.json").write_text('{"version": 1, "images": 3, "fi')
        case "array":
            array.write_bytes(array.read_bytes()[:-10])
        case "shape":
            np.save(array, np.zeros((1, 2), dtype=np.uint8))
        case _:
            array.unlink()

    assert load_cached(root, 8, find_images(root).files) is None
    assert decoded_files(root)[1] == 4
    assert decoded_files(root)[1] == 0


def test_a_home_that_cannot_be_written_costs_only_the_cache(tmp_path, make_folder, monkeypatch, caplog):
    root = make_folder(tmp_path / "pets", {"a": 2, "b": 2})
    (tmp_path / "blocked").write_bytes(b"")
    monkeypatch.setenv("NASCOPE_HOME", str(tmp_path / "blocked/home"))

    assert len(read(root).train) == 4
    assert "could not be kept" in caplog.text


def test_copies_of_training_files_in_the_test_folder_are_told(tmp_path, make_folder):
    make_folder(tmp_path / "set/train", {"a": 5, "b": 5}, seed=1)
    make_folder(tmp_path / "set/test", {"a": 2, "b": 2}, seed=2)
    (tmp_path / "set/test/a/copy.png").write_bytes((tmp_path / "set/train/a/001.png").read_bytes())

    assert read(tmp_path / "set").messages == (
        "1 of the test files is a copy of training files: accuracy there flatters.",
    )


@pytest.mark.parametrize("at", ["listing class folders", "checking images"])
def test_progress_may_stop_the_reading(tmp_path, make_folder, at):
    root = make_folder(tmp_path / "pets", {"a": 40, "b": 40})

    class StopError(Exception):
        pass

    def stop(what, done, _total):
        if done and what == at:
            raise StopError

    with pytest.raises(StopError):
        read(root, progress=stop)


def test_a_stop_waits_for_no_more_than_the_image_at_work(tmp_path, make_folder, monkeypatch):
    root = make_folder(tmp_path / "pets", {"a": 40, "b": 40})
    begun = []

    def slow(path, size):
        begun.append(path)
        time.sleep(0.05)
        return np.zeros((3, size, size), np.uint8), 1

    def stop(what, _done, _total):
        if what == "checking images":
            progress_heard.append(what)
            if len(progress_heard) == 2:  # A first chunk is done.
                raise KeyboardInterrupt

    progress_heard = []
    monkeypatch.setattr("engine.data.folder.decode_file", slow)
    monkeypatch.setattr("engine.data.folder._MAX_THREADS", 2)

    with pytest.raises(KeyboardInterrupt):
        read(root, progress=stop)
    assert len(begun) < 80


def test_limits_and_halves_of_a_sorted_folder_hold_every_class(tmp_path, make_folder):
    make_folder(tmp_path / "pets", dict.fromkeys("abcd", 30))

    loaded = load(tmp_path / "pets", limit_images=16)

    assert np.bincount(loaded.splits["train"].labels).tolist() == [4, 4, 4, 4]


def test_a_large_jpeg_decoded_at_reduced_size_is_the_same_picture():
    import io

    y, x = np.mgrid[0:800, 0:1200]
    values = np.stack([x * 255 // 1199, y * 255 // 799, (x + y) * 255 // 1998], axis=2).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "JPEG", quality=95)

    found = decode(buffer.getvalue(), 16)

    square = Image.fromarray(values).crop((200, 0, 1000, 800)).resize((16, 16), Image.Resampling.BOX)
    assert np.abs(found.transpose(1, 2, 0).astype(int) - np.asarray(square)).max() <= 4
