"""Parts of weights: which elements they are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from engine.networks.mbconv import ConvNorm, SqueezeExcite
from engine.two_stage.dynamic import conv_norm, convolve, part_of, squeeze_excite


@pytest.mark.parametrize(
    ("widest", "kernel", "places"), [(5, 3, [1, 2, 3]), (7, 3, [2, 3, 4]), (7, 5, [1, 2, 3, 4, 5]), (5, 1, [2]), (3, 3, [0, 1, 2])]
)  # fmt: skip
def test_smaller_kernel_is_the_centre(widest, kernel, places):
    weight = torch.arange(widest).expand(2, 1, widest, widest)  # each element says its column

    part = part_of(weight, (2, 1, kernel, kernel))

    assert part[0, 0, 0].tolist() == places
    assert part_of(weight.transpose(2, 3), (2, 1, kernel, kernel))[0, 0, :, 0].tolist() == places


@given(widest=st.tuples(st.integers(1, 9), st.integers(1, 9)), data=st.data())
def test_narrower_layer_is_the_first_channels(widest, data):
    out, into = (data.draw(st.integers(1, size)) for size in widest)
    weight = torch.arange(widest[0] * widest[1]).view(*widest, 1, 1)

    part = part_of(weight, (out, into, 1, 1))

    assert part[..., 0, 0].tolist() == [[row * widest[1] + column for column in range(into)] for row in range(out)]
    assert part.data_ptr() == weight.data_ptr()
    assert part_of(weight[:, 0, 0, 0], (out,)).tolist() == [row * widest[1] for row in range(out)]


def test_depthwise_convolution_keeps_its_channels_apart():
    layer = nn.Conv2d(6, 6, 5, 2, 2, groups=6, bias=False).double()
    x = torch.randn(2, 4, 9, 9, dtype=torch.float64)

    found = convolve(x, layer, 4, 3)

    for channel in range(4):
        kernel = layer.weight[channel : channel + 1, :, 1:4, 1:4]
        alone = torch.conv2d(x[:, channel : channel + 1], kernel, stride=2, padding=1)
        torch.testing.assert_close(found[:, channel : channel + 1], alone)


def test_batch_norm_and_swish_follow_in_plain_arithmetic():
    layer = ConvNorm(5, 8, 1).double()
    nn.init.normal_(layer.norm.weight)
    nn.init.normal_(layer.norm.bias)
    x = torch.randn(3, 4, 2, 2, dtype=torch.float64)

    found = conv_norm(x, layer, 6)

    mixed = torch.einsum("oi,nihw->nohw", layer.convolution.weight[:6, :4, 0, 0], x)
    flat = mixed.transpose(0, 1).flatten(1)
    deviation = ((flat - flat.mean(1, keepdim=True)).square().mean(1) + 1e-5).sqrt()
    normalized = (mixed - flat.mean(1).view(1, 6, 1, 1)) / deviation.view(1, 6, 1, 1)
    scaled = normalized * layer.norm.weight[:6].view(1, 6, 1, 1) + layer.norm.bias[:6].view(1, 6, 1, 1)
    torch.testing.assert_close(found, scaled / (1 + torch.exp(-scaled)))


def test_squeeze_and_excitation_in_plain_arithmetic():
    layer = SqueezeExcite(9, 5).double()
    x = torch.randn(3, 7, 2, 2, dtype=torch.float64)

    found = squeeze_excite(x, layer, 4)

    means = x.sum((2, 3)) / 4
    inside = (means @ layer.reduce.weight[:4, :7, 0, 0].T + layer.reduce.bias[:4]).clamp(min=0)
    weighs = ((inside @ layer.expand.weight[:7, :4, 0, 0].T + layer.expand.bias[:7] + 3) / 6).clamp(0, 1)
    torch.testing.assert_close(found, x * weighs[:, :, None, None])
