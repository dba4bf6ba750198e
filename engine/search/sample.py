"""A cell drawn at random: the baseline that a search must beat."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.genotype.genotype import INPUT_STATES, Cell, Edge, Genotype
from engine.genotype.primitives import DARTS_PRIMITIVES

_INPUTS_PER_NODE = 2


def random_genotype(
    generator: torch.Generator, nodes: int = 4, primitives: Sequence[str] = DARTS_PRIMITIVES
) -> Genotype:
    """A genotype drawn uniformly from those that a search can end in.

    Each node gets two different predecessors, every pair being equally likely, and each of both edges an operation
    other than ``none``, all equally likely. Only ``generator`` (on the CPU) is drawn from.

    Source: the random search of Li and Talwalkar, UAI 2019.
    """
    candidates = [name for name in primitives if name != "none"]
    normal, reduction = (_random_cell(generator, nodes, candidates) for _ in range(2))
    return Genotype(normal, reduction, primitives=tuple(primitives))


def _random_cell(generator: torch.Generator, nodes: int, candidates: Sequence[str]) -> Cell:
    drawn = []
    for node in range(nodes):
        order = torch.randperm(INPUT_STATES + node, generator=generator)
        choices = torch.randint(len(candidates), (_INPUTS_PER_NODE,), generator=generator)
        drawn.append(
            tuple(
                Edge(candidates[int(choice)], int(source))
                for source, choice in zip(order[:_INPUTS_PER_NODE], choices, strict=True)
            )
        )
    return Cell(tuple(drawn), tuple(range(INPUT_STATES, INPUT_STATES + nodes)))
