"""Convolutions by other ways, and their gradients, against torch's own convolution and autograd."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from engine.supernet.fast.depthwise import Views, depthwise, depthwise_input_gradient, depthwise_weight_gradient, phases
from engine.supernet.fast.pointwise import pointwise, pointwise_input_gradient, pointwise_weight_gradient

KERNELS = [(3, 3), (5, 5), (7, 7), (3, 5), (5, 3), (1, 7), (1, 1)]
SIZES = [(8, 8), (6, 12), (7, 7), (9, 6), (5, 4), (2, 2), (1, 1), (1, 6), (3, 1)]
ORDERS = {"channels_last": torch.channels_last, "channels_first": torch.contiguous_format}


@pytest.fixture(params=["processor", "gpu"])
def ways(request, monkeypatch):
    """The ways of a processor and of a GPU; both compute on whatever device the images lie."""
    for module in ("depthwise", "pointwise"):
        monkeypatch.setattr(f"engine.supernet.fast.{module}.on_gpu", lambda x: request.param == "gpu")


def images(*shape, order):
    return torch.randn(*shape, dtype=torch.float64).contiguous(memory_format=order)


def assert_same(found, expected):
    assert found.shape == expected.shape
    error, largest = (found - expected).detach().abs().max(), expected.detach().abs().max()
    assert float(error) <= 1e-13 * max(1.0, float(largest))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("edges", [1, 3])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.usefixtures("ways")
def test_depthwise_and_its_gradients(kernel, edges, order):
    torch.manual_seed(0)
    for (height, width), stride, dilation, channels in itertools.product(SIZES, [1, 2], [1, 2, 3], [1, 2]):
        x = images(2, channels, height, width, order=ORDERS[order])
        repeated = x.repeat(1, edges, 1, 1).requires_grad_()
        weight = torch.randn(edges * channels, 1, *kernel, dtype=torch.float64, requires_grad=True)
        padding = (dilation * (kernel[0] // 2), dilation * (kernel[1] // 2))
        expected = F.conv2d(repeated, weight, None, stride, padding, dilation, groups=edges * channels)
        gradient = images(*expected.shape, order=ORDERS[order])
        of_x, of_weight = torch.autograd.grad(expected, [repeated, weight], gradient)
        wide = repeated.detach().contiguous(memory_format=ORDERS[order])
        steps = {"stride": stride, "dilation": dilation}

        with torch.no_grad():
            assert_same(depthwise(wide, weight, **steps), expected)
            assert_same(depthwise_input_gradient(gradient, weight, wide.shape, **steps), of_x)
            assert_same(depthwise_weight_gradient(gradient, Views(x), weight, **steps), of_weight)


@pytest.mark.usefixtures("ways")
def test_views_serve_several_kernels():
    """One ``Views`` for all primitives of a state: what one has left there must not mislead the next."""
    torch.manual_seed(0)
    x = images(2, 2, 8, 8, order=torch.channels_last)
    read = Views(x)
    for kernel, stride, dilation in itertools.product(KERNELS * 2, [1], [1, 2]):
        weight = torch.randn(2, 1, *kernel, dtype=torch.float64, requires_grad=True)
        padding = (dilation * (kernel[0] // 2), dilation * (kernel[1] // 2))
        expected = F.conv2d(x, weight, None, stride, padding, dilation, groups=2)
        gradient = images(*expected.shape, order=torch.channels_last)

        found = depthwise_weight_gradient(gradient, read, weight, stride=stride, dilation=dilation)

        assert_same(found, torch.autograd.grad(expected, weight, gradient)[0])


def test_phases_are_every_nth_pixel():
    x = images(2, 3, 6, 9, order=torch.channels_last)

    found = phases(x, 3)

    assert found.shape == (18, 3, 2, 3)
    for row, column in itertools.product(range(3), range(3)):
        first = 2 * (3 * row + column)
        assert torch.equal(found[first : first + 2], x[:, :, row::3, column::3])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("edges", [1, 2, 4])
@pytest.mark.usefixtures("ways")
def test_pointwise_and_its_gradients(edges, order):
    torch.manual_seed(0)
    for (height, width), channels in itertools.product(SIZES, [1, 2, 5]):
        x = images(3, edges * channels, height, width, order=ORDERS[order]).requires_grad_()
        weight = torch.randn(edges * channels, channels, 1, 1, dtype=torch.float64, requires_grad=True)
        expected = F.conv2d(x, weight, groups=edges)
        gradient = images(*expected.shape, order=ORDERS[order])
        of_x, of_weight = torch.autograd.grad(expected, [x, weight], gradient)

        with torch.no_grad():
            assert_same(pointwise(x, weight, edges), expected)
            assert_same(pointwise_input_gradient(gradient, weight, edges), of_x)
            assert_same(pointwise_weight_gradient(gradient, x, weight, edges), of_weight)
