"""The search step as the public DARTS and PC-DARTS code does it: the yardstick of ``search_step.py``.

One module for each operation of each edge, images in NCHW, every operation computed and weighed (``none`` too, as a
multiplication by zero), a whole backward pass in the alpha step, a network built anew for each unrolled step, and
PyTorch's optimizers as they come. It shares no code with ``engine`` and is neither slowed down nor tuned: where the
public code leaves something to PyTorch, so does this. Running the file does nothing.

Source: DARTS, cnn/model_search, operations and architect; PC-DARTS, model_search. Retold, not copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PRIMITIVES = (
    "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
ALPHA_SPREAD = 1e-3
Batch = tuple[Tensor, Tensor]
"""Images (N, 3, H, W) and labels (N,)."""


class Zero(nn.Module):
    """``none``: the input times zero, every second pixel where the stride is 2."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0) if self.stride == 1 else x[:, :, :: self.stride, :: self.stride].mul(0.0)


class FactorizedReduce(nn.Module):
    """Two 1×1 convolutions of stride 2, the second one pixel aside, half of the channels each. Even sizes only."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.straight = nn.Conv2d(channels_in, channels_out // 2, 1, stride=2, bias=False)
        self.shifted = nn.Conv2d(channels_in, channels_out // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        return self.norm(torch.cat([self.straight(x), self.shifted(x[:, :, 1:, 1:])], dim=1))


def relu_conv_norm(channels_in: int, channels_out: int) -> nn.Sequential:
    """What fits a cell's input to its channels."""
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out, affine=False)
    )


def separable(channels: int, kernel: int, stride: int, *, dilation: int = 1) -> list[nn.Module]:
    """ReLU, depthwise convolution, 1×1 convolution, batch norm."""
    reach = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, reach, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=False),
    ]


def build_operation(name: str, channels: int, stride: int) -> nn.Module:
    """The search form of a primitive: batch norms without scale and shift, one behind each pool too."""
    if name == "none":
        return Zero(stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)
    if name == "max_pool_3x3":
        return nn.Sequential(nn.MaxPool2d(3, stride, 1), nn.BatchNorm2d(channels, affine=False))
    if name == "avg_pool_3x3":
        pool = nn.AvgPool2d(3, stride, 1, count_include_pad=False)
        return nn.Sequential(pool, nn.BatchNorm2d(channels, affine=False))
    kernel = int(name[-1])
    if name.startswith("dil_conv"):
        return nn.Sequential(*separable(channels, kernel, stride, dilation=2))
    return nn.Sequential(*separable(channels, kernel, stride), *separable(channels, kernel, 1))


