"""AutoAugment: what is drawn against its list's numbers, each operation against torchvision's or plain arithmetic."""

from collections import Counter

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import chi2, norm

from engine.config import DATA_SETS, resolve
from engine.data import BatchStream, load_data, open_stream
from engine.data.augment import Augmentation, augment, augmentation_for, draw
from engine.data.auto_augment import PAIRS, WORDS, Change, argument_of, auto_augmented, changed, changes_of, pair_words
from engine.data.crops import cut_and_resize
from engine.data.randomness import below, stream_key
from engine.distributed.ranks import Ranks
from engine.errors import DataError

CPU = torch.device("cpu")
FILL = (124, 116, 104)
NEAREST, BILINEAR, BICUBIC = Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
COUNT = 25_000


def smooth_images(count=6, channels=3, size=(21, 17)):
    """Random, but with neighbours alike, and one image of a single colour."""
    numbers = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, channels, 5, 5, generator=numbers)
    images = (torch.nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1) * 200 + 20).to(torch.uint8)
    images[0] = 77
    return images


def pillow(image, change, fill=FILL):
    """One ``(C, H, W)`` image after one operation."""
    array = image.permute(1, 2, 0).numpy()
    picture = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    found = np.asarray(changed(picture, change, fill[: array.shape[2]]))
    return torch.from_numpy(found.reshape(array.shape).copy()).permute(2, 0, 1)


def drawn(count=COUNT, key="draws"):
    words = pair_words(stream_key(key), count)
    pairs = below_25(words)
    return pairs, [changes_of(own) for own in words]


def below_25(words):
    return ((words[:, 0] >> np.uint64(32)) * np.uint64(25) >> np.uint64(32)).astype(int)


# -- the list and what is drawn ------------------------------------------------------------------------------------


def test_the_list_has_the_published_counts():
    names = Counter(name for pair in PAIRS for name, _, _ in pair)

    assert len(PAIRS) == 25
    assert names == {
        "equalize": 12, "color": 9, "solarize": 8, "rotate": 7, "shear_y": 4, "shear_x": 2, "solarize_add": 2, "posterize": 2,
        "auto_contrast": 2, "invert": 1, "translate_y": 1,
    }  # fmt: skip
    assert sum(probability for pair in PAIRS for _, probability, _ in pair) == pytest.approx(29.8)
    assert sum(magnitude for pair in PAIRS for _, _, magnitude in pair) == 240


def test_pairs_are_drawn_alike_and_operations_as_often_as_the_list_says():
    pairs, found = drawn()

    counts = np.bincount(pairs, minlength=25)
    assert ((counts - COUNT / 25) ** 2 / (COUNT / 25)).sum() < chi2.ppf(0.9999, 24)
    for number, pair in enumerate(PAIRS):
        seen = [changes for chosen, changes in zip(pairs, found, strict=True) if chosen == number]
        one, two = pair[0][1], pair[1][1]
        # Independent of each other: none, one or both of them are done.
        expected = np.array([(1 - one) * (1 - two), one * (1 - two) + (1 - one) * two, one * two]) * len(seen)
        done = np.bincount([len(changes) for changes in seen], minlength=3)
        assert (done[expected == 0] == 0).all()
        certain = expected > 0
        assert ((done - expected)[certain] ** 2 / expected[certain]).sum() < chi2.ppf(0.99999, 2)
        for changes in seen:
            names = [change.operation for change in changes]
            assert names in ([], [pair[0][0]], [pair[1][0]], [pair[0][0], pair[1][0]])


def test_magnitudes_are_normal_around_the_lists_and_clamped():
    pairs, found = drawn()
    turns = np.array(
        [c.argument for n, cs in zip(pairs, found, strict=True) if n == 14 for c in cs if c.operation == "rotate"]
    )
    colours = np.array(
        [c.argument for n, cs in zip(pairs, found, strict=True) if n == 18 for c in cs if c.operation == "color"]
    )

    # Rotate at magnitude 9: 27 degrees, spread 1.5, cut at 30, two spreads above.
    sizes = np.abs(turns)
    assert len(turns) > 700
    assert sizes.max() == 30
    assert (sizes == 30).mean() == pytest.approx(norm.sf(2), abs=0.02)
    assert np.median(sizes) == pytest.approx(27, abs=0.2)
    assert sizes[sizes < 27].std() == pytest.approx(1.5 * (1 - 2 / np.pi) ** 0.5, rel=0.15)  # Half a normal curve.
    assert (turns > 0).mean() == pytest.approx(0.5, abs=0.08)
    # Color at magnitude 0: half of the draws are below, and become 0.
    assert (colours == 0.1).mean() == pytest.approx(0.5, abs=0.07)
    assert colours.min() == 0.1
    assert colours.max() < 0.1 + 0.18 * 2.5


