"""What a retraining can be told: the discrete network of a genotype, trained from scratch."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from engine.config.fields import CellNetworkConfig, OneNetworkConfig, refuse_endless_warmup, refuse_rising_rate, setting


class RetrainConfig(CellNetworkConfig, OneNetworkConfig):
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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_endless_warmup(self)
        refuse_rising_rate(self)
        return self
