"""The gradients of alphas: the original's numbers, closed forms, and what must be left untouched."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engine.search.architect import first_order_gradient, hessian_vector, momentum_buffers, second_order_gradient

STEP_SIZE, MOMENTUM, WEIGHT_DECAY, CLIP = 0.025, 0.9, 3e-4, 5.0


class Search:
    """A toy supernet with the optimizers and batches of the goldens."""

    def __init__(self, built):
        self.supernet = built.supernet
        self.train, self.alpha = built.train, built.alpha
        self.weights = list(self.supernet.parameters())
        self.arch = self.supernet.arch_tensors()
        self.buffers = list(self.supernet.buffers())
        self.sgd = torch.optim.SGD(self.weights, lr=STEP_SIZE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
        self.adam = torch.optim.Adam(self.arch, lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3)

    def train_loss(self):
        return F.cross_entropy(self.supernet(self.train[0]), self.train[1])

    def alpha_loss(self):
        return F.cross_entropy(self.supernet(self.alpha[0]), self.alpha[1])

    def weight_step(self):
        """One clipped SGD step; the loss and the norm of the gradient before it."""
        self.sgd.zero_grad()
        loss = self.train_loss()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.weights, CLIP)
        self.sgd.step()
        return loss.item(), norm.item()

    def gradient(self, order, radius=0.01):
        if order == 1:
            return first_order_gradient(self.alpha_loss, self.arch)
        return second_order_gradient(
            self.train_loss, self.alpha_loss, self.weights, self.arch, step_size=STEP_SIZE, momentum=MOMENTUM,
            weight_decay=WEIGHT_DECAY, momentum_buffers=momentum_buffers(self.sgd, self.weights), buffers=self.buffers,
            product=partial(hessian_vector, radius=radius),
        )  # fmt: skip

    def alpha_step(self, gradient):
        for tensor, part in zip(self.arch, gradient, strict=True):
            tensor.grad = part
        self.adam.step()


@pytest.fixture
def search(toy):
    return lambda name, variant="reference": Search(toy(name, variant))


def norms(tensors):
    return [tensor.norm().item() for tensor in tensors]


@pytest.mark.parametrize("variant", ["reference", "fast"])
@pytest.mark.parametrize("warm", [0, 1])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ["toy_darts", "toy_pc_darts"])
def test_alpha_step_equals_the_original(name, order, warm, variant, search, goldens):
    toy = search(name, variant)
    golden = goldens[name][f"step unrolled={order == 2} warm={warm}"]
    # Order 2 differences over many kinks of ReLU and max pool: another order of sums may move a few digits.
    close = 1e-9 if order == 1 else 1e-6
    for expected in golden.get("w", []):
        assert toy.weight_step() == pytest.approx(expected, rel=1e-9)
    before = toy.alpha_loss().item()

    gradient = toy.gradient(order)
    toy.alpha_step(gradient)

    assert before == pytest.approx(golden["val_loss"], rel=1e-12)
    assert norms(gradient) == pytest.approx(golden["grad_norm"], rel=close)
    for part, first in zip(gradient, golden["grad_first"], strict=True):
        assert part.flatten()[:4].tolist() == pytest.approx(first, rel=1e-6)
    for tensor, first in zip(toy.arch, golden["alpha_after_first"], strict=True):
        assert tensor.flatten()[:4].tolist() == pytest.approx(first, abs=2e-9)
    assert toy.weight_step() == pytest.approx(golden["w_after"], rel=1e-9)
    assert toy.train_loss().item() == pytest.approx(golden["train_loss_after"], rel=1e-9)


@pytest.mark.parametrize("variant", ["reference", "fast"])
@pytest.mark.parametrize("warm", [0, 1])
def test_unrolled_step_equals_the_original(warm, variant, search, goldens):
    toy = search("toy_darts", variant)
    golden = goldens["toy_darts_second_order_parts"]
    for _ in range(warm):
        toy.weight_step()
    seen = {}

    def alpha_loss():
        loss = toy.alpha_loss()
        found = torch.autograd.grad(loss, [*toy.arch, *toy.weights], retain_graph=True)
        seen["loss"], seen["direct"], seen["direction"] = loss.item(), found[:2], found[2:]
        return loss

    second_order_gradient(
        toy.train_loss, alpha_loss, toy.weights, toy.arch, step_size=STEP_SIZE, momentum=MOMENTUM,
        weight_decay=WEIGHT_DECAY, momentum_buffers=momentum_buffers(toy.sgd, toy.weights), buffers=toy.buffers,
    )  # fmt: skip

    assert seen["loss"] == pytest.approx(golden["loss_at_unrolled"][f"warm={warm}"], abs=6e-11)
    assert norms(seen["direct"]) == pytest.approx(golden["direct_norms"][f"warm={warm}"], abs=6e-11)
    direction = torch.cat([part.flatten() for part in seen["direction"]])
    assert direction.norm().item() == pytest.approx(golden["direction_norm"][f"warm={warm}"], abs=6e-10)


@pytest.fixture
def smooth(search):
    """The DARTS toy without kinks, where the finite difference and the exact derivative must agree."""
    toy = search("toy_darts")
    for module in list(toy.supernet.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Softplus())
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(3, stride=child.stride, padding=1, count_include_pad=True))
    return toy


def test_second_order_on_the_smooth_net_equals_the_original(smooth, goldens):
    golden = goldens["toy_darts_smooth_order2"]

    gradient = smooth.gradient(2)
    finer = smooth.gradient(2, radius=1e-4)

    assert smooth.train_loss().item() == pytest.approx(golden["ce_train"], rel=1e-12)
    assert smooth.alpha_loss().item() == pytest.approx(golden["ce_valid"], rel=1e-12)
    assert norms(gradient) == pytest.approx(golden["order2_fd_r0.01_grad_norm"], rel=1e-9)
    assert norms(finer) == pytest.approx(golden["order2_fd_r1e-4_grad_norm"], rel=1e-8)
    for part, first in zip(gradient, golden["grad_first"], strict=True):
        assert part.flatten()[:4].tolist() == pytest.approx(first, rel=1e-7)


def test_second_order_on_the_smooth_net_approaches_exact_double_backprop(smooth, goldens):
    golden = goldens["toy_darts_smooth_order2"]
    names = [name for name, _ in smooth.supernet.named_parameters()]
    gradient = torch.autograd.grad(smooth.train_loss(), smooth.weights, create_graph=True)
    unrolled = {
        name: weight - STEP_SIZE * (part + WEIGHT_DECAY * weight)
        for name, weight, part in zip(names, smooth.weights, gradient, strict=True)
    }
    logits = torch.func.functional_call(smooth.supernet, unrolled, (smooth.alpha[0],))
    exact = torch.autograd.grad(F.cross_entropy(logits, smooth.alpha[1]), smooth.arch)

    finer = smooth.gradient(2, radius=1e-4)

    assert norms(exact) == pytest.approx(golden["order2_exact_grad_norm"], rel=1e-8)
    for found, expected in zip(finer, exact, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("with_buffer", [False, True])
@pytest.mark.parametrize("step_size", [0.01, 0.5])
def test_second_order_of_the_papers_quadratic(step_size, with_buffer):
    """L_train = w² - 2aw + a², L_alpha = aw - 2a + 1: total = w' - 2 + 2 · step_size · a in closed form."""
    w = torch.tensor([-2.0], dtype=torch.float64, requires_grad=True)
    a = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    buffer = torch.tensor([3.0], dtype=torch.float64) if with_buffer else None

    (found,) = second_order_gradient(
        lambda: (w**2 - 2 * a * w + a**2).sum(), lambda: (a * w - 2 * a + 1).sum(), [w], [a], step_size=step_size,
        momentum=0.9, weight_decay=0.1, momentum_buffers=[buffer], buffers=[],
    )  # fmt: skip

    unrolled = -2 - step_size * (0.9 * 3 * with_buffer + (2 * -2 - 2 * 2) + 0.1 * -2)
    assert found.item() == pytest.approx(unrolled - 2 + 2 * step_size * 2, rel=1e-9)
    assert w.item() == -2.0


