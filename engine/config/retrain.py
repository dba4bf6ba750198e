"""What a retraining can be told: the discrete network of a genotype, trained from scratch."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from engine.config.fields import RunConfig, misfit, refuse_endless_warmup, setting


class RetrainConfig(RunConfig):
    """A retraining of the network that a genotype describes. Defaults are the DARTS paper's for CIFAR-10."""

    kind: Literal["retrain"] = "retrain"
    genotype: dict[str, Any] = Field(description="The cells to build, as genotype JSON.")
    search_run: str | None = Field(None, description="Folder of the search that the genotype comes from.")
    split_fingerprint: str | None = Field(
        None, description="Fingerprint of that search's splits, checked before training."
    )
    auxiliary: bool = setting(
        False,
        "Add the auxiliary head at two thirds of the depth while training.",
        group="Network",
        source="DARTS section 3.2",
    )
    auxiliary_weight: float = setting(
        0.4, "Weight of the auxiliary head's loss.", group="Network", source="DARTS section 3.2", ge=0, le=10
    )
    drop_path: float = setting(
        0.2, "Drop path probability in the last epoch; it grows from 0 over the epochs.",
        group="Network", source="DARTS section 3.2 (0.2), PC-DARTS (0.3)", ge=0, lt=1,
    )  # fmt: skip
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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_endless_warmup(self)
        if self.learning_rate_min > self.learning_rate:
            raise misfit(
                "learning_rate_min",
                f"learning_rate_min={self.learning_rate_min:g} is above learning_rate={self.learning_rate:g}. Lower it.",
            )
        return self