def test_filters_are_drawn_alike_and_only_changes_of_shape_have_a_sign():
    _, found = drawn()
    changes = [change for own in found for change in own]

    filters = Counter(change.filter for change in changes)
    assert set(filters) == {NEAREST, BILINEAR, BICUBIC}
    assert all(abs(count / len(changes) - 1 / 3) < 0.02 for count in filters.values())
    negative = {change.operation for change in changes if change.argument < 0}
    assert negative == {"rotate", "shear_x", "shear_y", "translate_y"}


@pytest.mark.parametrize(
    ("operation", "at_0", "at_5", "at_10"),
    [
        ("rotate", 0, 15, 30), ("shear_x", 0, 0.15, 0.3), ("shear_y", 0, 0.15, 0.3), ("translate_y", 0, 0.225, 0.45),
        ("color", 0.1, 1.0, 1.9), ("solarize", 0, 128, 256), ("solarize_add", 0, 55, 110), ("posterize", 4, 6, 8),
        ("invert", 0, 0, 0),
    ],
)  # fmt: skip
def test_arguments_run_over_the_ranges_of_the_source(operation, at_0, at_5, at_10):
    assert [argument_of(operation, magnitude) for magnitude in (0.0, 5.0, 10.0)] == pytest.approx([at_0, at_5, at_10])


@given(st.lists(st.integers(0, 2**64 - 1), min_size=WORDS, max_size=WORDS))
@settings(max_examples=200, deadline=None)
def test_any_words_give_operations_that_can_be_done(words):
    image = smooth_images(1)[0]

    for change in changes_of(np.array(words, dtype=np.uint64)):
        assert pillow(image, change).shape == image.shape


# -- the operations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_changes_of_levels_equal_torchvisions(channels):
    for image in smooth_images(channels=channels):
        for operation, argument, expected, tolerance in (
            ("equalize", 0, F.equalize(image), 0),
            ("invert", 0, F.invert(image), 0),
            ("posterize", 5, F.posterize(image, 5), 0),
            ("solarize", 100, F.solarize(image, 100), 0),
            # Pillow rounds a table of levels, torchvision each pixel.
            ("auto_contrast", 0, F.autocontrast(image), 1),
            ("color", 0.1, F.adjust_saturation(image, 0.1), 1),
            ("color", 1.9, F.adjust_saturation(image, 1.9), 2),
        ):
            found = pillow(image, Change(operation, argument, NEAREST))
            assert (found.int() - expected.int()).abs().max() <= tolerance, operation


def test_color_leaves_grey_and_solarize_with_256_leaves_all():
    grey, coloured = smooth_images(channels=1)[1], smooth_images()[1]

    assert torch.equal(pillow(grey, Change("color", 0.1, NEAREST)), grey)
    assert torch.equal(pillow(coloured, Change("solarize", 256, NEAREST)), coloured)
    assert torch.equal(pillow(coloured, Change("posterize", 8, NEAREST)), coloured)


def test_solarize_add_brightens_the_darker_half():
    image = torch.arange(256, dtype=torch.uint8).view(1, 16, 16).expand(3, -1, -1)

    found = pillow(image, Change("solarize_add", 110, NEAREST)).int()

    levels = torch.arange(256).view(16, 16)
    assert torch.equal(found[0], torch.where(levels < 128, (levels + 110).clamp(max=255), levels).int())


@pytest.mark.parametrize(
    ("operation", "argument", "along"),
    [("shear_x", 0.27, "columns"), ("shear_x", -0.2, "columns"), ("shear_y", 0.21, "rows"), ("translate_y", -0.4, "rows"),
     ("translate_y", 0.31, "rows")],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3])
def test_shears_and_translation_are_shifts_of_lines(operation, argument, along, channels):
    """Each pixel looks up where it comes from: the middle of the target, plus the slope times the middle of its line."""
    image = smooth_images(channels=channels)[1]
    lines = image.numpy() if along == "columns" else image.numpy().transpose(0, 2, 1)  # The moved axis stands last.
    count, length = lines.shape[1:]
    offset = argument * length if operation == "translate_y" else argument * (np.arange(count) + 0.5)
    source = np.arange(length) + 0.5 + np.broadcast_to(offset, count)[:, None]
    inside = (source >= 0) & (source < length)
    rows = np.arange(count)[:, None]
    nearest = lines[:, rows, np.clip(np.floor(source).astype(int), 0, length - 1)]
    low = np.floor(source - 0.5).astype(int)
    part = source - 0.5 - low
    ends = [lines[:, rows, np.clip(low + step, 0, length - 1)].astype(float) for step in (0, 1)]
    between = ends[0] * (1 - part) + ends[1] * part
    fill = np.array(FILL[:channels])[:, None, None]

    for chosen, expected in ((NEAREST, nearest), (BILINEAR, between)):
        expected = np.where(inside, expected, fill)
        expected = expected if along == "columns" else expected.transpose(0, 2, 1)
        found = pillow(image, Change(operation, argument, chosen)).numpy()
        assert np.abs(found - expected).max() <= (0 if chosen == NEAREST else 1)
    assert 0 < inside.mean() < 1