@pytest.mark.parametrize(("step_size", "total"), [(0.0, -4.0), (0.01, -3.88), (0.5, 2.0)])
def test_second_order_of_the_quadratic_as_tabled(step_size, total):
    w = torch.tensor([-2.0], dtype=torch.float64, requires_grad=True)
    a = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)

    (found,) = second_order_gradient(
        lambda: (w**2 - 2 * a * w + a**2).sum(), lambda: (a * w - 2 * a + 1).sum(), [w], [a], step_size=step_size,
        momentum=0.0, weight_decay=0.0, momentum_buffers=[None], buffers=[],
    )  # fmt: skip

    assert found.item() == pytest.approx(total, rel=1e-9)


def test_hessian_vector_of_a_bilinear_loss_is_exact_and_leaves_no_trace():
    generator = torch.Generator().manual_seed(3)
    weights = [torch.randn(n, generator=generator).requires_grad_() for n in (3, 4)]
    arch = [torch.randn(2, generator=generator).requires_grad_()]
    mixing = [torch.randn(2, n, generator=generator) for n in (3, 4)]
    direction = [torch.randn(n, generator=generator) for n in (3, 4)]
    before = [weight.detach().clone() for weight in weights]

    def loss():
        return sum(arch[0] @ part @ weight for part, weight in zip(mixing, weights, strict=True))

    (found,) = hessian_vector(loss, weights, arch, direction)

    expected = sum(part @ along for part, along in zip(mixing, direction, strict=True))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)  # a difference over 0.02 in float32
    assert all(torch.equal(*pair) for pair in zip(before, weights, strict=True))
    assert all(weight.requires_grad and weight.grad is None for weight in weights)


