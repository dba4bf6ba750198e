"""What stands before the first cell and behind the last: stems, the classifier, the auxiliary head."""

from __future__ import annotations

from engine.cost.layers import Cost, convolution, halved, linear, relu
from engine.cost.settings import NetworkSettings
from engine.errors import ConfigError, Fault

CIFAR_STEM_MULTIPLIER = 3
"""The stem for small images gives this many times the channels of the first cell; so does the ImageNet stem of a search."""

_AUXILIARY_CHANNELS = (128, 768)


def stem_channels(settings: NetworkSettings, *, search: bool = False) -> tuple[int, int]:
    """Channels of the two images that the first cell gets.

    Source: DARTS, model.NetworkCIFAR and NetworkImageNet; PC-DARTS, model_search_imagenet.Network for the search.
    """
    wide = search or settings.network == "cifar"
    channels = settings.channels * (CIFAR_STEM_MULTIPLIER if wide else 1)
    return channels, channels


def stem_cost(settings: NetworkSettings, *, search: bool = False) -> Cost:
    """The stem; its batch norms have a scale and a shift in a search as well."""
    channels, _ = stem_channels(settings, search=search)
    if settings.network == "cifar":
        return convolution(settings.image_channels, channels, (3, 3), settings.image_size**2, affine=True)
    half, first = halved(settings.image_size), halved(halved(settings.image_size))
    return (
        convolution(settings.image_channels, channels // 2, (3, 3), half**2, affine=True)
        + relu(channels // 2, half**2)
        + convolution(channels // 2, channels, (3, 3), first**2, affine=True)
        + relu(channels, first**2)
        + convolution(channels, channels, (3, 3), halved(first) ** 2, affine=True)
    )


def classifier_cost(channels: int, classes: int) -> Cost:
    """The linear layer behind the global mean of the last cell's output."""
    return linear(channels, classes)


def auxiliary_cost(settings: NetworkSettings, channels: int, side: int) -> Cost:
    """The auxiliary head on features of this many channels and pixels a side. It works while training only.

    On ImageNet no batch norm follows the last convolution (DARTS, model.AuxiliaryHeadImageNet).

    Raises:
        ConfigError: features that its 2×2 convolution does not fit.
    """
    is_cifar = settings.network == "cifar"
    pooled = (side - 5) // (3 if is_cifar else 2) + 1
    if pooled != 2:
        wanted = "8 to 10" if is_cifar else "7 or 8"
        images = "29 to 40 pixels (32 in the papers)" if is_cifar else "193 to 256 pixels (224 in the papers)"
        fault = f"the auxiliary head needs features of {wanted} pixels a side, found {side}."
        raise ConfigError([Fault("auxiliary", fault, f"Leave auxiliary off, or use images of {images}.")])
    middle, last = _AUXILIARY_CHANNELS
    return (
        relu(channels, side**2)
        + convolution(channels, middle, (1, 1), pooled**2, affine=True)
        + relu(middle, pooled**2)
        + convolution(middle, last, (2, 2), 1, affine=True if is_cifar else None)
        + relu(last, 1)
        + linear(last, settings.classes)
    )
