"""The discrete network for small images: a genotype's cells stacked, trained from scratch and tested."""

from __future__ import annotations

from torch import Tensor, nn

from engine.genotype.genotype import Genotype
from engine.networks.auxiliary import AUXILIARY_PREFIX, CifarAuxiliaryHead
from engine.networks.cell import DiscreteCell
from engine.networks.drop_path import check_probability
from engine.networks.layout import auxiliary_place, reduction_places
from engine.networks.stem import CifarStem


class CifarNetwork(nn.Module):
    """Images (N, image_channels, H, W) to ``(logits, auxiliary logits)``, both (N, classes).

    The auxiliary logits are None in eval mode, and always without the head. The head reads the output of the cell at
    two thirds of the depth (the second reduction).

    Args:
        channels: C of the first cell; each reduction doubles them.
        layers: number of cells.
        auxiliary: whether the head is built; its weights are then part of ``state_dict()``.
        image_size: side of the images in pixels; only the head asks for it.

    Raises:
        ConfigError: the auxiliary head does not fit the image size.
        GenotypeError: a cell that cannot be built.

    Source: DARTS, cnn/model.NetworkCIFAR.
    """

    def __init__(
        self,
        genotype: Genotype,
        channels: int,
        classes: int,
        layers: int,
        *,
        auxiliary: bool = False,
        image_channels: int = 3,
        image_size: int = 32,
    ) -> None:
        super().__init__()
        self._drop_path_probability = 0.0
        self.auxiliary_place = auxiliary_place(layers)
        self.stem = CifarStem(image_channels, channels)
        self.cells = nn.ModuleList()
        before_last = last = self.stem.channels_out
        auxiliary_channels = feature_size = 0
        reduction_before = False
        for layer in range(layers):
            reduction = layer in reduction_places(layers)
            if reduction:
                channels *= 2
                image_size = (image_size + 1) // 2
            cell = DiscreteCell(
                genotype.cell("reduction" if reduction else "normal"), before_last, last, channels,
                reduction=reduction, reduction_before=reduction_before,
            )  # fmt: skip
            self.cells.append(cell)
            before_last, last, reduction_before = last, cell.channels_out, reduction
            if layer == self.auxiliary_place:
                auxiliary_channels, feature_size = last, image_size
        self.auxiliary_head = CifarAuxiliaryHead(auxiliary_channels, classes, feature_size) if auxiliary else None
        self.classifier = nn.Linear(last, classes)

    @property
    def drop_path_probability(self) -> float:
        """How likely an image loses an operation's output while training; 0 at first, in [0, 1)."""
        return self._drop_path_probability

    @drop_path_probability.setter
    def drop_path_probability(self, probability: float) -> None:
        check_probability(probability)
        self._drop_path_probability = probability

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        before_last = last = self.stem(images)
        auxiliary_logits: Tensor | None = None
        for place, cell in enumerate(self.cells):
            before_last, last = last, cell(before_last, last, self._drop_path_probability)
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