def test_nothing_comes_of_a_zero_direction():
    w, a = torch.ones(3, requires_grad=True), torch.ones(1, requires_grad=True)

    (found,) = hessian_vector(lambda: (a * w).sum(), [w], [a], [torch.zeros(3)])

    assert found.tolist() == [0.0]


@pytest.mark.parametrize("variant", ["reference", "fast"])
@pytest.mark.parametrize("order", [1, 2])
def test_nothing_but_the_gradient_is_left_behind(order, variant, search):
    toy = search("toy_pc_darts", variant)
    toy.supernet.float()
    toy.train, toy.alpha = ((images.float(), labels) for images, labels in (toy.train, toy.alpha))
    toy.weight_step()
    toy.sgd.zero_grad()
    toy.adam.zero_grad()
    random_state = torch.get_rng_state()
    tensors = [*toy.weights, *toy.buffers, *toy.arch, *momentum_buffers(toy.sgd, toy.weights)]
    before = [tensor.detach().clone() for tensor in tensors]

    if order == 1:
        first_order_gradient(toy.alpha_loss, toy.arch, weights=toy.weights, buffers=toy.buffers)
    else:
        toy.gradient(2)

    assert all(torch.equal(*pair) for pair in zip(before, tensors, strict=True))
    assert all(tensor.grad is None for tensor in [*toy.weights, *toy.arch])
    assert all(weight.requires_grad for weight in toy.weights)
    assert torch.equal(random_state, torch.get_rng_state())


@pytest.mark.parametrize("variant", ["reference", "fast"])
def test_freezing_weights_changes_no_first_order_gradient(variant, search):
    toy = search("toy_darts", variant)

    usual = first_order_gradient(toy.alpha_loss, toy.arch)
    frozen = first_order_gradient(toy.alpha_loss, toy.arch, weights=toy.weights, buffers=toy.buffers)

    assert all(torch.equal(*pair) for pair in zip(usual, frozen, strict=True))


@pytest.mark.parametrize("variant", ["reference", "fast"])
@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_weights_and_buffers_come_back_when_a_pass_fails(fails_at, variant, search):
    toy = search("toy_darts", variant)
    tensors = [*toy.weights, *toy.buffers]
    before = [tensor.detach().clone() for tensor in tensors]
    passes = 0

    def counted(loss):
        def evaluate():
            nonlocal passes
            passes += 1
            found = loss()
            if passes == fails_at:
                raise RuntimeError("out of memory")
            return found

        return evaluate

    with pytest.raises(RuntimeError, match="out of memory"):
        second_order_gradient(
            counted(toy.train_loss), counted(toy.alpha_loss), toy.weights, toy.arch, step_size=STEP_SIZE,
            momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, momentum_buffers=[None] * len(toy.weights),
            buffers=toy.buffers,
        )  # fmt: skip

    assert all(torch.equal(*pair) for pair in zip(before, tensors, strict=True))
    assert all(weight.requires_grad for weight in toy.weights)


def test_momentum_buffers_are_none_before_the_first_step(search):
    toy = search("toy_darts")
    assert momentum_buffers(toy.sgd, toy.weights) == [None] * len(toy.weights)

    toy.weight_step()

    found = momentum_buffers(toy.sgd, toy.weights)
    assert [buffer.shape for buffer in found] == [weight.shape for weight in toy.weights]


def test_arch_tensor_that_the_loss_does_not_see_has_gradient_zero():
    a, unseen = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)

    found = first_order_gradient(lambda: (a**2).sum(), [a, unseen])

    assert [part.tolist() for part in found] == [[2.0, 2.0], [0.0, 0.0, 0.0]]
