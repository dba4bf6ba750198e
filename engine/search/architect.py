"""The gradient of the validation loss with respect to alphas (and betas), of first and second order.

Pure functions over callables that evaluate a loss on one fixed batch at the present weights. Nothing here draws a
random number, and weights and buffers are left bit for bit as they were.
Source: Liu et al., DARTS, ICLR 2019, section 2.3; cnn/architect.py of its code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

Loss = Callable[[], Tensor]
"""Evaluates a loss (scalar) on one fixed batch at the present weights and alphas."""

Joint = Callable[[Sequence[Tensor]], list[Tensor]]
"""Adds up what each of several processes found from its part of the batches."""

Product = Callable[[Loss, Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], list[Tensor]]
"""Finds the mixed second derivative of a loss, at these weights, with respect to alphas and betas, along a direction."""


def first_order_gradient(
    loss: Loss, arch: Sequence[Tensor], *, weights: Sequence[Tensor] = (), buffers: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Gradient of the alpha batch's loss at the present weights (DARTS with xi = 0).

    Args:
        loss: called once.
        arch: alphas and betas, leaves that require a gradient.
        weights: frozen meanwhile, so that nothing is kept or computed for their gradient; the result is the same.
        buffers: restored afterwards. The original lets this pass move the running statistics of the batch norms;
            give them here to keep them to the train batches.

    Returns:
        One tensor for each of ``arch``, of its shape; zeros where the loss does not depend on it.
    """
    with frozen(weights), _restored(buffers):
        return list(torch.autograd.grad(loss(), list(arch), allow_unused=True, materialize_grads=True))


def hessian_vector(
    loss: Loss, weights: Sequence[Tensor], arch: Sequence[Tensor], direction: Sequence[Tensor], radius: float = 0.01
) -> list[Tensor]:
    """Mixed second derivative of the loss along ``direction``, by a central difference in the weights.

    Args:
        loss: called twice.
        direction: one tensor a weight, of its shape.
        radius: length of the step in weight space; epsilon = radius / ‖direction‖ over all weights together. With ReLUs
            and max pools the difference depends on it, so a smaller one is another method, not a closer one.

    Returns:
        One tensor for each of ``arch``, of its shape; zeros where ``direction`` is zero everywhere.

    Source: DARTS eq. 8. The weights are restored bit for bit: copied back, not added back, because
    w + e - 2e + e is not w in floating point.
    """
    weights, arch = list(weights), list(arch)
    length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(direction))))
    epsilon = radius / length.clamp(
        min=torch.finfo(length.dtype).tiny
    )  # a tensor: reading it would wait for the device
    step = torch._foreach_mul(list(direction), epsilon)

    def gradient_at(sign: int) -> tuple[Tensor, ...]:
        with _restored(weights), frozen(weights):
            with torch.no_grad():
                torch._foreach_add_(weights, step, alpha=sign)
            return torch.autograd.grad(loss(), arch, allow_unused=True, materialize_grads=True)

    ahead, behind = gradient_at(1), gradient_at(-1)
    return [(plus - minus) / (2 * epsilon) for plus, minus in zip(ahead, behind, strict=True)]


def exact_hessian_vector(
    loss: Loss, weights: Sequence[Tensor], arch: Sequence[Tensor], direction: Sequence[Tensor]
) -> list[Tensor]:
    """The same derivative by double backpropagation; the loss is called once and must be differentiable twice.

    Another method in practice: for a net with kinks the paper's difference is mostly what it meets at the kinks.
    """
    gradient = torch.autograd.grad(loss(), list(weights), create_graph=True, allow_unused=True, materialize_grads=True)
    along = torch.stack([(part * way).sum() for part, way in zip(gradient, direction, strict=True)]).sum()
    return list(torch.autograd.grad(along, list(arch), allow_unused=True, materialize_grads=True))


