"""Where a stack of cells reduces the resolution and where the auxiliary head stands (DARTS, model.NetworkCIFAR)."""

from __future__ import annotations


def reduction_places(layers: int) -> frozenset[int]:
    """Indices of the reduction cells: at one and two thirds of the depth (2 and 5 of 8, 6 and 13 of 20)."""
    return frozenset({layers // 3, 2 * layers // 3})


def auxiliary_place(layers: int) -> int:
    """Index of the cell whose output the auxiliary head reads: the second reduction."""
    return 2 * layers // 3
