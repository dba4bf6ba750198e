"""Terms that are added to the alpha batch's loss."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def beta_decay(alphas: Iterable[Tensor]) -> Tensor:
    """Sum over the kinds of cell of the mean over edges of logsumexp of an edge's alphas; a scalar.

    Its gradient is softmax(alpha[edge]) / edges: the alphas that lead are pulled down the most, so that those of one
    edge do not run apart. Each kind keeps the scale that the public code gives its one tensor; betas take no part.

    Args:
        alphas: raw, (edges, primitives), one tensor for each kind.

    Source: Ye et al., Beta-DARTS, CVPR 2022; optimizers/darts/architect.mlc_loss of its code, which covers
    NAS-Bench-201 with a single tensor.
    """
    return torch.stack([torch.logsumexp(kind, dim=-1).mean() for kind in alphas]).sum()


def beta_decay_weight(maximum: float, epoch: int, epochs: int) -> float:
    """Weight of ``beta_decay`` in an epoch counted from 0: it grows linearly from 0 and stays below ``maximum``.

    The public code has 50 and 100 as constants; with ``maximum`` 50 and 100 epochs this is the same.
    """
    return maximum * epoch / epochs
