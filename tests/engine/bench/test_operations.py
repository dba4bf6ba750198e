"""Counting operations and sorting their time, against steps small enough to count by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.bench.operations import count_operations
from engine.bench.shares import KINDS, kind_of, time_shares

CPU = torch.device("cpu")


def test_views_are_not_counted():
    x = torch.ones(2, 6)

    assert count_operations(lambda: x.view(3, 4).t()[1:].unsqueeze(0)) == 0
    assert count_operations(lambda: (x.view(3, 4) * 2 + 1).t()) == 2


def test_backward_is_counted_too():
    x, w = torch.ones(3), torch.ones(3, requires_grad=True)

    def step():
        torch.autograd.grad((w * x).sum(), w)

    # mul, sum; then the first gradient (ones_like), expanded as a view, times x.
    assert count_operations(step) == 4


def test_counting_stops_with_the_work_also_where_it_fails():
    with pytest.raises(ZeroDivisionError):
        count_operations(lambda: 1 / 0)

    assert torch.utils._python_dispatch._get_current_dispatch_mode() is None


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("convolution", "mkldnn_convolution convolution_backward cudnn_convolution _conv_depthwise2d thnn_conv2d conv2d"),
        ("batch_norm", "native_batch_norm native_batch_norm_backward cudnn_batch_norm _batch_norm_impl_index"),
        ("pooling", "max_pool2d_with_indices avg_pool2d_backward _adaptive_avg_pool2d mean_pool"),
        ("matrix_products", "mm bmm addmm matmul linear mv _addmm baddbmm dot"),
        ("copies", "copy_ clone contiguous cat _to_copy empty_strided constant_pad_nd slice_backward fill_ repeat"),
        ("elementwise", "relu relu_ threshold_backward add add_ mul div_ sum mean clamp_min _softmax addcmul where"),
        ("optimizer", "_foreach_add_ _fused_sgd_ _foreach_norm"),
        ("other", "view permute nll_loss_forward as_strided topk eq convert_element"),
    ],
)  # fmt: skip
def test_operations_have_the_kind_that_people_expect(kind, names):
    assert {kind_of(f"aten::{name}") for name in names.split()} == {kind}


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        ("convolution", lambda x: nn.functional.conv2d(x, torch.ones(32, 32, 5, 5), padding=2)),
        ("matrix_products", lambda x: x.flatten(1) @ x.flatten(1).t()),
        ("elementwise", lambda x: (x * 2 + x).relu()),
        ("pooling", lambda x: nn.functional.max_pool2d(x, 3, 1, 1)),
        ("batch_norm", lambda x: nn.functional.batch_norm(x, None, None, training=True)),
        ("copies", lambda x: x.permute(1, 2, 3, 0).contiguous()),
    ],
)
def test_the_kind_that_works_has_the_largest_share(kind, work):
    x = torch.randn(16, 32, 32, 32)
    work(x)

    shares = time_shares(lambda: work(x), CPU)

    assert set(shares) == set(KINDS)
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=shares.get) == kind


@pytest.mark.parametrize("foreach", [True, False])
def test_what_an_optimizer_does_is_the_optimizers(foreach):
    weight = torch.ones(500_000, requires_grad=True)
    optimizer = torch.optim.Adam([weight], foreach=foreach)
    weight.grad = torch.ones_like(weight)
    optimizer.step()

    shares = time_shares(optimizer.step, CPU)

    assert shares["optimizer"] > 0.99


def test_profiling_writes_nothing(capfd):
    time_shares(lambda: torch.ones(3) + 1, CPU)

    assert capfd.readouterr() == ("", "")


def test_no_time_at_all_has_no_shares():
    assert time_shares(lambda: None, CPU) is None
