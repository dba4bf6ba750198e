"""The discretization gap: how much accuracy the supernet loses when its mixture is cut down to the chosen cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.distributed import ALONE, Ranks
from engine.errors import GenotypeError
from engine.genotype.discretize import edge_index, edge_list
from engine.genotype.genotype import Cell, Genotype
from engine.supernet import Supernet
from engine.supernet.cell import CellWeights

Batches = Iterable[tuple[Tensor, Tensor]]
"""Images (N, C, H, W) and labels (N,), on the supernet's device."""


def one_hot_weights(cell: Cell, primitives: Sequence[str], like: Tensor) -> CellWeights:
    """Weights with which a supernet's cell computes what the discrete cell computes.

    A kept edge has weight 1 on its operation and weight 1 as an edge, everything else 0, so a node is the plain sum of
    its operations as in the network that is retrained. Betas take no part: they chose the edges and are gone after
    that. An edge kept twice in one node counts twice.

    Args:
        like: alphas, for device and number format.

    Returns:
        ``operations`` (edges, primitives) and ``edges`` (edges,).

    Raises:
        GenotypeError: the cell uses a primitive that is no candidate.
    """
    count = len(edge_list(len(cell.nodes)))
    operations = torch.zeros(count, len(primitives), device=like.device, dtype=like.dtype)
    for node, _, edge in cell.edges():
        if edge.primitive not in primitives:
            raise GenotypeError(
                f"node {node}: «{edge.primitive}» is no candidate of this supernet.",
                mend=f"It has {', '.join(primitives)}.",
            )
        operations[edge_index(edge.source, node), primitives.index(edge.primitive)] += 1
    return CellWeights(operations, (operations.sum(dim=1) > 0).to(like.dtype))


@contextmanager
def discretized(supernet: Supernet, genotype: Genotype) -> Iterator[Supernet]:
    """Within the block the supernet computes with the genotype's operations instead of its alphas and betas.

    Raises:
        GenotypeError: the genotype has other nodes or primitives than the supernet.
    """
    for kind in ("normal", "reduction"):
        cell = genotype.normal if kind == "normal" else genotype.reduction
        if len(cell.nodes) != supernet.nodes:
            raise GenotypeError(
                f"{kind}: {len(cell.nodes)} nodes do not fit a supernet of {supernet.nodes}.",
                mend="Use a genotype from the same space.",
            )
    normal = one_hot_weights(genotype.normal, supernet.primitives, supernet.normal_alphas)
    reduction = one_hot_weights(genotype.reduction, supernet.primitives, supernet.reduction_alphas)
    with supernet.operation_weights(normal, reduction):
        yield supernet


@dataclass(frozen=True)
class Gap:
    """Shares of the images (0 to 1) that a supernet gets right.

    Attributes:
        soft: with its mixture.
        discrete: cut down to a genotype, with the mixture's batch-norm statistics.
        recalibrated: cut down, with statistics measured anew.
    """

    soft: float
    discrete: float
    recalibrated: float


def measure(
    supernet: Supernet, batches: Batches, genotype: Genotype, *, recalibration: Batches, ranks: Ranks = ALONE
) -> Gap:
    """How many images the supernet gets right with its mixture, and cut down to a genotype.

    Eval mode; mode, running statistics and alphas are as before afterwards, and no random number is drawn.

    The running statistics of the batch norms belong to the mixture: cut down to two operations a node, the cells'
    inputs have another mean and scale, so part of the loss is the statistics' and not the cell's. ``recalibrated``
    leaves that part out.

    Args:
        batches: gone through once.
        ranks: processes that each give their shares of the batches, some of which may be empty, and get the joint gap.
        recalibration: training images on which the discrete cell's statistics are measured anew (a mean over the
            batches); gone through once.

    Raises:
        GenotypeError: the genotype does not fit the supernet.
        ValueError: there are no images.
    """
    was_training = supernet.training
    kept = {name: buffer.clone() for name, buffer in supernet.named_buffers()}
    try:
        with torch.no_grad():
            with discretized(supernet, genotype):
                _measure_statistics(supernet, recalibration)
                ranks.copy_from_first(list(supernet.buffers()))
            fitted = {name: buffer.clone() for name, buffer in supernet.named_buffers()}
            _copy_buffers(supernet, kept)
            supernet.eval()
            images_seen = soft = discrete = recalibrated = 0
            for images, labels in batches:
                if not len(labels):
                    continue
                soft += _right(supernet, images, labels)
                with discretized(supernet, genotype):
                    discrete += _right(supernet, images, labels)
                    _copy_buffers(supernet, fitted)
                    recalibrated += _right(supernet, images, labels)
                _copy_buffers(supernet, kept)  # Whoever gives the next batch may save a checkpoint first.
                images_seen += len(labels)
    finally:
        _copy_buffers(supernet, kept)
        supernet.train(was_training)
    told = ranks.all_say((images_seen, soft, discrete, recalibrated))
    images_seen, soft, discrete, recalibrated = (sum(numbers) for numbers in zip(*told, strict=True))
    if not images_seen:
        raise ValueError("no images to judge on.")
    return Gap(soft / images_seen, discrete / images_seen, recalibrated / images_seen)


def _right(supernet: Supernet, images: Tensor, labels: Tensor) -> int:
    return int((supernet(images).argmax(dim=1) == labels).sum())


def _measure_statistics(supernet: Supernet, batches: Batches) -> None:
    """Running statistics become the plain mean over these batches."""
    norms = [module for module in supernet.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    try:
        supernet.train()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # torch's sign for a cumulative mean
        for images, _ in batches:
            supernet(images)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _copy_buffers(supernet: Supernet, values: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, buffer in supernet.named_buffers():
            buffer.copy_(values[name])
