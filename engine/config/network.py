"""Which of the papers' two networks a run builds: the one for small images, or the one for ImageNet. No torch."""

from __future__ import annotations

from typing import Literal

NetworkKind = Literal["cifar", "imagenet"]
"""Which stem and auxiliary head: of DARTS' NetworkCIFAR or NetworkImageNet."""

IMAGENET_FROM = 128
"""Images of this side in pixels and more get the ImageNet stem where the setting leaves it open."""


def network_kind(setting: str, image_size: int) -> NetworkKind:
    """What the setting ``network`` (auto, cifar or imagenet) means for square images of this side in pixels.

    Raises:
        ValueError: another word.
    """
    match setting:
        case "auto":
            return "imagenet" if image_size >= IMAGENET_FROM else "cifar"
        case "cifar":
            return "cifar"
        case "imagenet":
            return "imagenet"
    raise ValueError(f"network={setting!r}")
