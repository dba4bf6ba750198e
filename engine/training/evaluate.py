"""Loss and accuracy over many batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.distributed.ranks import ALONE, Ranks


class Evaluation:
    """Sums over batches, kept on the device until they are asked for."""

    def __init__(self, device: torch.device) -> None:
        self._loss_sum = torch.zeros((), dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._correct_top5 = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0
        self._classes = 0

    def add(self, logits: Tensor, labels: Tensor, loss: Tensor) -> None:
        """Add a batch: logits ``(N, classes)``, labels ``(N,)``, its mean loss."""
        best = logits.topk(min(5, logits.shape[1]), dim=1).indices == labels[:, None]
        self._loss_sum += loss * len(labels)
        self._correct += best[:, 0].sum()
        self._correct_top5 += best.sum()
        self.images += len(labels)
        self._classes = logits.shape[1]

    def joint(self, ranks: Ranks) -> Evaluation:
        """The sums of all ranks, on each of them; this one stays as it is."""
        if ranks.size == 1:
            return self
        found = Evaluation(self._loss_sum.device)
        found._loss_sum = self._loss_sum.clone()
        found._correct, found._correct_top5 = self._correct.clone(), self._correct_top5.clone()
        ranks.sum_([found._loss_sum, found._correct, found._correct_top5])
        told = ranks.all_say((self.images, self._classes))
        found.images, found._classes = sum(images for images, _ in told), max(classes for _, classes in told)
        return found

    @property
    def loss(self) -> float | None:
        """Mean loss an image; None before the first batch."""
        return float(self._loss_sum) / self.images if self.images else None

    @property
    def accuracy_percent(self) -> float | None:
        """Share of images whose largest logit is right."""
        return 100 * int(self._correct) / self.images if self.images else None

    @property
    def top5_accuracy_percent(self) -> float | None:
        """Share of images whose label is among the five largest logits; None with five classes or fewer: it says nothing."""
        return 100 * int(self._correct_top5) / self.images if self.images and self._classes > 5 else None

    def state_dict(self) -> dict[str, Any]:
        """The sums, for a checkpoint within an epoch."""
        return {
            "loss_sum": self._loss_sum,
            "correct": self._correct,
            "correct_top5": self._correct_top5,
            "images": self.images,
        }

    def load_state_dict(self, state: dict[str, Any], ranks: Ranks = ALONE) -> None:
        """Take up saved sums, those of all ranks: rank 0 does, the others begin with nothing."""
        if not ranks.is_first:
            return
        self._loss_sum.copy_(state["loss_sum"])
        self._correct.copy_(state["correct"])
        self._correct_top5.copy_(state["correct_top5"])
        self.images = state["images"]


@torch.no_grad()
def evaluate(
    network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], device: torch.device, ranks: Ranks = ALONE
) -> Evaluation:
    """Evaluate in eval mode; changes nothing in the network but its mode.

    With several ranks each gives its shares of the same batches, some of which may be empty, and gets the joint sums.

    A network may return logits ``(N, classes)`` or ``(logits, auxiliary logits)``; the head does not count.
    """
    found = Evaluation(device)
    network.eval()
    for images, labels in batches:
        if not len(labels):
            continue
        output = network(images)
        logits = output[0] if isinstance(output, tuple) else output
        found.add(logits, labels, F.cross_entropy(logits, labels))
    return found.joint(ranks)
