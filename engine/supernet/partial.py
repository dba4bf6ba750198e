"""The mixed operation of an edge: all candidates at once, on all channels or, as PC-DARTS has it, on a part of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import ConfigError, Fault, GenotypeError
from engine.primitives import Zero, build_primitive


class MixedOperation(nn.Module):
    """Weighted sum of every primitive applied to one state (DARTS eq. 2), on one of ``parts`` parts of the channels.

    With ``parts`` = K above 1 (PC-DARTS section 3.2, MixedOp of its code) the first C/K channels are mixed and the
    others pass by; where the stride is 2 a 2×2 max pool brings them to the same size, rounding odd sizes up as the
    operations do. A channel shuffle follows, so that another part comes first at the next edge.

    Each primitive is a submodule under its own name: a state-dict key reads ``sep_conv_3x3.pw1.weight``.

    Raises:
        ConfigError: ``channels`` is no multiple of ``parts``.
        GenotypeError: a primitive that cannot be built.
    """

    def __init__(self, channels: int, stride: int, primitives: Sequence[str], *, parts: int = 1) -> None:
        super().__init__()
        if channels % parts:
            fault = f"{channels} channels cannot be cut into {parts} equal parts."
            raise ConfigError([Fault("channels", fault, "Use a multiple of partial_channels.")])
        self.stride = stride
        self.parts = parts
        self.mixed_channels = channels // parts
        for name in primitives:
            if "." in name or hasattr(self, name) or hasattr(nn.ModuleDict, name):
                raise GenotypeError(f"«{name}» cannot name a part of a network.", mend="Rename the primitive.")
            self.add_module(name, build_primitive(name, self.mixed_channels, stride, affine=False, pool_norm=True))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """(N, C, H, W) and weights (primitives,) to (N, C, ⌈H/stride⌉, ⌈W/stride⌉)."""
        if self.parts == 1:
            return self._mix(x, weights)
        mixed = self._mix(x[:, : self.mixed_channels], weights)
        passing = x[:, self.mixed_channels :]
        if self.stride == 2:
            passing = F.max_pool2d(passing, 2, 2, ceil_mode=True)
        return shuffle_channels(torch.cat([mixed, passing], dim=1), self.parts)

    def _mix(self, x: Tensor, weights: Tensor) -> Tensor:
        mixed: Tensor | None = None
        for weight, operation in zip(weights, self.children(), strict=True):
            if isinstance(operation, Zero):
                continue  # zeros add nothing: the alpha of ``none`` acts through the softmax that it takes part in
            term = weight * operation(x)
            mixed = term if mixed is None else mixed + term
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride]) if mixed is None else mixed


def shuffle_channels(x: Tensor, groups: int) -> Tensor:
    """Deal the channels of (N, C, H, W) out: channel g·C/groups + r goes to r·groups + g."""
    images, channels, height, width = x.shape
    return x.view(images, groups, channels // groups, height, width).transpose(1, 2).reshape(x.shape)