class MixedOperation(nn.Module):
    """Sum of all operations of an edge, each times its weight."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.operations = nn.ModuleList(build_operation(name, channels, stride) for name in PRIMITIVES)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        return sum(weight * operation(x) for weight, operation in zip(weights, self.operations, strict=True))


class PartialMixedOperation(nn.Module):
    """PC-DARTS: the first of ``parts`` parts of the channels is mixed, the others pass, then all are shuffled."""

    def __init__(self, channels: int, stride: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.pool = nn.MaxPool2d(2, 2)
        self.operations = nn.ModuleList(build_operation(name, channels // parts, stride) for name in PRIMITIVES)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        mixed_channels = x.shape[1] // self.parts
        first, passing = x[:, :mixed_channels], x[:, mixed_channels:]
        mixed = sum(weight * operation(first) for weight, operation in zip(weights, self.operations, strict=True))
        if mixed.shape[2] != x.shape[2]:
            passing = self.pool(passing)
        together = torch.cat([mixed, passing], dim=1)
        images, channels, height, width = together.shape
        dealt = together.view(images, self.parts, channels // self.parts, height, width).transpose(1, 2).contiguous()
        return dealt.view(images, channels, height, width)


class Cell(nn.Module):
    """Four nodes, each the sum of a mixed operation of every earlier state."""

    def __init__(
        self,
        channels_before_last: int,
        channels_last: int,
        channels: int,
        *,
        nodes: int,
        reduction: bool,
        reduction_before: bool,
        parts: int,
    ) -> None:
        super().__init__()
        self.nodes, self.reduction = nodes, reduction
        fit_before_last = FactorizedReduce if reduction_before else relu_conv_norm
        self.preprocess0 = fit_before_last(channels_before_last, channels)
        self.preprocess1 = relu_conv_norm(channels_last, channels)
        self.edges = nn.ModuleList()
        for node in range(nodes):
            for source in range(2 + node):
                stride = 2 if reduction and source < 2 else 1
                self.edges.append(
                    MixedOperation(channels, stride)
                    if parts == 1
                    else PartialMixedOperation(channels, stride, parts)
                )  # fmt: skip

    def forward(self, before_last: Tensor, last: Tensor, weights: Tensor, edge_weights: Tensor | None) -> Tensor:
        states = [self.preprocess0(before_last), self.preprocess1(last)]
        first = 0
        for _ in range(self.nodes):
            if edge_weights is None:
                node = sum(self.edges[first + j](state, weights[first + j]) for j, state in enumerate(states))
            else:
                node = sum(
                    edge_weights[first + j] * self.edges[first + j](state, weights[first + j])
                    for j, state in enumerate(states)
                )
            first += len(states)
            states.append(node)
        return torch.cat(states[2:], dim=1)


class Network(nn.Module):
    """The supernet: images (N, 3, H, W) to logits (N, classes).

    Args:
        parts: K of PC-DARTS, whose edges have betas; 1 is DARTS.

    Attributes:
        arch: alphas of the normal and the reduction cell (edges, primitives), then betas of both (edges,) for PC-DARTS.
    """

    def __init__(self, channels: int, classes: int, layers: int, *, parts: int = 1, nodes: int = 4) -> None:
        super().__init__()
        self._made_with = {"channels": channels, "classes": classes, "layers": layers, "parts": parts, "nodes": nodes}
        self.nodes = nodes
        self.stem = nn.Sequential(
            nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm2d(3 * channels)
        )  # fmt: skip
        before_last = last = 3 * channels
        reduction_before = False
        self.cells = nn.ModuleList()
        for layer in range(layers):
            reduction = layer in (layers // 3, 2 * layers // 3)
            channels *= 2 if reduction else 1
            self.cells.append(
                Cell(
                    before_last, last, channels, nodes=nodes, reduction=reduction, reduction_before=reduction_before,
                    parts=parts,
                )
            )  # fmt: skip
            before_last, last, reduction_before = last, nodes * channels, reduction
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(last, classes)
        edges = sum(2 + node for node in range(nodes))
        shapes = [(edges, len(PRIMITIVES))] * 2 + ([(edges,)] * 2 if parts > 1 else [])
        self.arch = [(ALPHA_SPREAD * torch.randn(shape)).requires_grad_() for shape in shapes]

    def forward(self, images: Tensor) -> Tensor:
        before_last = last = self.stem(images)
        for cell in self.cells:
            kind = 1 if cell.reduction else 0
            weights = F.softmax(self.arch[kind], dim=-1)
            edge_weights = self._edge_weights(self.arch[2 + kind]) if len(self.arch) > 2 else None
            before_last, last = last, cell(before_last, last, weights, edge_weights)
        pooled = self.pool(last)
        return self.classifier(pooled.view(pooled.shape[0], -1))

    def _edge_weights(self, betas: Tensor) -> Tensor:
        found = F.softmax(betas[:2], dim=-1)
        start = 2
        for node in range(1, self.nodes):
            found = torch.cat([found, F.softmax(betas[start : start + 2 + node], dim=-1)])
            start += 2 + node
        return found

    def fresh(self) -> Network:
        """A network of this shape, its weights drawn anew, its alphas those of this one."""
        other = Network(**self._made_with)
        for theirs, own in zip(other.arch, self.arch, strict=True):
            theirs.data.copy_(own.data)
        return other

    @torch.no_grad()
    def copy_in(self, weights: Iterable[Tensor], arch: Iterable[Tensor]) -> None:
        """Take the values of another supernet: its ``state_dict`` and its alphas and betas, both by position.

        Raises:
            ValueError: another number of tensors, or other shapes.
        """
        pairs = [
            *zip(self.state_dict().values(), weights, strict=True),
            *zip(self.arch, arch, strict=True),
        ]  # fmt: skip
        for own, theirs in pairs:
            if own.shape != theirs.shape:
                raise ValueError(f"{tuple(theirs.shape)} does not fit {tuple(own.shape)}")
            own.copy_(theirs)


class TextbookSearch:
    """Alphas and weights trained in turn, with the rates of the DARTS paper.

    Args:
        order: 1, or 2 for the unrolled step.
    """

    def __init__(
        self,
        network: Network,
        order: int,
        *,
        learning_rate: float = 0.025,
        momentum: float = 0.9,
        weight_decay: float = 3e-4,
        clip: float = 5.0,
        alpha_learning_rate: float = 3e-4,
        alpha_weight_decay: float = 1e-3,
    ) -> None:
        self.network, self.order = network, order
        self._learning_rate, self._clip = learning_rate, clip
        self._momentum, self._weight_decay = momentum, weight_decay
        self._weight_optimizer = torch.optim.SGD(
            network.parameters(), lr=learning_rate, momentum=momentum, weight_decay=weight_decay
        )
        self._alpha_optimizer = torch.optim.Adam(
            network.arch, lr=alpha_learning_rate, betas=(0.5, 0.999), weight_decay=alpha_weight_decay
        )

    def step(self, weights_batch: Batch, alphas_batch: Batch) -> tuple[Tensor, Tensor]:
        """One step of both; the losses of the alphas' and of the weights' batch before each was fitted."""
        self.network.train()
        return self.alpha_step(weights_batch, alphas_batch), self.weight_step(weights_batch)

    def alpha_step(self, weights_batch: Batch, alphas_batch: Batch) -> Tensor:
        """One Adam step of alphas and betas. Their gradient stays in ``grad``."""
        self._alpha_optimizer.zero_grad()
        if self.order == 1:
            # Fills the gradients of all weights as well (on top of those of the last weight step); nobody reads them.
            loss = _loss(self.network, alphas_batch)
            loss.backward()
        else:
            loss = self._unrolled_backward(weights_batch, alphas_batch)
        self._alpha_optimizer.step()
        return loss.detach()

    def weight_step(self, batch: Batch) -> Tensor:
        """One clipped SGD step."""
        self._weight_optimizer.zero_grad()
        loss = _loss(self.network, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self._clip)
        self._weight_optimizer.step()
        return loss.detach()

    def _unrolled_backward(self, weights_batch: Batch, alphas_batch: Batch) -> Tensor:
        unrolled = self._unrolled(weights_batch)
        loss = _loss(unrolled, alphas_batch)
        loss.backward()
        gradient = [tensor.grad for tensor in unrolled.arch]
        implicit = self._hessian_vector([weight.grad for weight in unrolled.parameters()], weights_batch)
        for own, direct, correction in zip(self.network.arch, gradient, implicit, strict=True):
            direct.sub_(correction, alpha=self._learning_rate)
            own.grad = direct
        return loss

    def _unrolled(self, batch: Batch) -> Network:
        """A new network with the weights after one SGD step on this batch."""
        weights = list(self.network.parameters())
        loss = _loss(self.network, batch)
        flat = _flat(weights).detach()
        state = self._weight_optimizer.state
        if "momentum_buffer" in state[weights[0]]:
            moment = _flat([state[weight]["momentum_buffer"] for weight in weights]).mul_(self._momentum)
        else:
            moment = torch.zeros_like(flat)
        change = _flat(torch.autograd.grad(loss, weights)) + self._weight_decay * flat
        flat = flat.sub(moment + change, alpha=self._learning_rate)

        unrolled = self.network.fresh()
        values = self.network.state_dict()
        start = 0
        for name, weight in self.network.named_parameters():
            values[name] = flat[start : start + weight.numel()].view(weight.shape)
            start += weight.numel()
        unrolled.load_state_dict(values)
        return unrolled

    def _hessian_vector(self, direction: Sequence[Tensor], batch: Batch, radius: float = 0.01) -> tuple[Tensor, ...]:
        """Central difference of the alphas' gradient along ``direction`` in the weights, which are moved and moved back."""
        weights = list(self.network.parameters())
        epsilon = radius / _flat(direction).norm()  # stays a tensor, read anew for each weight
        for weight, part in zip(weights, direction, strict=True):
            weight.data.add_(part, alpha=epsilon)
        ahead = torch.autograd.grad(_loss(self.network, batch), self.network.arch)
        for weight, part in zip(weights, direction, strict=True):
            weight.data.sub_(part, alpha=2 * epsilon)
        behind = torch.autograd.grad(_loss(self.network, batch), self.network.arch)
        for weight, part in zip(weights, direction, strict=True):
            weight.data.add_(part, alpha=epsilon)
        return tuple((plus - minus).div_(2 * epsilon) for plus, minus in zip(ahead, behind, strict=True))


def _loss(network: Network, batch: Batch) -> Tensor:
    images, labels = batch
    return F.cross_entropy(network(images), labels)


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
