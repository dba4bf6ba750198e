"""What the training of one sub-network can be told: from scratch, or fine-tuned from its supernet."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from engine.config.fields import OneNetworkConfig, misfit, refuse_endless_warmup, refuse_rising_rate, setting
from engine.errors import NascopeError
from engine.subnets import Architecture, architecture_from_json


class SubnetConfig(OneNetworkConfig):
    """The training of one sub-network of a two-stage space as a network of its own."""

    kind: Literal["subnet"] = "subnet"
    architecture: dict[str, Any] = Field(description="The sub-network, as a record.")
    supernet_run: str | None = Field(
        None, description="Folder of the two-stage run whose weights it begins with; None begins anew."
    )
    split_fingerprint: str | None = Field(
        None, description="Fingerprint of that run's splits, checked before training."
    )
    nesterov: bool = setting(True, "Nesterov's momentum.", group="Weights", source="AttentiveNAS")
    decay_norms_and_biases: bool = setting(
        False, "Weight decay on batch norms and biases too.", group="Weights", source="AttentiveNAS: none"
    )  # fmt: skip
    dropout: float = setting(0.2, "Dropout before the classifier.", group="Network", source="BigNAS", ge=0, lt=1)
    drop_connect: float = setting(
        0.2, "Drop connect of the last block's branch, less in earlier ones.", group="Network", source="BigNAS", ge=0, lt=1
    )  # fmt: skip
    drop_connect_stages: Literal["last-two", "all"] = setting(
        "last-two", "Stages whose blocks have drop connect.", group="Network", source="AttentiveNAS (last two)"
    )  # fmt: skip
    initialization: Literal["default", "he-fan-out"] = setting(
        "default", "How weights begin where they begin anew: as torch does, or normal with the variance 2 over the fan-out.",
        group="Network", source="AttentiveNAS (default), BigNAS section 3.2 (He)",
    )  # fmt: skip
    zero_gamma: bool = setting(
        True, "Begin the last batch norm of every block at 0, where weights begin anew.", group="Network", source="BigNAS section 3.2"
    )  # fmt: skip

    @field_validator("architecture")
    @classmethod
    def _is_a_subnet(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            return architecture_from_json(value).as_json()
        except NascopeError as error:
            raise misfit("architecture", str(error)) from None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_endless_warmup(self)
        refuse_rising_rate(self)
        return self

    def the_architecture(self) -> Architecture:
        """The sub-network."""
        return architecture_from_json(self.architecture)
