"""A two-stage run of a few seconds, really trained, for tests of what is done with one of its sub-networks. No test itself."""

from __future__ import annotations

from engine.config import resolve
from engine.execution.execute import execute
from engine.runs import RunFolder
from engine.subnets import space_from_json

DOCUMENT = {
    "schema": 1, "name": "tiny", "classes": 10, "resolution": [8, 11], "first": {"width": [8, 16], "stride": 1},
    "stages": [
        {"name": "mb1", "width": [8, 16], "depth": [1, 2], "kernel_size": [3, 5], "expand_ratio": [1], "stride": 2, "squeeze_excite": False},
        {"name": "mb2", "width": [16, 24], "depth": [1, 2], "kernel_size": [3, 5], "expand_ratio": [2, 3], "stride": 2, "squeeze_excite": True},
    ],
    "last": {"width": [32, 48], "head": "v3", "expansion": 2},
}  # fmt: skip
TINY = space_from_json(DOCUMENT)


def config(**values):
    return resolve("two-stage", method="bignas", data="digits", values={
        "space": "tiny", "space_definition": DOCUMENT, "image_size": 8, "limit_images": 300, "epochs": 2, "learning_rate_warmup_epochs": 0,
        "calibration_images": 150, "calibration_batch_size": 50, "seed": 3, "threads": 1, "device": "cpu", "validation_networks": 0, **values,
    })  # fmt: skip


def trained(path):
    """The folder of a run that has finished."""
    folder = RunFolder.create(path, config())
    assert execute(folder).state == "finished"
    return folder
