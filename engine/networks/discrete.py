"""The discrete network: a genotype's cells stacked between a stem and a classifier, trained from scratch and tested."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from engine.genotype.genotype import Genotype
from engine.networks.auxiliary import AUXILIARY_PREFIX, AuxiliaryHead
from engine.networks.cell import DiscreteCell
from engine.networks.drop_path import check_probability
from engine.networks.layout import auxiliary_place, reduction_places
from engine.networks.stem import Stem


class DiscreteNetwork(nn.Module):
    """Images (N, image_channels, H, W) to ``(logits, auxiliary logits)``, both (N, classes).

    The auxiliary logits are None in eval mode, and always without the head. The head reads the output of the cell at
    two thirds of the depth (the second reduction). ``CifarNetwork`` and ``ImageNetNetwork`` choose stem and head.

    Args:
        stem: gives both inputs of the first cell.
        head: class of the auxiliary head; None builds none.
        channels: C of the first cell; each reduction doubles them.
        layers: number of cells.
        image_size: side of the images in pixels; only the head asks for it.

    Attributes:
        channels_last: memory order that images are brought to; weights in that order too make it faster
            (``order_memory`` does both).

    Raises:
        ConfigError: the auxiliary head does not fit the image size.
        GenotypeError: a cell that cannot be built.
    """

    def __init__(
        self, stem: Stem, head: type[AuxiliaryHead] | None, genotype: Genotype, channels: int, classes: int, layers: int, image_size: int
    ) -> None:  # fmt: skip
        super().__init__()
        self._drop_path_probability = 0.0
        self._drops = False
        self._drop_path_tensor: Tensor | None = None
        self.channels_last = False
        self.auxiliary_place = auxiliary_place(layers)
        self.stem = stem
        self.cells = nn.ModuleList()
        before_last = last = stem.channels_out
        auxiliary_channels, feature_size, size = 0, 0, stem.size_out(image_size)
        reduction_before = stem.halves
        for layer in range(layers):
            reduction = layer in reduction_places(layers)
            if reduction:
                channels *= 2
                size = (size + 1) // 2
            cell = DiscreteCell(
                genotype.cell("reduction" if reduction else "normal"), before_last, last, channels,
                reduction=reduction, reduction_before=reduction_before,
            )  # fmt: skip
            self.cells.append(cell)
            before_last, last, reduction_before = last, cell.channels_out, reduction
            if layer == self.auxiliary_place:
                auxiliary_channels, feature_size = last, size
        self.auxiliary_head = head(auxiliary_channels, classes, feature_size) if head is not None else None
        self.classifier = nn.Linear(last, classes)

    @property
    def drop_path_probability(self) -> float:
        """How likely an image loses an operation's output while training; 0 at first, in [0, 1)."""
        return self._drop_path_probability

    @drop_path_probability.setter
    def drop_path_probability(self, probability: float) -> None:
        check_probability(probability)
        if probability == self._drop_path_probability:
            return
        self._drop_path_probability = probability
        self._drops = probability > 0.0
        if self._drop_path_tensor is not None:
            self._drop_path_tensor.fill_(probability)

    def order_memory(self, channels_last: bool) -> None:
        """Lay weights and the images to come out with their channels last in memory, or not; no number changes."""
        self.channels_last = channels_last
        self.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As torch's own. The drop path probability becomes a tensor: as a number it would be compiled in, and the
        network anew in every epoch. Names in ``state_dict()`` stay.
        """
        device = self.classifier.weight.device
        self._drop_path_tensor = torch.tensor(self._drop_path_probability, device=device)
        super().compile(*args, **kwargs)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        probability: float | Tensor = 0.0
        if self._drops:
            compiled = self._drop_path_tensor
            probability = self._drop_path_probability if compiled is None else compiled
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        before_last, last = self.stem(images.contiguous(memory_format=order))
        auxiliary_logits: Tensor | None = None
        for place, cell in enumerate(self.cells):
            before_last, last = last, cell(before_last, last, probability)
            if place == self.auxiliary_place and self.auxiliary_head is not None and self.training:
                auxiliary_logits = self.auxiliary_head(last)
        logits: Tensor = self.classifier(last.mean(dim=(2, 3)))
        return logits, auxiliary_logits


def parameter_count(network: nn.Module, *, include_auxiliary: bool = False) -> int:
    """Number of weights, alphas not among them.

    Published sizes leave the auxiliary head out, since it is not there in a test (DARTS, utils.count_parameters_in_MB).
    """
    return sum(
        parameter.numel()
        for name, parameter in network.named_parameters()
        if include_auxiliary or not name.startswith(f"{AUXILIARY_PREFIX}.")
    )
