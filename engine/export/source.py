"""The network that is exported, with all that somebody else needs to use it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

import engine
from engine.config import RetrainConfig, network_kind, resolve
from engine.errors import RunError
from engine.genotype import Genotype, genotype_from_json
from engine.networks import DiscreteNetwork, build_network
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_BEST, CHECKPOINT_LAST
from engine.training.checkpoint import load_checkpoint

PAPER_SIZES: dict[str, dict[str, int]] = {
    "cifar": {"channels": 36, "layers": 20, "classes": 10, "image_size": 32},
    "imagenet": {"channels": 48, "layers": 14, "classes": 1000, "image_size": 224},
}
"""What the papers retrain with; the sizes of a genotype's module where none are said."""


@dataclass(frozen=True)
class ExportedNetwork:
    """A discrete network and its passport.

    Attributes:
        network: on the CPU, in eval mode.
        normalization: mean and standard deviation of each channel, of pixels scaled to 0..1; None where nothing was
            trained and nothing is known.
        class_names: in the order of the logits; empty where nothing is known.
        origin: what the weights are, in a sentence.
    """

    network: DiscreteNetwork
    genotype: Genotype
    config: RetrainConfig
    kind: Literal["cifar", "imagenet"]
    classes: int
    image_channels: int
    image_size: int
    normalization: tuple[tuple[float, ...], tuple[float, ...]] | None
    class_names: tuple[str, ...]
    origin: str

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.image_channels, self.image_size, self.image_size

    def settings(self) -> dict[str, Any]:
        """Sizes that build the network again."""
        return {
            "network": self.kind, "channels": self.config.channels, "layers": self.config.layers, "classes": self.classes,
            "auxiliary": self.config.auxiliary, "image_channels": self.image_channels, "image_size": self.image_size,
        }  # fmt: skip

    def passport(self) -> dict[str, Any]:
        """Everything beside the weights, as plain values: the metadata of every format."""
        mean, std = self.normalization or (None, None)
        return {
            "written_by": f"nascope {engine.__version__}", "genotype": self.genotype.as_json(), "network": self.settings(),
            "classes": list(self.class_names),
            "normalization": None if mean is None or std is None else {"mean": list(mean), "std": list(std)},
            "input_shape": list(self.input_shape), "weights": self.origin,
        }  # fmt: skip

    def passport_texts(self) -> dict[str, str]:
        """The passport for formats whose metadata are texts: each value as JSON, a text as it is."""
        return {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in self.passport().items()
        }


class MainLogits(nn.Module):
    """Images (N, C, H, W) to logits (N, classes), and nothing else.

    Args:
        normalization: takes pixels of 0..1 and normalizes them first, where given.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, normalization: tuple[tuple[float, ...], tuple[float, ...]] | None) -> None:
        super().__init__()
        self.network = network
        self.normalizes = normalization is not None
        mean, std = normalization or ((0.0,), (1.0,))
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        if self.normalizes:
            images = (images - self.mean) / self.std
        logits: Tensor = self.network(images)[0]
        return logits


def trained_network(folder: RunFolder) -> ExportedNetwork:
    """The network of a retraining, with the weights that ``nascope test`` measures: best on validation, else last.

    Raises:
        RunError: the run is a search, or has not trained an epoch yet.
    """
    config = folder.config()
    if not isinstance(config, RetrainConfig):
        raise RunError(
            "a search has no trained network.", where=str(folder.path),
            mend=f"Retrain its cell first: nascope retrain {folder.path}",
        )  # fmt: skip
    chosen = CHECKPOINT_BEST if (folder.path / CHECKPOINT_BEST).exists() else CHECKPOINT_LAST
    checkpoint = load_checkpoint(folder.path / chosen)
    if not checkpoint["epochs_ended"]:
        raise RunError("no epoch is trained yet.", where=str(folder.path), mend="Wait for its first, or resume it.")
    trained = checkpoint["trainer"]
    size, image_channels, names = trained["image_size"], trained["image_channels"], tuple(trained["classes"])
    network = build_network(config, len(names), image_channels, size)
    network.load_state_dict(trained["weights"])
    mean, std = trained["normalization"]
    kind = "best on the validation split" if chosen == CHECKPOINT_BEST else "last"
    return ExportedNetwork(
        network.eval(), genotype_from_json(config.genotype), config, network_kind(config.network, size), len(names),
        image_channels, size, (tuple(mean), tuple(std)), names,
        f"trained by nascope for {checkpoint['epochs_ended']} epochs on {config.data} ({kind})",
    )  # fmt: skip


def fresh_network(
    genotype: Genotype, kind: Literal["cifar", "imagenet"] = "cifar", *, channels: int | None = None, layers: int | None = None,
    classes: int | None = None, image_size: int | None = None, image_channels: int = 3, auxiliary: bool = True, seed: int = 0,
) -> ExportedNetwork:  # fmt: skip
    """The network of a genotype as a retraining would begin it; sizes are the papers' where none are said.

    Raises:
        ConfigError: sizes that make no network (the auxiliary head fits 32 or 224 pixels or so).
        GenotypeError: a primitive that is not registered.
    """
    paper = PAPER_SIZES[kind]
    size = image_size or paper["image_size"]
    values = {
        "genotype": genotype.as_json(), "network": kind, "channels": channels or paper["channels"],
        "layers": layers or paper["layers"], "auxiliary": auxiliary, "seed": seed,
    }  # fmt: skip
    config = resolve("retrain", data="cifar10", preset="paper", values=values)
    assert isinstance(config, RetrainConfig)
    count = classes or paper["classes"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(config, count, image_channels, size)
    return ExportedNetwork(
        network.eval(), genotype, config, kind, count, image_channels, size, None, (), "fresh, not trained",
    )  # fmt: skip