def second_order_gradient(
    train_loss: Loss,
    alpha_loss: Loss,
    weights: Sequence[Tensor],
    arch: Sequence[Tensor],
    *,
    step_size: float,
    momentum: float,
    weight_decay: float,
    momentum_buffers: Sequence[Tensor | None],
    buffers: Sequence[Tensor] = (),
    product: Product = hessian_vector,
    joint: Joint = list,
) -> list[Tensor]:
    """Gradient of the alpha batch's loss after one unrolled step of the weights (DARTS eq. 7 and 8).

    With m the momentum buffers and g the gradient of the train loss, the unrolled weights are
    w' = w - step_size · (momentum · m + g + weight_decay · w), one SGD step without clipping. At w' the gradients d
    (of ``arch``) and v (of the weights) of the alpha loss are taken; the result is d - step_size · H v, where H v is
    ``hessian_vector`` of the train loss at w along v. Four forward and backward passes. Nothing waits for the device.

    Args:
        train_loss: on the train batch; called three times.
        alpha_loss: on the alpha batch; called once, at the unrolled weights.
        momentum_buffers: one a weight; None stands for zero (before the first step).
        buffers: batch-norm statistics and counters; restored, so that **none** of the four passes moves them. (The
            original evaluates w' in a copy of the net, but lets the three train passes move the live statistics.)
            Each pass normalizes with its own batch, so the gradient is the same.
        product: how H v is found; ``hessian_vector``, the paper's, if not given, or ``exact_hessian_vector``.
        joint: with several processes, whose losses are parts of joint ones: the sum over them. The unrolled weights,
            the direction and the result are then those of the joint losses, on all processes alike.

    Returns:
        One tensor for each of ``arch``, of its shape.
    """
    weights, arch = list(weights), list(arch)
    with _restored(buffers):
        gradient = joint(torch.autograd.grad(train_loss(), weights, allow_unused=True, materialize_grads=True))
        with _restored(weights):
            _unroll(weights, gradient, momentum_buffers, step_size, momentum, weight_decay)
            found = joint(torch.autograd.grad(alpha_loss(), arch + weights, allow_unused=True, materialize_grads=True))
        direct, direction = found[: len(arch)], found[len(arch) :]
        implicit = joint(product(train_loss, weights, arch, direction))
        return [part - step_size * correction for part, correction in zip(direct, implicit, strict=True)]


def momentum_buffers(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor]) -> list[Tensor | None]:
    """The SGD momentum of each weight; None where the optimizer has not stepped yet or keeps none."""
    return [optimizer.state[weight].get("momentum_buffer") if weight in optimizer.state else None for weight in weights]


def _unroll(
    weights: list[Tensor],
    gradient: Sequence[Tensor],
    buffers: Sequence[Tensor | None],
    step_size: float,
    momentum: float,
    weight_decay: float,
) -> None:
    """One SGD step in place, without clipping and without touching the optimizer."""
    with torch.no_grad():
        step = torch._foreach_add(list(gradient), weights, alpha=weight_decay)
        moving = [(part, buffer) for part, buffer in zip(step, buffers, strict=True) if buffer is not None]
        if moving:
            torch._foreach_add_([part for part, _ in moving], [buffer for _, buffer in moving], alpha=momentum)
        torch._foreach_add_(weights, step, alpha=-step_size)


@contextmanager
def _restored(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Copies the tensors' values back at the end, also when the block stops with an error."""
    kept = [tensor.detach().clone() for tensor in tensors]
    try:
        yield
    finally:
        if kept:
            with torch.no_grad():
                torch._foreach_copy_(list(tensors), kept)


@contextmanager
def frozen(weights: Sequence[Tensor]) -> Iterator[None]:
    """Within the block no gradient of these tensors is asked for; afterwards it is as before."""
    flags = [weight.requires_grad for weight in weights]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight, flag in zip(weights, flags, strict=True):
            weight.requires_grad_(flag)
