"""Builds the operations that ``engine.genotype.primitives`` declares.

Two forms of every operation: the **search** form has batch norms without scale and shift (else the scale could undo
the alphas) and a batch norm behind each pool; the **retrain** form has both, and bare pools.
Source: DARTS, cnn/operations.py and model_search.MixedOp; convolutions have no bias, weights PyTorch's own start.
"""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import ConfigError, Fault, GenotypeError
from engine.genotype.primitives import (
    ENTRY_POINT_GROUP,
    PrimitiveDeclaration,
    declaration,
    is_registered,
    registered_names,
    suggestion,
)


def build_primitive(name: str, channels: int, stride: int, *, affine: bool, pool_norm: bool) -> nn.Module:
    """The module of a registered primitive; it maps (N, channels, H, W) to (N, channels, ⌈H/stride⌉, ⌈W/stride⌉).

    Args:
        stride: 1 or 2.
        affine: whether batch norms have a scale and a shift: False in a supernet, True in a discrete network.
        pool_norm: whether a batch norm (by ``affine``) follows a pool: True in a supernet.

    Raises:
        GenotypeError: the primitive is not registered, or its own builder does not give a module.
    """
    if not is_registered(name):
        raise GenotypeError(
            f"primitive «{name}» is not registered, so it cannot be built.{suggestion(name, registered_names())}",
            mend=f"Declare it in an installed package under the entry point «{ENTRY_POINT_GROUP}».",
        )
    declared = declaration(name)
    match declared.kind:
        case "none":
            return Zero(stride)
        case "identity":
            return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine=affine)
        case "pool":
            return _pool(declared, channels, stride, affine=affine, norm=pool_norm)
        case "relu_dw_pw_bn":
            return _depthwise_pointwise(declared, channels, stride, affine=affine)
        case "relu_factorized_bn":
            return _factorized_kernel(declared, channels, stride, affine=affine)
        case "custom":
            return _custom(declared, channels, stride, affine=affine)


class Zero(nn.Module):
    """The primitive ``none``: zeros in the shape that the edge would give.

    The original multiplies by 0, which lets NaN and infinity through; the gradient is 0 either way.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


class ReLUConvBN(nn.Sequential):
    """ReLU, 1×1 convolution, batch norm: (N, in, H, W) to (N, out, H, W). Fits a cell's input to its channels."""

    def __init__(self, channels_in: int, channels_out: int, *, affine: bool) -> None:
        super().__init__(
            OrderedDict(
                relu=nn.ReLU(),
                conv=nn.Conv2d(channels_in, channels_out, 1, bias=False),
                bn=nn.BatchNorm2d(channels_out, affine=affine),
            )
        )


