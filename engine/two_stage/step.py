"""One step of the sandwich rule: the biggest network, the sampled ones and the smallest on one batch, gradients summed.

Source: BigNAS section 3.1, AttentiveNAS train_attentive_nas.py (train_epoch); in-place distillation: Yu and Huang 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config.two_stage import TwoStageConfig
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest


@dataclass(frozen=True)
class StepOutcome:
    """What a step saw, without gradients; losses are means over the batch, as trained (so against soft labels where
    distillation is on, but for the biggest network).

    Attributes:
        biggest_logits, smallest_logits: (N, classes), float32.
        sampled_loss: mean over the sampled networks; None where a step samples none.
    """

    biggest_logits: Tensor
    biggest_loss: Tensor
    smallest_logits: Tensor
    smallest_loss: Tensor
    sampled_loss: Tensor | None


class SandwichStep:
    """Passes and losses of a step. Draws no networks and moves no weights: it adds gradients up.

    Args:
        supernet: a ``DynamicSupernet`` in train mode, or what is called like one.
        space: the supernet's.
    """

    def __init__(self, supernet: nn.Module, space: Space, config: TwoStageConfig, device: torch.device) -> None:
        self._supernet = supernet
        self._config = config
        self._device = device
        self._biggest, self._smallest = biggest(space), smallest(space)
        self._regularization: dict[str, Any] = {
            "dropout": config.dropout, "drop_connect": config.drop_connect, "drop_connect_stages": config.drop_connect_stages,
        }  # fmt: skip
        self._is_noisy = config.dropout > 0 or config.drop_connect > 0

    def accumulate(
        self, images: Tensor, labels: Tensor, sampled: Sequence[Architecture], share: float = 1.0
    ) -> StepOutcome:
        """Add the gradient of every network's loss to the weights' ``grad``; each graph is freed before the next pass.

        Args:
            images: (N, C, H, W). With several processes this one's share of the joint batch.
            labels: (N,), int64.
            sampled: trained between the biggest and the smallest network, in this order.
            share: of the joint batch that these images are: gradients summed over the processes are the joint batch's.
        """
        biggest_logits = self._logits(images, self._biggest, **self._regularization)
        biggest_loss = self.label_loss(biggest_logits, labels)
        _backward(biggest_loss, share)
        teacher = biggest_logits.detach()
        if self._config.distillation and self._config.clean_teacher and self._is_noisy:
            with torch.no_grad():
                teacher = self._logits(images, self._biggest)
        soft_labels = teacher.softmax(dim=1)
        losses = []
        for architecture in (*sampled, self._smallest):
            logits = self._logits(images, architecture)
            loss = (
                F.cross_entropy(logits, soft_labels) if self._config.distillation else self.label_loss(logits, labels)
            )
            _backward(loss, share)
            losses.append(loss.detach())
        return StepOutcome(
            biggest_logits.detach(), biggest_loss.detach(), logits.detach(), losses[-1],
            torch.stack(losses[:-1]).mean() if sampled else None,
        )  # fmt: skip

    @torch.no_grad()
    def candidate_losses(self, images: Tensor, labels: Tensor, candidates: Sequence[Architecture]) -> Tensor:
        """The loss of each candidate on the batch against the true labels, ``(candidates,)`` float32: batch statistics, no
        dropout."""
        losses = [self.label_loss(self._logits(images, candidate), labels) for candidate in candidates]
        return torch.stack(losses)

    def label_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy with the true labels, smoothed as configured."""
        return F.cross_entropy(logits, labels, label_smoothing=self._config.label_smoothing)

    def _logits(self, images: Tensor, architecture: Architecture, **regularization: Any) -> Tensor:
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._config.precision == "bfloat16"):
            logits: Tensor = self._supernet(images, architecture, **regularization)
        return logits.float() if logits.dtype == torch.bfloat16 else logits


def _backward(loss: Tensor, share: float) -> None:
    (loss if share == 1.0 else loss * share).backward()  # type: ignore[no-untyped-call]
