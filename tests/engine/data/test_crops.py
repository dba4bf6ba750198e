"""Random crops, evaluation squares and colour changes against torchvision's."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as vision

from engine.data.augment import Augmentation, augment, draw
from engine.data.crops import AREA, RATIO, WORDS, crop_boxes, crop_words, cut_and_resize, mirrored
from engine.data.decode import UndecodableError
from engine.data.jitter import jitter, jitter_factors
from engine.data.picture import square_of


def test_crops_cover_areas_and_ratios_as_torchvisions_do():
    count = 20_000
    boxes = crop_boxes(crop_words(3, count), np.full(count, 375), np.full(count, 500))
    share, ratio = boxes[:, 2] * boxes[:, 3] / (375 * 500), boxes[:, 3] / boxes[:, 2]

    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 0] + boxes[:, 2] <= 375).all()
    assert (boxes[:, 1] + boxes[:, 3] <= 500).all()
    assert share.min() > AREA[0] * 0.98
    assert RATIO[0] * 0.97 < ratio.min()
    assert ratio.max() < RATIO[1] * 1.03
    torch.manual_seed(0)
    image = torch.empty(1, 375, 500)
    theirs = np.array(
        [
            (p["top"], p["left"], p["height"], p["width"])
            for p in (v2.RandomResizedCrop(1).make_params([image]) for _ in range(3000))
        ]
    )
    for column in range(4):
        deviation = theirs[:, column].std() * math.sqrt(1 / 3000 + 1 / count)
        assert abs(boxes[:, column].mean() - theirs[:, column].mean()) < 5 * deviation
    assert abs(mirrored(crop_words(3, count)).mean() - 0.5) < 0.02


@pytest.mark.parametrize(("height", "width"), [(10, 400), (400, 10), (1, 1), (2, 3)])
def test_strips_that_no_crop_fits_give_the_central_one(height, width):
    # With every area and ratio at its largest no try fits a strip.
    words = np.full((1, WORDS), 2**64 - 1, dtype=np.uint64)

    top, left, high, wide = crop_boxes(words, np.array([height]), np.array([width]))[0]

    assert 0 < high <= height
    assert 0 < wide <= width
    assert 0 <= top <= height - high
    assert 0 <= left <= width - wide
    if width > 30:
        assert (high, wide, left) == (10, 13, 193)


def test_words_of_an_image_do_not_depend_on_which_others_are_asked_for():
    assert np.array_equal(crop_words(7, 20)[12:15], crop_words(7, 3, 12))


def test_all_crops_at_once_equal_torchvisions_one_by_one():
    images = torch.randint(0, 256, (6, 3, 50, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    boxes = torch.from_numpy(crop_boxes(crop_words(1, 6), np.full(6, 50), np.full(6, 64)))
    mirror = torch.tensor([0, 1, 0, 1, 0, 0])

    found = cut_and_resize(images, boxes, mirror, 24)

    for place in range(6):
        expected = vision.resized_crop(images[place].float(), *boxes[place].tolist(), [24, 24], antialias=True)
        expected = expected.flip(-1) if mirror[place] else expected
        torch.testing.assert_close(found[place], expected, rtol=0, atol=1e-3)


def test_colours_change_as_torchvisions_do():
    images = torch.rand(8, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    images[0] = images[0, :1]  # Grey.
    images[1] = 0
    factors = jitter_factors(0.4, 8, key=5)

    found = jitter(images, factors)

    for place, (brightness, contrast, saturation, hue) in enumerate(factors.tolist()):
        expected = vision.adjust_brightness(images[place], brightness)
        expected = vision.adjust_saturation(vision.adjust_contrast(expected, contrast), saturation)
        torch.testing.assert_close(found[place], vision.adjust_hue(expected, hue), rtol=0, atol=5e-6)
    many = jitter_factors(0.4, 5000, key=1)
    assert many[:, :3].min() >= 0.6
    assert many[:, :3].max() <= 1.4
    assert many[:, 3].abs().max() <= 0.2
    assert many.std(dim=0).tolist() == pytest.approx([0.8 / 12**0.5] * 3 + [0.4 / 12**0.5], rel=0.03)


def test_grey_images_are_jittered_in_brightness_and_contrast():
    images = torch.rand(4, 1, 6, 6)
    assert jitter(images, jitter_factors(0.5, 4, key=1)).shape == images.shape


def test_a_batch_in_memory_is_cropped_jittered_and_normalized():
    images = torch.full((5, 3, 20, 20), 255, dtype=torch.uint8)
    way = Augmentation(flip=True, random_crop=True)
    drawn = draw(way, 5, (20, 20), key=(0, "x", 0), seen_size=16)

    found = augment(images, way, drawn, mean=torch.full((3,), 0.5), std=torch.full((3,), 0.25), seen_size=16)

    torch.testing.assert_close(found, torch.full((5, 3, 16, 16), 2.0), rtol=0, atol=1e-4)
    later = draw(way, 2, (20, 20), key=(0, "x", 0), start=3, seen_size=16)
    assert torch.equal(later.boxes, drawn.boxes[3:])
    assert torch.equal(later.flip, drawn.flip[3:])


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photograph(width=90, height=70):
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def test_an_evaluation_sees_what_torchvisions_resize_and_centre_crop_give():
    image = photograph()
    expected = vision.center_crop(vision.resize(vision.pil_to_tensor(image), [37], antialias=True), [32, 32])

    assert torch.equal(square_of(encoded(image, "PNG"), 32, "centre"), expected)


def test_a_training_crop_is_torchvisions_of_the_same_box():
    image = photograph()
    for number in range(20):
        words = crop_words(2, 1, number)[0]
        box = crop_boxes(words[None], np.array([70]), np.array([90]))[0].tolist()
        expected = vision.resized_crop(vision.pil_to_tensor(image), *box, [32, 32], antialias=True)
        expected = expected.flip(-1) if mirrored(words[None])[0] else expected

        assert torch.equal(square_of(encoded(image, "PNG"), 32, "crop", words, flip=True), expected)


ODD = {
    "grey": lambda image: encoded(image.convert("L")),
    "cmyk": lambda image: encoded(image.convert("CMYK"), quality=95),
    "png named jpeg": lambda image: encoded(image, "PNG"),
    "16 bit": lambda image: encoded(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG"),
    "animated": lambda image: encoded(image.convert("P"), "GIF", save_all=True, append_images=[image.convert("P")]),
    "transparent": lambda image: encoded(image.convert("RGBA"), "PNG"),
    "large": lambda image: encoded(image.resize((900, 700))),
    "plain": lambda image: encoded(image, quality=95),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_files_look_as_the_picture_they_hold(kind):
    image = photograph()
    shown = image.convert("L").convert("RGB") if kind in ("grey", "16 bit") else image
    words = crop_words(4, 1)[0]

    for way in ("centre", "crop"):
        found = square_of(ODD[kind](image), 32, way, words, flip=True).float()
        expected = square_of(encoded(shown, "PNG"), 32, way, words, flip=True).float()
        assert (found - expected).abs().mean() < 6


def test_a_picture_turned_by_exif_is_upright_before_it_is_cut():
    image = photograph()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(image.transpose(Image.Transpose.ROTATE_90), quality=95, exif=exif)

    for way in ("centre", "crop"):
        words = crop_words(4, 1)[0]
        found, expected = square_of(turned, 32, way, words), square_of(encoded(image, "PNG"), 32, way, words)
        assert (found.float() - expected.float()).abs().mean() < 4


def test_what_is_cut_off_or_no_picture_is_told():
    content = encoded(photograph())
    for broken in (content[: len(content) // 2], b"GIF89a", b"hello"):
        with pytest.raises(UndecodableError):
            square_of(broken, 16, "centre")
