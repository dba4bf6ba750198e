"""What a search can be told: the switches that make DARTS, PC-DARTS, Beta-DARTS and random search one engine."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from engine.config.fields import CellNetworkConfig, misfit, refuse_endless_warmup, refuse_rising_rate, setting
from engine.genotype.spaces import SpaceError, space_primitives


class SearchConfig(CellNetworkConfig):
    """A search for a normal and a reduction cell."""

    kind: Literal["search"] = "search"
    method: str = setting(
        "darts", "Preset of switches: darts, darts-v2, pc-darts, beta-darts or random.", group="Method"
    )
    order: Literal[0, 1, 2] = setting(
        1, "Architecture gradient: 1 first order, 2 second order (unrolled), 0 none: the cell is drawn at random.",
        group="Method", source="DARTS section 2.3",
    )  # fmt: skip
    partial_channels: int = setting(
        1, "K: one of K parts of the channels goes through the mixed operation; 1 sends all.",
        group="Method", source="PC-DARTS section 3.2 (K=4 on CIFAR, 2 on ImageNet)", ge=1, le=64,
    )  # fmt: skip
    edge_normalization: bool = setting(
        False, "Give each edge a weight of its own (beta), normalized over a node's inputs.",
        group="Method", source="PC-DARTS section 3.3",
    )  # fmt: skip
    beta_decay: float = setting(
        0.0, "Largest weight of the beta-decay regularizer on the alphas; it grows from 0 over the epochs; 0 is off.",
        group="Method", source="Beta-DARTS section 3 (50)", ge=0, le=10_000,
    )  # fmt: skip
    warmup_epochs: int = setting(
        0,
        "Epochs at the start in which the alphas stay frozen.",
        group="Method",
        source="PC-DARTS section 4.1 (15 of 50)",
        ge=0,
    )
    alpha_learning_rate: float = setting(
        3e-4,
        "Learning rate of the alphas (Adam, betas 0.5 and 0.999).",
        group="Alphas",
        source="DARTS section 3.1",
        gt=0,
        le=10,
    )
    alpha_gradient_clip: float | None = setting(
        None, "Largest norm of the alphas' gradient (alphas and betas together); empty does not clip.",
        group="Alphas", source="PC-DARTS train_search_imagenet (5)", gt=0,
    )  # fmt: skip
    alpha_weight_decay: float = setting(
        1e-3, "Weight decay of the alphas, inside Adam.", group="Alphas", source="DARTS section 3.1", ge=0, le=1
    )
    train_portion: float = setting(
        0.5, "Share of the training split whose images train the weights; the rest trains the alphas.",
        group="Data", source="DARTS section 3.1", ge=0.1, le=0.9,
    )  # fmt: skip
    space: str = setting(
        "darts", "Primitives on an edge: darts (8), no-none (7), or names separated by commas.", group="Network",
        source="DARTS section 3.1",
    )  # fmt: skip
    nodes: int = setting(4, "Intermediate nodes of a cell.", group="Network", source="DARTS section 3.1", ge=1, le=8)

    second_order: Literal["finite-difference", "exact"] = setting(
        "finite-difference",
        "How order 2 gets its second derivative. finite-difference is the paper's. exact is double backpropagation, two to "
        "four times as slow, and another method in practice: the paper's difference crosses the kinks of ReLU and max pool, so that "
        "the two hardly agree.",
        group="Method", source="DARTS eq. 8",
    )  # fmt: skip
    supernet: Literal["fast", "reference"] = setting(
        "fast", "Which of two equal supernets computes: fast, or the textbook's, several times slower, to check against.",
        group="Machine",
    )  # fmt: skip
    activation_checkpointing: Literal["auto", "on", "off"] = setting(
        "auto", "Keep only each cell's inputs for the backward pass and compute the cell again: less than half of the memory, "
        "a third more time. auto turns it on where the memory would not do. Fast supernet only.",
        group="Machine",
    )  # fmt: skip
    cuda_graphs: bool = setting(
        False, "Record the steps once and replay them on an NVIDIA GPU, so that it need not wait for the processor; all but "
        "the alphas' step of order 2. Steps took a quarter to a third of the time on an H200; off, since one recording failed there.",
        group="Machine",
    )  # fmt: skip

    @field_validator("order", mode="before")
    @classmethod
    def _order_said_as_text(cls, value: Any) -> Any:
        # pydantic compares literals as they are, so that «2» from the command line would be none of 0, 1, 2.
        return int(value) if value in ("0", "1", "2") else value

    @field_validator("space")
    @classmethod
    def _known_space(cls, value: str) -> str:
        try:
            space_primitives(value)
        except SpaceError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.channels % self.partial_channels:
            lower = max(self.partial_channels, self.channels - self.channels % self.partial_channels)
            raise misfit(
                "channels",
                f"channels={self.channels} is no multiple of partial_channels={self.partial_channels}. Set channels to {lower}.",
            )
        if self.order and self.warmup_epochs >= self.epochs:
            raise misfit(
                "warmup_epochs",
                f"warmup_epochs={self.warmup_epochs} freezes the alphas for all {self.epochs} epochs. "
                f"Set warmup_epochs to {self.epochs - 1} or less, or raise epochs.",
            )
        if self.supernet == "reference" and self.activation_checkpointing == "on":
            raise misfit(
                "activation_checkpointing",
                "activation_checkpointing=on needs supernet=fast: the textbook's keeps everything.",
            )
        refuse_endless_warmup(self)
        refuse_rising_rate(self)
        return self

    @property
    def primitives(self) -> tuple[str, ...]:
        """The candidates of each edge, in the order of an alpha row."""
        return space_primitives(self.space)
