"""The sandwich step: its losses against published numbers, its gradient against networks that are cut out and know of no
sharing, its passes in order; weight decay, clipping and RMSProp in closed form."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.subnets import space_named
from engine.subnets.architecture import biggest, smallest
from engine.two_stage.optimizer import clip, make_optimizer, weight_groups
from engine.two_stage.sampling import fixed_networks
from engine.two_stage.step import SandwichStep
from engine.two_stage.supernet import DynamicSupernet

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)
TINY, CPU = tiny.TINY, torch.device("cpu")

STUDENT = [[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]
TEACHER = [[3.0, 2.0, 1.0], [0.5, 0.0, -0.5]]
LABELS = torch.tensor([2, 0])


class Told(nn.Module):
    """Stands for a supernet: gives the logits that it was told to, and keeps what it was asked."""

    def __init__(self, of_biggest, of_others):
        super().__init__()
        self.of_biggest = nn.Parameter(torch.tensor(of_biggest))
        self.of_others = nn.Parameter(torch.tensor(of_others))
        self.asked = []

    def forward(self, images, architecture, *, dropout=0.0, drop_connect=0.0, drop_connect_stages="last-two"):
        is_biggest = architecture == biggest(TINY)
        self.asked.append((architecture, dropout, drop_connect, torch.is_grad_enabled()))
        logits = self.of_biggest if is_biggest else self.of_others
        return logits + 1 if dropout else logits * 1  # a shift changes no softmax


def told(of_biggest=TEACHER, of_others=STUDENT, **values):
    supernet = Told(of_biggest, of_others)
    return supernet, SandwichStep(supernet, TINY, tiny.config(**values), CPU)


def test_losses_are_the_published_ones():
    supernet, step = told()
    outcome = step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, [])
    assert float(outcome.smallest_loss) == pytest.approx(1.67396867, rel=1e-6)
    expected = [[-0.28760517, 0, 0.28760523], [-0.14726943, -0.04762718, 0.19489659]]
    assert torch.allclose(supernet.of_others.grad, torch.tensor(expected), atol=1e-6)
    assert outcome.sampled_loss is None
    _, step = told(of_biggest=STUDENT)
    assert float(step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, []).biggest_loss) == pytest.approx(
        1.01285863, rel=1e-6
    )


def test_gradients_of_all_networks_add_up():
    supernet, step = told()
    alone = step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, [])
    once = supernet.of_others.grad.clone()
    supernet, step = told()
    sampled = fixed_networks(TINY, 3, "validation", 0)
    outcome = step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, sampled)
    assert torch.allclose(supernet.of_others.grad, 4 * once)
    assert float(outcome.sampled_loss) == pytest.approx(float(alone.smallest_loss))


def test_no_gradient_reaches_the_teacher():
    supernet, step = told(label_smoothing=0.0)
    step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, fixed_networks(TINY, 2, "validation", 0))
    probabilities = torch.tensor(TEACHER).softmax(dim=1)
    expected = (probabilities - torch.nn.functional.one_hot(LABELS, 3)) / 2
    assert torch.allclose(supernet.of_biggest.grad, expected, atol=1e-7)


def test_passes_come_in_order_and_only_the_biggest_is_regularized():
    sampled = fixed_networks(TINY, 2, "validation", 0)
    supernet, step = told(dropout=0.3, drop_connect=0.1)
    step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, sampled)
    assert supernet.asked == [
        (biggest(TINY), 0.3, 0.1, True), (sampled[0], 0.0, 0.0, True), (sampled[1], 0.0, 0.0, True), (smallest(TINY), 0.0, 0.0, True),
    ]  # fmt: skip


def test_a_clean_teacher_is_one_more_pass_without_dropout():
    supernet, step = told(dropout=0.3, clean_teacher=True)
    step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, [])
    assert supernet.asked[1] == (biggest(TINY), 0.0, 0.0, False)
    assert len(supernet.asked) == 3
    for values in ({"dropout": 0.0, "drop_connect": 0.0}, {"distillation": False}):
        supernet, step = told(clean_teacher=True, **values)
        step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, [])
        assert len(supernet.asked) == 2


def test_without_distillation_all_learn_the_true_labels():
    _, step = told(distillation=False)
    outcome = step.accumulate(torch.zeros(2, 3, 8, 8), LABELS, [])
    assert float(outcome.smallest_loss) == pytest.approx(1.01285863, rel=1e-6)


def test_candidates_are_scored_without_dropout_or_gradient():
    supernet, step = told(dropout=0.3)
    losses = step.candidate_losses(torch.zeros(2, 3, 8, 8), LABELS, [biggest(TINY), smallest(TINY)])
    assert losses[1] == pytest.approx(1.01285863, rel=1e-6)
    assert [(dropout, has_gradient) for _, dropout, _, has_gradient in supernet.asked] == [(0.0, False)] * 2


@pytest.mark.parametrize("distillation", [True, False])
def test_the_gradient_is_that_of_separate_networks(distillation):
    """Each network alone, its gradient laid over the shared weights at the place of its part."""
    config = tiny.config(distillation=distillation, dropout=0.0, drop_connect=0.0)
    torch.manual_seed(0)
    supernet = DynamicSupernet(TINY, zero_gamma=False).double()
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(6, 1, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(10, (6,), generator=generator)
    sampled = fixed_networks(TINY, 2, "validation", 7)
    SandwichStep(supernet, TINY, config, CPU).accumulate(images, labels, sampled)

    expected = {name: np.zeros(weight.shape) for name, weight in supernet.named_parameters()}
    teacher = None
    for architecture in (biggest(TINY), *sampled, smallest(TINY)):
        network = supernet.cut_out(architecture).train()
        logits, _ = network(images)
        log_probabilities = logits - logits.logsumexp(dim=1, keepdim=True)
        if teacher is None or not distillation:
            target = torch.full((6, 10), 0.1 / 10, dtype=torch.float64)
            target[torch.arange(6), labels] += 0.9
        else:
            target = teacher
        (-(target * log_probabilities).sum(dim=1).mean()).backward()
        teacher = log_probabilities.detach().exp() if teacher is None else teacher
        for name, weight in network.named_parameters():
            whole = expected[name]
            place = [slice(size) for size in weight.shape[:2]]
            place += [
                slice((full - size) // 2, (full - size) // 2 + size)
                for full, size in zip(whole.shape[2:], weight.shape[2:], strict=True)
            ]
            whole[tuple(place)] += weight.grad.numpy()
    for name, weight in supernet.named_parameters():
        found = np.zeros(weight.shape) if weight.grad is None else weight.grad.numpy()
        np.testing.assert_allclose(found, expected[name], rtol=1e-9, atol=1e-12, err_msg=name)
    assert sum(np.abs(each).max() > 0 for each in expected.values()) > 20


def test_weights_decay_as_in_attentive_nas():
    with torch.device("meta"):
        supernet = DynamicSupernet(space_named("attentive-nas"))
    decayed, free = weight_groups(supernet, 1e-5, decay_norms_and_biases=False)
    assert (len(decayed["params"]), decayed["weight_decay"]) == (198, 1e-5)
    assert (len(free["params"]), free["weight_decay"]) == (271, 0)
    (everything,) = weight_groups(supernet, 1e-5, decay_norms_and_biases=True)
    assert len(everything["params"]) == 271 + 198


def test_the_gradient_is_clipped_by_element_or_by_norm():
    def weights():
        found = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
        found[0].grad, found[1].grad = torch.tensor([3.0, -0.5]), torch.tensor([-4.0])
        return found

    one, other, idle = weights()
    assert float(clip([one, other, idle], 1.0, "value")) == pytest.approx(np.sqrt(25.25))
    assert (one.grad.tolist(), other.grad.tolist(), idle.grad) == ([1.0, -0.5], [-1.0], None)
    one, other, idle = weights()
    assert float(clip([one, other, idle], 1.0, "norm")) == pytest.approx(np.sqrt(25.25))
    assert float(torch.cat([one.grad, other.grad]).norm()) == pytest.approx(1, rel=1e-5)
    assert float(one.grad[0] / other.grad[0]) == pytest.approx(-3 / 4)


def test_optimizers_move_as_their_formulas_say():
    gradient = np.array([[0.002, -0.5], [4.0, 0.0]])

    def moved(times, **values):
        layer = nn.Linear(2, 2, bias=False).double()
        nn.init.ones_(layer.weight)
        optimizer = make_optimizer(layer, tiny.config(learning_rate=0.1, momentum=0.9, weight_decay=0.01, **values))
        for _ in range(times):
            layer.weight.grad = torch.tensor(gradient)
            optimizer.step()
        return layer.weight.detach().numpy()

    weight = np.ones((2, 2))
    square, momentum = np.zeros((2, 2)), np.zeros((2, 2))
    for _ in range(3):
        full = gradient + 0.01 * weight
        square = 0.9 * square + 0.1 * full**2
        momentum = 0.9 * momentum + full / (np.sqrt(square) + np.sqrt(0.001))
        weight = weight - 0.1 * momentum
    np.testing.assert_allclose(moved(3, optimizer="rmsprop"), weight, rtol=1e-12)
    for nesterov in (True, False):
        weight, momentum = np.ones((2, 2)), np.zeros((2, 2))
        for _ in range(3):
            full = gradient + 0.01 * weight
            momentum = 0.9 * momentum + full
            weight = weight - 0.1 * (full + 0.9 * momentum if nesterov else momentum)
        np.testing.assert_allclose(moved(3, nesterov=nesterov), weight, rtol=1e-12)
