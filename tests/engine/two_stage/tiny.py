"""A space of 1,024 networks that train in milliseconds, for tests of training and sampling. No test itself."""

from __future__ import annotations

from engine.config import resolve
from engine.subnets import space_from_json

DOCUMENT = {
    "schema": 1, "name": "tiny", "classes": 10, "resolution": [8, 12], "first": {"width": [4, 8], "stride": 1},
    "stages": [
        {"name": "mb1", "width": [8], "depth": [1, 2], "kernel_size": [3, 5], "expand_ratio": [1], "stride": 2, "squeeze_excite": False},
        {"name": "mb2", "width": [8, 16], "depth": [1, 2], "kernel_size": [3, 5], "expand_ratio": [2, 3, 4, 6], "stride": 2,
         "squeeze_excite": True},
    ],
    "last": {"width": [16, 32], "head": "v3", "expansion": 2},
}  # fmt: skip
TINY = space_from_json(DOCUMENT)


def config(method="bignas", **values):
    """Of a training on the digits that takes a second."""
    small = {
        "space": "tiny", "space_definition": DOCUMENT, "data": "digits", "image_size": 8, "limit_images": 96, "batch_size": 32,
        "epochs": 3, "learning_rate_warmup_epochs": 1, "calibration_images": 48, "calibration_batch_size": 24, "seed": 3, "threads": 1,
        "device": "cpu",
    }  # fmt: skip
    return resolve("two-stage", method=method, values={**small, **values})
