"""The weight-sharing supernet of two-stage methods: the biggest network, of which every sub-network is a part."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.mbconv import ConvNorm, DropConnectStages, MBConv, block_shapes, drop_connect_rates
from engine.networks.subnet import Head, Initialization, SubnetNetwork, initialize, prepare_images
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest
from engine.two_stage.dynamic import block_pass, conv_norm, convolve, part_of


class DynamicSupernet(nn.Module):
    """Images (N, C, H, W) and an architecture to its logits (N, classes).

    Batch norms use the statistics of the batch at hand and keep none: no running ones could fit every sub-network. So a
    pass needs train mode; to evaluate, a sub-network is cut out and calibrated (``engine.two_stage.calibration``).

    Every block has a convolution in its shortcut, as in the published code: between equal widths no network uses it, and
    it never has a gradient.

    Weights have the names that they have in ``SubnetNetwork``.

    Args:
        space: for the number of classes of the data.
        initialization, zero_gamma: as ``engine.networks.subnet.initialize``.

    Attributes:
        channels_last: memory order that images are brought to (``order_memory``).
    """

    def __init__(self, space: Space, *, initialization: Initialization = "default", zero_gamma: bool = True) -> None:
        super().__init__()
        self.space = space
        self.channels_last = False
        widest = biggest(space)
        self.stem = ConvNorm(space.image_channels, widest.width[0], 3, stride=space.first_stride)
        self.stages = nn.ModuleList(
            nn.ModuleList(MBConv(shape, always_projects=True) for shape in stage) for stage in block_shapes(widest)
        )
        self.head = Head(widest)
        self.classifier = nn.Linear(widest.width[-1], space.classes)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.track_running_stats = False
                module.running_mean = module.running_var = module.num_batches_tracked = None
        initialize(self, initialization, zero_gamma=zero_gamma)

    def order_memory(self, channels_last: bool) -> None:
        """Lay weights and the images to come out with their channels last in memory, or not; no number changes."""
        self.channels_last = channels_last
        self.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)

    def forward(
        self,
        images: Tensor,
        architecture: Architecture,
        *,
        dropout: float = 0.0,
        drop_connect: float = 0.0,
        drop_connect_stages: DropConnectStages = "last-two",
    ) -> Tensor:
        """The logits of one sub-network.

        Args:
            images: of any side; they are resized to the architecture's resolution. Grey ones are repeated.
            dropout: before the classifier.
            drop_connect: as ``engine.networks.mbconv.drop_connect_rates``.

        Raises:
            RuntimeError: in eval mode.
            ValueError: the architecture is of another space.
        """
        if not self.training:
            raise RuntimeError("a supernet has no statistics to evaluate with: cut a sub-network out and calibrate it.")
        self._refuse_other_space(architecture)
        rates = drop_connect_rates(self.space, drop_connect, drop_connect_stages)
        x = prepare_images(images, architecture)
        x = x.contiguous(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)
        x = conv_norm(x, self.stem, architecture.width[0], 3)
        for stage, shapes in zip(self.stages, block_shapes(architecture), strict=True):
            assert isinstance(stage, nn.ModuleList)
            for block, shape in zip(stage, shapes, strict=False):  # the first blocks; deeper ones are left out
                assert isinstance(block, MBConv)
                x = block_pass(x, block, shape, rates[shape.place])
        features = architecture.width[-1]
        if self.head.mix is None:
            x = conv_norm(x, self.head.expand, features).mean((2, 3), keepdim=True)
        else:
            x = conv_norm(x, self.head.expand, x.shape[1] * self.space.head_expansion).mean((2, 3), keepdim=True)
            x = F.silu(convolve(x, self.head.mix, features))
        x = x.flatten(1)
        if dropout:
            x = F.dropout(x, dropout)
        return F.linear(x, part_of(self.classifier.weight, (self.space.classes, features)), self.classifier.bias)

    @torch.no_grad()
    def cut_out(self, architecture: Architecture) -> SubnetNetwork:
        """The sub-network as a network of its own: copies of its parts, on the same device in the same number format.

        In train mode, with fresh batch-norm statistics: it must be calibrated before it is evaluated. Draws no random
        numbers, so that a training goes on as if nobody had looked.

        Raises:
            ValueError: the architecture is of another space.
        """
        self._refuse_other_space(architecture)
        weights = dict(self.named_parameters())
        like = self.classifier.weight
        with torch.device("meta"):  # Its first values would be drawn for nothing.
            network = SubnetNetwork(architecture)
        network = network.to(like.dtype).to_empty(device=like.device)
        for name, parameter in network.named_parameters():
            parameter.copy_(part_of(weights[name], parameter.shape))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        return network

    def _refuse_other_space(self, architecture: Architecture) -> None:
        if architecture.space is not self.space and architecture.space != self.space:
            raise ValueError(
                f"an architecture of {architecture.space.name} with {architecture.space.classes} classes, and the supernet is of "
                f"{self.space.name} with {self.space.classes}."
            )
