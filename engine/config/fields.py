"""What every kind of run can be told: one declaration a setting.

The declaration (type, range, default, one sentence, the paper it comes from) makes the check, the error text, the
help of the command line, the form in the window and the table in the docs. pydantic stays inside ``engine.config``.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

SCHEMA = 1
"""Version of ``config.json``; a newer one is refused by name, an older one is migrated."""

SEED_LIMIT = 2**31 - 1


def setting(default: Any, help: str, *, group: str, source: str | None = None, **checks: Any) -> Any:
    """A field with its one sentence of help, the group it stands under in a form, and where its value comes from."""
    extra: Any = {"group": group, "source": source}
    return Field(default, description=help, json_schema_extra=extra, **checks)


def misfit(field: str, sentence: str) -> PydanticCustomError:
    """The error of a check over several fields, raised in a model validator and shown beside ``field``."""
    return PydanticCustomError("misfit", "{sentence}", {"field": field, "sentence": sentence})


class RunConfig(BaseModel):
    """Settings that searches and retrainings share. Frozen: a changed configuration is a new object."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    kind: str
    data: str = setting(
        "digits", "Data set: a name such as digits or cifar10, or image-folder:FOLDER, npz:FILE.", group="Data"
    )
    image_size: int | None = setting(
        None, "Side in pixels that images are resized to; empty takes the data set's own.", group="Data", ge=8, le=512
    )
    limit_images: int | None = setting(
        None, "Use only this many training images, the same ones for one seed; empty uses all.", group="Data", ge=16
    )
    validation_portion: float = setting(
        0.15,
        "Share of the training images held out as validation split; 0 keeps none, as the papers do.",
        group="Data",
        ge=0.0,
        le=0.5,
    )
    augment: bool = setting(True, "Augment training images the way that suits the data set.", group="Data")
    cutout: int = setting(
        0, "Side in pixels of the square that cutout blanks in training images; 0 turns it off.",
        group="Data", source="DeVries and Taylor 2017; DARTS retrains with 16", ge=0, le=256,
    )  # fmt: skip
    epochs: int = setting(
        50, "Passes over the training images.", group="Schedule", source="DARTS section 3.1", ge=1, le=100_000
    )
    batch_size: int = setting(64, "Images a step.", group="Schedule", source="DARTS section 3.1", ge=2, le=65_536)
    learning_rate: float = setting(
        0.025, "Learning rate of the weights (SGD) at the start of its cosine schedule.",
        group="Weights", source="DARTS section 3.1", gt=0, le=100,
    )  # fmt: skip
    learning_rate_min: float = setting(
        0.0,
        "Learning rate that the cosine schedule runs down to.",
        group="Weights",
        source="DARTS train_search",
        ge=0,
        le=100,
    )
    momentum: float = setting(
        0.9, "Momentum of the weights' SGD.", group="Weights", source="DARTS section 3.1", ge=0, lt=1
    )
    weight_decay: float = setting(
        3e-4, "Weight decay of the weights.", group="Weights", source="DARTS section 3.1", ge=0, le=1
    )
    gradient_clip: float = setting(
        5.0,
        "Largest norm of the weights' gradient; a larger one is scaled down.",
        group="Weights",
        source="DARTS train_search",
        gt=0,
    )
    channels: int = setting(
        16, "Channels C of the first cell; each reduction doubles them.", group="Network", ge=2, le=1024
    )
    layers: int = setting(
        8, "Cells in the network; reductions stand at one and two thirds of the depth.",
        group="Network", source="DARTS section 3.1", ge=3, le=100,
    )  # fmt: skip
    seed: int = setting(
        0, "One number that governs every random choice of the run.", group="Machine", ge=0, le=SEED_LIMIT
    )
    device: str = setting("auto", "Where to compute: auto, cpu, cuda, cuda:N or mps.", group="Machine")
    threads: int | None = setting(
        None, "Processor threads for computing; empty leaves one core to the window.", group="Machine", ge=1, le=1024
    )
    precision: Literal["float32", "bfloat16"] = setting(
        "float32", "Number format of the weights' step; alphas are always float32.", group="Machine"
    )
    checkpoint_minutes: float = setting(
        10.0,
        "Minutes between checkpoints within an epoch; one is written at each epoch's end anyway.",
        group="Machine",
        gt=0,
    )

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
            raise ValueError(f"«{value}» is no device. Use auto, cpu, cuda, cuda:N or mps.")
        return value
