"""The two steps of a search: one of the alphas, one of the weights.

Nothing in a step waits for the device: what it tells about itself are tensors, read when somebody asks. Steps can be
recorded and replayed as CUDA graphs (``engine.search.cuda_graphs``).
Source: DARTS algorithm 1 and its train_search.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import SearchConfig
from engine.distributed import ALONE, Ranks
from engine.genotype.primitives import declaration
from engine.search.architect import (
    exact_hessian_vector,
    first_order_gradient,
    frozen,
    hessian_vector,
    momentum_buffers,
    second_order_gradient,
)
from engine.search.cuda_graphs import Recorded
from engine.search.regularizers import beta_decay, beta_decay_weight
from engine.supernet import Supernet
from engine.supernet.base import norms_within
from engine.supernet.buffers import MovingCopies, modules_with_buffers

ALPHA_ADAM_BETAS = (0.5, 0.999)

Told = dict[str, Tensor | float | None]
"""Numbers of a step by the names of events; tensors are still on the device."""

Batch = tuple[Tensor, Tensor]
"""Images (N, C, H, W) and labels (N,)."""


class Shares:
    """What the mean loss of this rank's images weighs in that of the joint batch; kept on the device."""

    def __init__(self, ranks: Ranks, device: torch.device) -> None:
        self._ranks = ranks
        self._device = device
        self._known: dict[float, Tensor] = {}

    def __call__(self, images: int, joint_images: int | None) -> tuple[Tensor, ...]:
        """A scalar; nothing with one process, whose loss is the joint one.

        Args:
            joint_images: None stands for as many as these.
        """
        if self._ranks.size == 1:
            return ()
        share = images / (joint_images or images)
        if share not in self._known:
            self._known[share] = torch.tensor(share, dtype=torch.float64, device=self._device)
        return (self._known[share],)


