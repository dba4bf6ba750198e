"""The vectorized augmentation against a slow one, image by image, as the DARTS code does it."""

import numpy as np
import pytest
import torch

from engine.config import DATA_SETS
from engine.data.augment import Augmentation, augment, augmentation_for, draw, normalize

MEAN, STD = torch.tensor([0.49, 0.48, 0.45]), torch.tensor([0.25, 0.24, 0.26])


def one_by_one(images, augmentation, draws, mean, std):
    found = []
    for place, image in enumerate(images.numpy()):
        channels, height, width = image.shape
        shift = augmentation.shift
        canvas = np.zeros((channels, height + 2 * shift, width + 2 * shift), dtype=np.uint8)
        canvas[:, shift : shift + height, shift : shift + width] = image
        top, left = int(draws.down[place]), int(draws.right[place])
        crop = canvas[:, top : top + height, left : left + width]
        if augmentation.flip and draws.flip[place]:
            crop = crop[:, :, ::-1]
        pixels = (crop.astype(np.float32) / 255 - mean.numpy()[:, None, None]) / std.numpy()[:, None, None]
        if augmentation.cutout:
            mask = np.ones((height, width), np.float32)
            y, x = int(draws.centre_y[place]), int(draws.centre_x[place])
            half = augmentation.cutout // 2
            mask[np.clip(y - half, 0, height) : np.clip(y - half + augmentation.cutout, 0, height),
                 np.clip(x - half, 0, width) : np.clip(x - half + augmentation.cutout, 0, width)] = 0  # fmt: skip
            pixels = pixels * mask
        found.append(pixels)
    return torch.from_numpy(np.stack(found))


def random_images(count=40, channels=3, size=(12, 10)):
    return torch.randint(
        0, 256, (count, channels, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(shift=2), Augmentation(flip=True), Augmentation(cutout=4), Augmentation(cutout=5),
        Augmentation(shift=4, flip=True, cutout=6), Augmentation(),
    ],
)  # fmt: skip
def test_batch_equals_the_images_one_by_one(augmentation):
    images = random_images()
    draws = draw(augmentation, 40, (12, 10), key=(1, "train", 0))

    found = augment(images, augmentation, draws, mean=MEAN, std=STD)

    torch.testing.assert_close(found, one_by_one(images, augmentation, draws, MEAN, STD), rtol=0, atol=1e-6)
    assert found.is_contiguous()
    assert torch.equal(images, random_images())  # Left as they were.


def test_shifts_reach_every_offset_alike_and_never_further():
    draws = draw(Augmentation(shift=4), 81_000, (32, 32), key=(0,))

    counts = torch.bincount(draws.down * 9 + draws.right, minlength=81)

    assert len(counts) == 81
    assert ((counts - 1000) ** 2 / 1000).sum() < 80 + 6 * 160**0.5


def test_half_of_the_images_are_mirrored():
    draws = draw(Augmentation(flip=True), 10_000, (8, 8), key=(0,))

    assert abs(draws.flip.sum().item() - 5000) < 300  # Six deviations.


def test_cutout_centres_are_uniform_and_squares_are_clipped_to_the_image():
    augmentation = Augmentation(cutout=16)
    draws = draw(augmentation, 2000, (32, 32), key=(0,))
    images = torch.full((2000, 1, 32, 32), 255, dtype=torch.uint8)

    blank = augment(images, augmentation, draws, mean=torch.zeros(1), std=torch.ones(1)) == 0

    # Rows blanked from centre y: y-8..y+7 within 0..31; 8 to 15, 17 times 16, 15 to 9: 448 / 32 = 14.
    rows = blank.any(3).sum(2).float()
    assert rows.min() == 8
    assert rows.max() == 16
    assert rows.mean().item() == pytest.approx(14.0, abs=0.4)
    assert torch.equal(blank.sum((1, 2, 3)).float(), rows[:, 0] * blank.any(2).sum(2).float()[:, 0])


def test_normalize_gives_zero_mean_and_unit_deviation():
    images = random_images(500)
    scaled = images.double() / 255

    found = normalize(images, scaled.mean((0, 2, 3)).float(), scaled.std((0, 2, 3), correction=0).float())

    torch.testing.assert_close(found.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_digits_are_only_shifted_by_a_pixel():
    assert augmentation_for(DATA_SETS["digits"], 8, augment=True, cutout=0) == Augmentation(shift=1)


def test_cifar_is_augmented_as_in_the_papers():
    assert augmentation_for(DATA_SETS["cifar10"], 32, augment=True, cutout=16) == Augmentation(4, True, 16)


def test_shift_grows_with_the_image_and_augment_false_turns_all_off():
    assert augmentation_for(DATA_SETS["image-folder"], 64, augment=True, cutout=0).shift == 8
    assert augmentation_for(DATA_SETS["cifar10"], 32, augment=False, cutout=16) == Augmentation()