def test_rotation_equals_torchvisions():
    image = smooth_images()[1]
    for degrees in (24.0, -13.0):
        for chosen, name in ((NEAREST, "nearest"), (BILINEAR, "bilinear")):
            found = pillow(image, Change("rotate", degrees, chosen)).int()
            expected = F.rotate(
                image, degrees, interpolation=F.InterpolationMode(name), fill=list(map(float, FILL))
            ).int()
            # They part at the border, where torchvision mixes the fill in.
            inside = (
                F.rotate(torch.ones(1, *image.shape[1:]), degrees, interpolation=F.InterpolationMode.BILINEAR)[0] == 1
            )
            assert inside.float().mean() > 0.5
            assert ((found - expected).abs() <= 2)[:, inside].float().mean() > 0.98
    corner = pillow(image, Change("rotate", 24.0, BICUBIC))[:, 0, 0]
    assert corner.tolist() == list(FILL)


# -- batches -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_equals_its_images_one_by_one_in_the_order_of_the_chain(channels):
    images = smooth_images(30, channels)
    chain = Augmentation(shift=2, flip=True, cutout=5, auto_augment=True, fill=FILL[:channels])
    draws = draw(chain, 30, (21, 17), key=(3, "train", 1))
    mean, std = torch.full((channels,), 0.4), torch.full((channels,), 0.3)

    found = augment(images, chain, draws, mean=mean, std=std)

    words, moved = draws.pairs, 0
    for number, image in enumerate(images):
        alone = torch.nn.functional.pad(image, (2, 2, 2, 2))
        top, left = int(draws.down[number]), int(draws.right[number])
        alone = alone[:, top : top + 21, left : left + 17]
        alone = alone.flip(2) if draws.flip[number] else alone
        for change in changes_of(words[number]):
            alone = pillow(alone.contiguous(), change)
            moved += 1
        alone = (alone / 255 - 0.4) / 0.3
        y, x = int(draws.centre_y[number]), int(draws.centre_x[number])
        alone[:, max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = 0
        torch.testing.assert_close(found[number], alone, rtol=0, atol=2e-6)
    assert moved > 20
    assert torch.equal(images, smooth_images(30, channels))  # Left as they were.
    assert found.is_contiguous()


def test_off_changes_no_other_random_number():
    with_it, without = Augmentation(2, True, 4, False, 0.3, True, FILL), Augmentation(2, True, 4, False, 0.3)

    one, other = (draw(chain, 20, (12, 10), key=(1, "train", 0)) for chain in (with_it, without))

    assert other.pairs is None
    for name in ("down", "right", "flip", "centre_y", "centre_x", "colours"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    part = one.slice(5, 9).to(CPU)
    np.testing.assert_array_equal(part.pairs, pair_words(stream_key(1, "train", 0, "pairs"), 4, start=5))
    later = draw(with_it, 4, (12, 10), key=(1, "train", 0), start=5)
    np.testing.assert_array_equal(later.pairs, part.pairs)


def test_random_crops_become_the_nearest_bytes():
    images = smooth_images(40, size=(24, 24))
    chain = Augmentation(random_crop=True, auto_augment=True, fill=FILL)
    draws = draw(chain, 40, (24, 24), key=(0,))

    found = augment(images, chain, draws, mean=torch.zeros(3), std=torch.ones(3), seen_size=16) * 255

    crops = cut_and_resize(images, draws.boxes, torch.zeros(40), 16)
    spared = [number for number in range(40) if not changes_of(draws.pairs[number])]
    assert spared
    torch.testing.assert_close(found[spared], crops[spared].round(), rtol=0, atol=1e-4)


def test_fill_is_the_mean_colour_of_the_data_set():
    mean = (0.485, 0.456, 0.406)

    found = augmentation_for(DATA_SETS["imagenet"], 224, augment=True, cutout=0, auto_augment=True, mean=mean)

    assert found == Augmentation(0, True, 0, True, 0.0, True, (124, 116, 104))
    assert (
        augmentation_for(DATA_SETS["imagenet"], 224, augment=False, cutout=0, auto_augment=True, mean=mean)
        == Augmentation()
    )


def digits(batch_size=64, ranks=None, **values):
    config = resolve(
        "two-stage", method="bignas", data="digits", values={"auto_augment": True, "batch_size": batch_size, **values}
    )
    loaded = load_data(config, CPU)
    return open_stream(
        loaded.splits["train"], config, "train", augmentation=loaded.augmentation, **({"ranks": ranks} if ranks else {})
    )


def test_grey_images_in_memory_are_the_same_however_they_are_cut_into_batches_and_shares():
    whole, cut = digits(), digits(batch_size=32)
    assert isinstance(whole, BatchStream)

    expected, labels = whole.batch(3)

    assert torch.equal(torch.cat([cut.batch(6)[0], cut.batch(7)[0]]), expected)
    shares = [digits(ranks=Ranks(rank, 3)).batch(3) for rank in range(3)]
    assert torch.equal(torch.cat([images for images, _ in shares]), expected)
    assert torch.equal(digits().batch(3)[0], expected)  # Asked first, as after a resume.
    plain, same_labels = digits(auto_augment=False).batch(3)
    assert torch.equal(labels, same_labels)
    assert 0.5 < (plain != expected).flatten(1).any(1).float().mean() < 1
    again = whole.batch(3 + whole.steps_per_epoch)[0]
    assert not torch.equal(again, expected)
    assert not torch.equal(digits(seed=1).batch(3)[0], expected)


@pytest.fixture
def pictures(tmp_path):
    numbers = np.random.default_rng(0)
    for name in ("a", "b"):
        for place in range(20):
            path = tmp_path / "in" / name / f"{place:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.repeat(np.repeat(numbers.integers(0, 256, (5, 6, 3), dtype=np.uint8), 4, 0), 4, 1)
            Image.fromarray(pixels).save(path)
    return tmp_path / "in"


def of_files(root, data, workers=0, **values):
    known = {
        "image_size": 16,
        "auto_augment": True,
        "batch_size": 12,
        "validation_portion": 0.2,
        "workers": workers,
        "cutout": 4,
    }
    config = resolve("search", data=f"{data}:{root}", values={**known, "reading": "files", **values})
    loaded = load_data(config, CPU)
    return open_stream(loaded.splits["train"], config, "train", augmentation=loaded.augmentation)


def test_files_are_the_same_whoever_decodes_and_whatever_was_asked_before(pictures, tmp_path):
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet" / "train").symlink_to(pictures, target_is_directory=True)
    (tmp_path / "imagenet" / "val").symlink_to(pictures, target_is_directory=True)
    for root, data in ((pictures, "image-folder"), (tmp_path / "imagenet", "imagenet")):
        alone = of_files(root, data)
        expected = [alone.batch(step)[0] for step in (0, 1, 5)]
        many = of_files(root, data, workers=2)
        try:
            assert all(torch.equal(many.batch(step)[0], one) for step, one in zip((0, 1, 5), expected, strict=True))
        finally:
            many.close()
        without = of_files(root, data, auto_augment=False).batch(0)[0]
        assert (without != expected[0]).flatten(1).any(1).float().mean() > 0.5


def test_files_are_augmented_as_the_same_images_in_memory(pictures):
    from_files = of_files(pictures, "image-folder", color_jitter=0.3)
    plain = of_files(pictures, "image-folder", augment=False, cutout=0)
    chain = from_files._augmentation
    key = (from_files.order.seed, "train", 0)

    found = from_files.batch(1)[0]

    std, mean = (
        torch.tensor(values) for values in (plain.file_set.normalization.std, plain.file_set.normalization.mean)
    )
    bare = plain.batch(1)[0]
    squares = ((bare * std.view(3, 1, 1) + mean.view(3, 1, 1)) * 255).round().to(torch.uint8)
    draws = draw(chain, 12, (16, 16), key=key, start=12)
    assert chain.shift
    assert chain.flip
    torch.testing.assert_close(found, augment(squares, chain, draws, mean=mean, std=std), rtol=0, atol=1e-6)


def test_images_of_four_channels_are_refused(tmp_path):
    path = tmp_path / "four.npz"
    numbers = np.random.default_rng(0)
    np.savez(path, images=numbers.integers(0, 256, (60, 4, 8, 8), dtype=np.uint8), labels=np.arange(60) % 3)
    config = resolve("search", data=f"npz:{path}", values={"auto_augment": True})

    with pytest.raises(DataError, match=r"4 channels.*auto_augment"):
        load_data(config, CPU)


def test_words_are_a_function_of_key_and_number():
    words = pair_words(7, 10)

    np.testing.assert_array_equal(pair_words(7, 4, start=3), words[3:7])
    assert [int(below(7, 1, 25)[0])] == below_25(words[:1]).tolist()
    images = smooth_images(10)
    whole = auto_augmented(images, words, FILL)
    assert torch.equal(auto_augmented(images[4:], words[4:], FILL), whole[4:])
