"""What the training of a two-stage supernet can be told: BigNAS and AttentiveNAS as switches of one engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine.config.fields import RunConfig, misfit, refuse_endless_warmup, refuse_rising_rate, setting
from engine.errors import NascopeError
from engine.subnets import Space, space_from_json, space_named, space_names
from engine.subnets.read import read_space


class TwoStageConfig(RunConfig):
    """The training of one weight-sharing supernet, from which sub-networks are chosen afterwards (``nascope select``)."""

    kind: Literal["two-stage"] = "two-stage"
    method: str = setting("bignas", "Preset of switches: bignas or attentive-nas.", group="Method")
    space: str = setting(
        "laptop", f"Space of sub-networks: {', '.join(space_names())}, or a JSON file of one.", group="Method",
        source="AttentiveNAS table of its search space; BigNAS",
    )  # fmt: skip
    space_definition: dict[str, Any] | None = Field(None, description="A space that does not ship, as JSON.")
    networks_per_step: int = setting(
        4, "Sandwich rule: networks that each step trains, the biggest, the smallest and the rest sampled; their gradients add up.",
        group="Method", source="Yu and Huang 2019; BigNAS section 3.1, AttentiveNAS (4)", ge=2, le=32,
    )  # fmt: skip
    distillation: bool = setting(
        True, "In-place distillation: all but the biggest network learn the biggest one's soft labels; off, all learn the true labels.",
        group="Method", source="BigNAS section 3.1",
    )  # fmt: skip
    clean_teacher: bool = setting(
        False, "Take the soft labels from a pass of their own without dropout; one more pass a step. The public code takes them from the "
        "training pass.",
        group="Method", source="nascope",
    )  # fmt: skip
    sampling: Literal["uniform", "best-up", "worst-up"] = setting(
        "uniform", "Which networks are sampled: uniform draws each choice alone; best-up and worst-up draw a number of multiply-adds, then "
        "candidates near it, and train the one that scores best or worst.",
        group="Method", source="BigNAS (uniform); AttentiveNAS section 3.2 and 3.3 (best-up, worst-up)",
    )  # fmt: skip
    candidates: int = setting(
        3, "Candidates k of best-up and worst-up.", group="Method", source="AttentiveNAS (3 by loss, 50 by predictor)", ge=2, le=1000
    )  # fmt: skip
    score: Literal["loss", "predictor"] = setting(
        "loss", "What best-up and worst-up go by: the loss on the batch at hand, or a predictor of accuracy that is fitted while training.",
        group="Method", source="AttentiveNAS section 3.4",
    )  # fmt: skip
    predictor_networks: int = setting(
        64, "Networks that are measured on the validation split to fit the predictor, at three points of the training.",
        group="Method", source="nascope", ge=8, le=4096,
    )  # fmt: skip
    macs_prior: Literal["sampled", "flat"] = setting(
        "sampled", "How best-up and worst-up draw the number of multiply-adds: as often as uniform sampling meets it, or each range equally.",
        group="Method", source="AttentiveNAS section 3.2",
    )  # fmt: skip
    optimizer: Literal["sgd", "rmsprop"] = setting(
        "sgd", "Optimizer of the shared weights.", group="Weights", source="AttentiveNAS (SGD), BigNAS (RMSProp)"
    )  # fmt: skip
    nesterov: bool = setting(True, "Nesterov's momentum, of SGD.", group="Weights", source="AttentiveNAS")
    learning_rate_schedule: Literal["cosine", "exponential"] = setting(
        "cosine", "How the learning rate runs down, step by step: cosine to learning_rate_min, or exponential down to learning_rate_floor.",
        group="Weights", source="AttentiveNAS (cosine), BigNAS section 3.2 (exponential, then constant)",
    )  # fmt: skip
    learning_rate_decay: float = setting(
        0.97, "Factor of the exponential schedule every learning_rate_decay_epochs.", group="Weights", source="BigNAS", gt=0, le=1
    )  # fmt: skip
    learning_rate_decay_epochs: float = setting(
        2.4, "Epochs in which the exponential schedule falls by its factor.", group="Weights", source="BigNAS", gt=0, le=1000
    )  # fmt: skip
    learning_rate_floor: float = setting(
        0.05, "Share of the learning rate at which the exponential schedule stays constant.", group="Weights",
        source="BigNAS section 3.2: constant ending", ge=0, le=1,
    )  # fmt: skip
    gradient_clip: float = setting(
        5.0, "Bound of the weights' gradient: of each element, or of its norm, as gradient_clip_by says.", group="Weights",
        source="AttentiveNAS (1)", gt=0,
    )  # fmt: skip
    gradient_clip_by: Literal["value", "norm"] = setting(
        "value", "Whether gradient_clip bounds each element of the gradient, or its norm.", group="Weights",
        source="AttentiveNAS (value 1)",
    )  # fmt: skip
    decay_norms_and_biases: bool = setting(
        False, "Weight decay on batch norms and biases too.", group="Weights", source="AttentiveNAS: none"
    )  # fmt: skip
    label_smoothing: float = setting(
        0.1, "Share of each label spread over all classes.", group="Weights", source="AttentiveNAS, BigNAS (0.1)", ge=0, lt=1
    )  # fmt: skip
    dropout: float = setting(
        0.2, "Dropout before the classifier, of the biggest network only.", group="Network", source="BigNAS section 3.2", ge=0, lt=1
    )  # fmt: skip
    drop_connect: float = setting(
        0.2, "Drop connect of the last block's branch, less in earlier ones, of the biggest network only.", group="Network",
        source="BigNAS section 3.2", ge=0, lt=1,
    )  # fmt: skip
    drop_connect_stages: Literal["last-two", "all"] = setting(
        "last-two", "Stages whose blocks have drop connect.", group="Network", source="AttentiveNAS (last two)"
    )  # fmt: skip
    initialization: Literal["default", "he-fan-out"] = setting(
        "default", "How weights begin: as torch does, or normal with the variance 2 over the fan-out.", group="Network",
        source="AttentiveNAS (default), BigNAS section 3.2 (He)",
    )  # fmt: skip
    zero_gamma: bool = setting(
        True, "Begin the last batch norm of every block at 0, so that each block begins as its shortcut.", group="Network",
        source="BigNAS section 3.2",
    )  # fmt: skip
    calibration_images: int = setting(
        4096, "Training images that batch-norm statistics of a sub-network are measured on before it is evaluated.",
        group="Data", source="AttentiveNAS (32 to 64 batches)", ge=16, le=1_000_000,
    )  # fmt: skip
    calibration_batch_size: int = setting(
        256, "Images a batch of that measurement.", group="Data", source="AttentiveNAS", ge=8, le=65_536
    )  # fmt: skip
    validation_networks: int = setting(
        2, "Sampled networks, always the same, that are measured after each epoch beside the biggest and the smallest.",
        group="Schedule", source="nascope", ge=0, le=64,
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _take_in_space(cls, values: Any) -> Any:
        """The space of a file is kept in the configuration: a run explains itself, and may be resumed anywhere."""
        if not isinstance(values, dict) or values.get("space_definition") is not None:
            return values
        named = values.get("space")
        if not isinstance(named, str) or named in space_names() or not Path(named).expanduser().is_file():
            return values
        try:
            found = read_space(Path(named).expanduser())
        except NascopeError as error:
            raise _space_fault(error) from None
        return {**values, "space": found.name, "space_definition": found.as_json()}

    @field_validator("space_definition")
    @classmethod
    def _is_a_space(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            return None if value is None else space_from_json(value).as_json()
        except NascopeError as error:
            raise _space_fault(error) from None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.space_definition is None:
            try:
                space_named(self.space)
            except NascopeError as error:
                raise misfit("space", f"{error.what} {error.mend}") from None
        if self.validation_portion == 0 and self.data.partition(":")[0] != "image-folder":
            raise misfit(
                "validation_portion", "validation_portion=0 leaves no images to choose sub-networks by. Set it to 0.02 or more."
            )  # fmt: skip
        if self.score == "predictor" and self.sampling == "uniform":
            raise misfit(
                "score", "score=predictor has nothing to score: sampling=uniform draws no candidates. Set sampling to best-up or worst-up."
            )  # fmt: skip
        refuse_endless_warmup(self)
        refuse_rising_rate(self)
        return self

    def the_space(self) -> Space:
        """The space, for its own number of classes; ``with_classes`` fits it to a data set."""
        return space_from_json(self.space_definition) if self.space_definition is not None else space_named(self.space)


def _space_fault(error: NascopeError) -> PydanticCustomError:
    return misfit("space", str(error))
