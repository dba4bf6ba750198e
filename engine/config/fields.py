"""What every kind of run can be told: one declaration a setting.

The declaration (type, range, default, one sentence, the paper it comes from) makes the check, the error text, the
help of the command line, the form in the window and the table in the docs. pydantic stays inside ``engine.config``.
"""

from __future__ import annotations

import re
from pathlib import Path
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
    """Settings that every kind of run has. Frozen: a changed configuration is a new object."""

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
    limit_portion: float | None = setting(
        None, "Use only this share of each class's training images, whatever their number; empty uses all.",
        group="Data", source="PC-DARTS section 4.3 (12.5 % of ImageNet: 10 % for the weights, 2.5 % for the alphas)", gt=0, le=1,
    )  # fmt: skip
    index_file: str | None = setting(
        None, "File that lists the training images to use and, for a search, which half each is in: made where it is missing, "
        "read where it is there, so that several runs share one subset.",
        group="Data",
    )  # fmt: skip
    reading: Literal["auto", "memory", "files"] = setting(
        "auto", "Where images of a folder wait: memory decodes all of them before the start, files decodes each when it is "
        "needed. auto takes files for ImageNet, and for any folder that would not fit in memory.",
        group="Data",
    )  # fmt: skip
    broken_images: Literal["stop", "skip"] = setting(
        "stop", "What an image file that cannot be decoded does: stop names it and ends, skip leaves it out and says so.",
        group="Data",
    )  # fmt: skip
    color_jitter: float = setting(
        0.0, "Largest change of brightness, contrast and saturation of training images, and half of it of the hue; 0 is off.",
        group="Data", source="DARTS train_imagenet (0.4)", ge=0, le=1,
    )  # fmt: skip
    auto_augment: bool = setting(
        False, "Change colours and shape of training images by the 25 pairs of operations of AutoAugment v0, one pair an image.",
        group="Data", source="Cubuk et al. 2019, the list of EfficientNet's code; AttentiveNAS, BigNAS",
    )  # fmt: skip
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
        0.025, "Learning rate of the weights (SGD) at the start of its schedule, after any warm-up.",
        group="Weights", source="DARTS section 3.1", gt=0, le=100,
    )  # fmt: skip
    learning_rate_min: float = setting(
        0.0,
        "Learning rate that the schedule runs down to.",
        group="Weights",
        source="DARTS train_search",
        ge=0,
        le=100,
    )
    learning_rate_warmup_epochs: int = setting(
        0, "Epochs in which the learning rate of the weights grows in equal parts to its full value.",
        group="Weights", source="PC-DARTS train_imagenet (5 where a batch has more than 256 images)", ge=0,
    )  # fmt: skip
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
    seed: int = setting(
        0, "One number that governs every random choice of the run.", group="Machine", ge=0, le=SEED_LIMIT
    )
    device: str = setting("auto", "Where to compute: auto, cpu, cuda, cuda:N or mps.", group="Machine")
    threads: int | None = setting(
        None, "Processor threads for computing; empty leaves one core to the window.", group="Machine", ge=1, le=1024
    )
    workers: int | None = setting(
        None, "Processes that decode image files while the network trains; 0 decodes in the run itself, empty takes one a "
        "processor core but one. Used where images are read from files.",
        group="Machine", ge=0, le=256,
    )  # fmt: skip
    memory_format: Literal["auto", "channels-last", "contiguous"] = setting(
        "auto", "Order of images in memory; the numbers are the same but for rounding. auto takes channels-last for a search, and for a "
        "retraining on a processor or in bfloat16.",
        group="Machine",
    )  # fmt: skip
    deterministic: bool = setting(
        False, "Let torch use only operations that give the same bits every time, and refuse those that cannot.", group="Machine"
    )  # fmt: skip
    sync_batch_norm: bool = setting(
        False, "With several processes, normalize over the batches of all of them together; else each over its own, as the papers.",
        group="Machine",
    )  # fmt: skip
    precision: Literal["float32", "bfloat16"] = setting(
        "float32", "Number format of the weights' step; a search's alphas are always float32.", group="Machine"
    )
    checkpoint_minutes: float = setting(
        10.0,
        "Minutes between checkpoints within an epoch; one is written at each epoch's end anyway.",
        group="Machine",
        gt=0,
    )

    @field_validator("index_file")
    @classmethod
    def _same_place_from_everywhere(cls, value: str | None) -> str | None:
        # A run may be resumed from another folder.
        return None if value is None else str(Path(value).expanduser().absolute())

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
            raise ValueError(f"«{value}» is no device. Use auto, cpu, cuda, cuda:N or mps.")
        return value


class CellNetworkConfig(RunConfig):
    """Settings of networks that are stacks of cells, which searches and retrainings of cells share."""

    network: Literal["auto", "cifar", "imagenet"] = setting(
        "auto", "Stem and auxiliary head: cifar keeps the image's size, imagenet halves it three times before the first cells. "
        "auto takes imagenet for images of 128 pixels and more.",
        group="Network", source="DARTS model.NetworkCIFAR and NetworkImageNet",
    )  # fmt: skip
    channels: int = setting(
        16, "Channels C of the first cell; each reduction doubles them.", group="Network", ge=2, le=1024
    )
    layers: int = setting(
        8, "Cells in the network; reductions stand at one and two thirds of the depth.",
        group="Network", source="DARTS section 3.1", ge=3, le=100,
    )  # fmt: skip


class OneNetworkConfig(RunConfig):
    """Settings of training one discrete network."""

    label_smoothing: float = setting(
        0.0,
        "Share of each label spread over all classes.",
        group="Weights",
        source="DARTS on ImageNet (0.1)",
        ge=0,
        lt=1,
    )
    learning_rate_schedule: Literal["cosine", "linear", "exponential"] = setting(
        "cosine", "How the learning rate runs down after any warm-up: cosine or linear to learning_rate_min, exponential by learning_rate_decay each epoch.",
        group="Weights", source="DARTS train (cosine), train_imagenet (exponential); PC-DARTS train_imagenet (linear)",
    )  # fmt: skip
    learning_rate_decay: float = setting(
        0.97, "Factor of the exponential schedule, once an epoch.", group="Weights", source="DARTS train_imagenet", gt=0, le=1
    )  # fmt: skip
    compile: bool = setting(
        False, "Compile the network with torch.compile: minutes at the start, then faster steps on a GPU.", group="Machine"
    )  # fmt: skip


def refuse_endless_warmup(config: RunConfig) -> None:
    """Raises the error of a warm-up of the learning rate that leaves no epoch to its schedule."""
    warmup = config.learning_rate_warmup_epochs
    if warmup >= config.epochs and warmup:
        raise misfit(
            "learning_rate_warmup_epochs",
            f"learning_rate_warmup_epochs={warmup} takes all {config.epochs} epochs. "
            f"Set it to {config.epochs - 1} or less, or raise epochs.",
        )


def refuse_rising_rate(config: RunConfig) -> None:
    """Raises the error of a schedule that would end above where it begins."""
    if config.learning_rate_min > config.learning_rate:
        raise misfit(
            "learning_rate_min",
            f"learning_rate_min={config.learning_rate_min:g} is above learning_rate={config.learning_rate:g}. Lower it.",
        )