class WeightStep:
    """One clipped SGD step of the weights; the alphas stand still.

    Args:
        ranks: the processes that take it together, each with its share of the batch; all end at the same weights.
    """

    def __init__(self, supernet: Supernet, config: SearchConfig, device: torch.device, ranks: Ranks = ALONE) -> None:
        self._ranks = ranks
        self._shares = Shares(ranks, device)
        self._supernet = supernet
        self._config = config
        self._device = device
        self.weights = list(supernet.parameters())
        self._arch = supernet.arch_tensors()
        self.optimizer = torch.optim.SGD(
            self.weights, lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay,
            fused=_fused(device),
        )  # fmt: skip
        self._pass = _recordable(self._forward_and_backward, supernet, config, device, ranks)

    def __call__(self, batch: Batch, learning_rate: float, joint_images: int | None = None) -> tuple[Told, Tensor]:
        """Step; gives the logits (N, classes) besides.

        Args:
            joint_images: of all ranks' shares together.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self._supernet.train()
        with frozen(self._arch):
            logits, loss, *gradients = self._pass(*batch, *self._shares(len(batch[0]), joint_images))
        correct = _correct(logits, batch[1])
        loss, correct, *gradients = self._ranks.sums([loss, correct, *gradients])
        for weight, gradient in zip(self.weights, gradients, strict=True):
            weight.grad = gradient
        gradient_norm = torch.nn.utils.clip_grad_norm_(self.weights, self._config.gradient_clip)
        self.optimizer.step()
        momenta = self.momentum()
        told: Told = {
            "loss": loss,
            "accuracy_percent": correct / (joint_images or len(batch[0])) * 100,
            "learning_rate": learning_rate,
            "weight_gradient_norm": gradient_norm,
            # SGD moves by its momentum buffer times the rate.
            "weight_update_norm": _norm(momenta) * learning_rate if momenta else None,
        }
        return told, logits

    def momentum(self) -> list[Tensor]:
        """The momentum of each weight; empty before the first step."""
        return [buffer for buffer in momentum_buffers(self.optimizer, self.weights) if buffer is not None]

    def load_momentum(self, momenta: list[Tensor]) -> None:
        """Take up what ``momentum`` gave."""
        self.optimizer.state.clear()
        for weight, momentum in zip(self.weights, momenta, strict=False):
            self.optimizer.state[weight] = {"momentum_buffer": momentum}

    def _forward_and_backward(self, images: Tensor, labels: Tensor, *share: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(
            self._device.type, dtype=torch.bfloat16, enabled=self._config.precision == "bfloat16", cache_enabled=False
        ):
            logits = self._supernet(images)
            loss = _joint_part(F.cross_entropy(logits, labels), share)
        gradients = torch.autograd.grad(loss, self.weights, allow_unused=True, materialize_grads=True)
        # torch 2.14.1's fused SGD takes a gradient's memory as it lies: in another order than the weight's (the stem's,
        # where channels are last) it would silently move the wrong weights.
        return (logits.detach(), loss.detach(), *(gradient.contiguous() for gradient in gradients))


class AlphaStep:
    """One Adam step of alphas and betas along the loss of the alphas' batch, at the present or at the unrolled weights."""

    def __init__(
        self,
        supernet: Supernet,
        config: SearchConfig,
        device: torch.device,
        weight_step: WeightStep,
        epochs: int,
        ranks: Ranks = ALONE,
    ) -> None:
        self._ranks = ranks
        self._shares = Shares(ranks, device)
        self._supernet = supernet
        self._config = config
        self._weight_step = weight_step
        self._epochs = epochs
        self._arch = supernet.arch_tensors()
        self.optimizer = torch.optim.Adam(
            self._arch, lr=config.alpha_learning_rate, betas=ALPHA_ADAM_BETAS, weight_decay=config.alpha_weight_decay
        )
        # What users' own primitives keep besides batch norms stays as it is in the architect's passes.
        norms = set(norms_within(supernet))
        self._others = [module for module in modules_with_buffers(supernet) if module not in norms]
        self._first_order = _recordable(self._first_order_pass, supernet, config, device, ranks)

    def __call__(
        self,
        batch: Batch,
        train_batch: Batch,
        *,
        epoch: int,
        learning_rate: float,
        joint_images: tuple[int, int] | None = None,
    ) -> Told:
        """Step.

        Args:
            batch: of the alphas' half.
            train_batch: of the weights' half; the second order unrolls on it.
            epoch: from 0, for the growth of beta-decay.
            learning_rate: of the weights, the length of the unrolled step.
            joint_images: of all ranks' shares of either batch together.
        """
        of_batch, of_train = joint_images or (len(batch[0]), len(train_batch[0]))
        share, train_share = self._shares(len(batch[0]), of_batch), self._shares(len(train_batch[0]), of_train)
        self._supernet.train()
        # Running statistics see the weights' batches only; the gradient is the same.
        with self._supernet.still_statistics(), MovingCopies(self._others):
            if self._config.order == 2:
                logits, loss, *gradients = self._second_order_pass(
                    batch, train_batch, learning_rate, share, train_share
                )
            else:
                logits, loss, *gradients = self._first_order(*batch, *share)
                gradients = self._ranks.sums(gradients)
        loss, correct = self._ranks.sums([loss, _correct(logits, batch[1])])
        if self._config.beta_decay:
            weight = beta_decay_weight(self._config.beta_decay, epoch, self._epochs)
            added = torch.autograd.grad(weight * beta_decay(self._arch[:2]), self._arch[:2])
            gradients = [*torch._foreach_add(gradients[:2], list(added)), *gradients[2:]]
        before = [tensor.detach().clone() for tensor in self._arch]
        gradient_norm = _norm(gradients)
        for tensor, gradient in zip(self._arch, gradients, strict=True):
            tensor.grad = gradient
        if self._config.alpha_gradient_clip is not None:
            torch.nn.utils.clip_grads_with_norm_(self._arch, self._config.alpha_gradient_clip, gradient_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {
            "alpha_loss": loss,
            "alpha_accuracy_percent": correct / of_batch * 100,
            "alpha_learning_rate": self._config.alpha_learning_rate,
            "alpha_gradient_norm": gradient_norm,
            "alpha_update_norm": _norm([after.detach() - old for after, old in zip(self._arch, before, strict=True)]),
        }

    def _loss(self, batch: Batch, seen: list[Tensor], share: tuple[Tensor, ...]) -> Tensor:
        """The loss, or this rank's part of the joint one; logits and loss are put into ``seen``."""
        logits = self._supernet(batch[0])
        loss = _joint_part(F.cross_entropy(logits, batch[1]), share)
        seen[:] = [logits.detach(), loss.detach()]
        return loss

    def _first_order_pass(self, images: Tensor, labels: Tensor, *share: Tensor) -> tuple[Tensor, ...]:
        seen: list[Tensor] = []
        gradients = first_order_gradient(
            lambda: self._loss((images, labels), seen, share),
            self._arch,
            weights=self._weight_step.weights,
        )
        return (*seen, *gradients)

    def _second_order_pass(
        self,
        batch: Batch,
        train_batch: Batch,
        learning_rate: float,
        share: tuple[Tensor, ...],
        train_share: tuple[Tensor, ...],
    ) -> tuple[Tensor, ...]:
        seen: list[Tensor] = []
        step = self._weight_step
        is_exact = self._config.second_order == "exact"
        with self._supernet.differentiable_twice() if is_exact else nullcontext():
            gradients = second_order_gradient(
                lambda: self._loss(train_batch, [], train_share), lambda: self._loss(batch, seen, share),
                step.weights, self._arch,
                step_size=learning_rate, momentum=self._config.momentum, weight_decay=self._config.weight_decay,
                momentum_buffers=momentum_buffers(step.optimizer, step.weights),
                product=exact_hessian_vector if is_exact else hessian_vector, joint=self._ranks.sums,
            )  # fmt: skip
        return (*seen, *gradients)


def _norm(tensors: list[Tensor]) -> Tensor:
    """Euclidean norm of all tensors together."""
    found: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))
    return found


def _correct(logits: Tensor, labels: Tensor) -> Tensor:
    """How many images' largest logit is right."""
    return (logits.argmax(dim=1) == labels).sum().float()


def _joint_part(loss: Tensor, share: tuple[Tensor, ...]) -> Tensor:
    """A mean loss as this rank's part of the joint batch's; ``share`` is empty with one process."""
    return loss * share[0] if share else loss


def _recordable(
    function: Callable[..., tuple[Tensor, ...]],
    supernet: Supernet,
    config: SearchConfig,
    device: torch.device,
    ranks: Ranks,
) -> Callable[..., tuple[Tensor, ...]]:
    has_users_own = any(declaration(name).kind == "custom" for name in supernet.primitives)  # They may draw numbers.
    if not (config.cuda_graphs and device.type == "cuda") or has_users_own:
        return function
    if ranks.size > 1 and config.sync_batch_norm:  # Exchanges within a pass are not recorded.
        return function
    first, last = ranks.share(0, config.batch_size)
    return Recorded(function, last - first, supernet.still_statistics)


def _fused(device: torch.device) -> bool | None:
    """One kernel for all weights where torch has it, else torch's own choice."""
    return True if device.type in ("cpu", "cuda") else None