class FactorizedReduce(nn.Module):
    """Halves the resolution without losing half of the pixels: (N, in, H, W) to (N, out, ⌈H/2⌉, ⌈W/2⌉).

    Two 1×1 convolutions, one on every second pixel and one on the pixels between them, give half of the channels
    each; one batch norm follows. Where H or W is odd the shifted image is padded by one row or column of
    zeros at its end (the original stops there, since its halves differ in size); even sizes are untouched.

    Raises:
        ConfigError: ``channels_out`` is odd.
    """

    def __init__(self, channels_in: int, channels_out: int, *, affine: bool) -> None:
        super().__init__()
        if channels_out % 2:
            raise ConfigError(
                [Fault("channels", f"a factorized reduce cannot give {channels_out} channels.", "Use an even number.")]
            )
        self.relu = nn.ReLU()
        # Of stride 1 on every second pixel: with a stride of 2, few channels and channels last, torch 2.14.1's backward
        # pass writes beyond its memory on processors.
        self.conv1 = nn.Conv2d(channels_in, channels_out // 2, 1, bias=False)
        self.conv2 = nn.Conv2d(channels_in, channels_out // 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels_out, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        shifted = x[:, :, 1:, 1:]
        rows_missing, columns_missing = x.shape[2] % 2, x.shape[3] % 2
        if rows_missing or columns_missing:
            shifted = F.pad(shifted, (0, columns_missing, 0, rows_missing))
        halves = [self.conv1(x[:, :, ::2, ::2]), self.conv2(shifted[:, :, ::2, ::2])]
        found: Tensor = self.bn(torch.cat(halves, dim=1))
        return found


def _pool(declared: PrimitiveDeclaration, channels: int, stride: int, *, affine: bool, norm: bool) -> nn.Module:
    padding = (declared.kernel[0] // 2, declared.kernel[1] // 2)
    pool: nn.Module
    if declared.pooling == "max":
        pool = nn.MaxPool2d(declared.kernel, stride=stride, padding=padding)
    else:
        pool = nn.AvgPool2d(declared.kernel, stride=stride, padding=padding, count_include_pad=False)
    return nn.Sequential(OrderedDict(pool=pool, bn=nn.BatchNorm2d(channels, affine=affine))) if norm else pool


def _depthwise_pointwise(declared: PrimitiveDeclaration, channels: int, stride: int, *, affine: bool) -> nn.Module:
    """``repeats`` times ReLU, depthwise, pointwise, batch norm; only the first depthwise has the stride."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    padding = (declared.dilation * (declared.kernel[0] // 2), declared.dilation * (declared.kernel[1] // 2))
    for time in range(1, declared.repeats + 1):
        layers[f"relu{time}"] = nn.ReLU()
        layers[f"dw{time}"] = nn.Conv2d(
            channels, channels, declared.kernel, stride=stride if time == 1 else 1, padding=padding,
            dilation=declared.dilation, groups=channels, bias=False,
        )  # fmt: skip
        layers[f"pw{time}"] = nn.Conv2d(channels, channels, 1, bias=False)
        layers[f"bn{time}"] = nn.BatchNorm2d(channels, affine=affine)
    return nn.Sequential(layers)


def _factorized_kernel(declared: PrimitiveDeclaration, channels: int, stride: int, *, affine: bool) -> nn.Module:
    """ReLU, a full convolution along the rows, one along the columns, batch norm."""
    height, width = declared.kernel
    return nn.Sequential(
        OrderedDict(
            relu=nn.ReLU(),
            conv1=nn.Conv2d(channels, channels, (1, width), (1, stride), (0, width // 2), bias=False),
            conv2=nn.Conv2d(channels, channels, (height, 1), (stride, 1), (height // 2, 0), bias=False),
            bn=nn.BatchNorm2d(channels, affine=affine),
        )
    )


def _custom(declared: PrimitiveDeclaration, channels: int, stride: int, *, affine: bool) -> nn.Module:
    builder = _builder(declared)
    try:
        built = builder(channels, stride, affine)
    except Exception as error:
        raise GenotypeError(
            f"builder «{declared.builder}» stopped with {type(error).__name__}: {error}",
            where=f"primitive «{declared.name}»",
            mend="It is called as function(channels, stride, affine).",
        ) from error
    if not isinstance(built, nn.Module):
        raise GenotypeError(
            f"builder «{declared.builder}» gave {type(built).__name__}, no torch module.",
            where=f"primitive «{declared.name}»",
            mend="Return a torch.nn.Module that keeps the channels.",
        )
    return built


def _builder(declared: PrimitiveDeclaration) -> Callable[[int, int, bool], Any]:
    where = f"primitive «{declared.name}»"
    module_name, colon, function_name = (declared.builder or "").partition(":")
    if not (module_name and colon and function_name):
        raise GenotypeError(
            f"its builder is {declared.builder!r}.",
            where=where,
            mend='Name one as "module:function" in the declaration.',
        )
    try:
        found = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise GenotypeError(
            f"builder «{declared.builder}» cannot be imported ({error}).",
            where=where,
            mend="Install its package, or mend the name in the declaration.",
        ) from error
    if not callable(found):
        raise GenotypeError(f"builder «{declared.builder}» is no function.", where=where, mend="Name a function.")
    return cast(Callable[[int, int, bool], Any], found)
