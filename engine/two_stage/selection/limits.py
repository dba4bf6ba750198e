"""The budget of a selection: upper limits of what a sub-network may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from engine.cost.quantities import bytes_in_words
from engine.errors import NascopeError


class Costs(Protocol):
    """What limits are compared with: ``engine.cost.subnets.SubnetCost``, a measured network."""

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""

    @property
    def parameters(self) -> int:
        """Weights, scales, shifts and biases."""

    @property
    def memory_bytes(self) -> int:
        """Of a pass of one image in float32."""


@dataclass(frozen=True)
class Limits:
    """Upper limits, inclusive; None limits nothing.

    Attributes:
        macs: multiply-adds for one image.
        parameters: weights, scales, shifts and biases.
        memory_bytes: of a pass of one image.
        latency_ms: of a pass of one image on this device; measured, so nothing in this package can tell it beforehand.
    """

    macs: int | None = None
    parameters: int | None = None
    memory_bytes: int | None = None
    latency_ms: float | None = None

    def allow(self, cost: Costs) -> bool:
        """Whether a network keeps to all limits but that of latency."""
        return (
            (self.macs is None or cost.macs <= self.macs)
            and (self.parameters is None or cost.parameters <= self.parameters)
            and (self.memory_bytes is None or cost.memory_bytes <= self.memory_bytes)
        )

    def as_json(self) -> dict[str, float | int]:
        """The limits that there are."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def refuse_below(self, smallest: Costs, *, names: Mapping[str, str] | None = None) -> None:
        """Refuse limits that not even the smallest network keeps to.

        Args:
            names: how messages name a limit: ``{"macs": "--macs 1k"}``; default the field.

        Raises:
            NascopeError: with what the smallest network takes.
        """
        found = (
            ("macs", smallest.macs, f"has {smallest.macs:,} multiply-adds", "{:d}"),
            ("parameters", smallest.parameters, f"has {smallest.parameters:,} parameters", "{:d}"),
            ("memory_bytes", smallest.memory_bytes, f"takes {bytes_in_words(smallest.memory_bytes)} of memory", "{:d}B"),
        )  # fmt: skip
        for field, least, sentence, form in found:
            limit = getattr(self, field)
            if limit is not None and limit < least:
                raise NascopeError(
                    f"the smallest network {sentence}.", where=(names or {}).get(field, field), mend=f"Use {form.format(least)} or more."
                )  # fmt: skip
