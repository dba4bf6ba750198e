"""Where a stack of cells reduces the resolution and where the auxiliary head stands."""

from __future__ import annotations

from engine.genotype.stack import auxiliary_place, reduction_places

__all__ = ["auxiliary_place", "reduction_places"]
