"""The network that is exported, with all that somebody else needs to use it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

import engine
from engine.config import RetrainConfig, SubnetConfig, TwoStageConfig, network_kind, resolve
from engine.errors import RunError
from engine.genotype import Genotype, genotype_from_json
from engine.networks import SubnetNetwork, build_network
from engine.networks.subnet import Initialization
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_BEST
from engine.runs.origin import no_subnet_named
from engine.subnets import Architecture
from engine.training.checkpoint import load_best
from engine.two_stage.saved import SavedSupernet, open_saved

PAPER_SIZES: dict[str, dict[str, int]] = {
    "cifar": {"channels": 36, "layers": 20, "classes": 10, "image_size": 32},
    "imagenet": {"channels": 48, "layers": 14, "classes": 1000, "image_size": 224},
}
"""What the papers retrain with; the sizes of a genotype's module where none are said."""


Normalizing = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel."""


@dataclass(frozen=True, kw_only=True)
class ExportedNetwork(ABC):
    """A network and its passport: of cells (``ExportedCells``) or a sub-network (``ExportedSubnet``).

    Attributes:
        network: gives ``(logits, auxiliary logits or None)``; on the CPU, in eval mode.
        normalization: of pixels scaled to 0..1; None where nothing was trained and nothing is known.
        class_names: in the order of the logits; empty where nothing is known.
        origin: what the weights are, in a sentence.
    """

    network: nn.Module
    classes: int
    image_channels: int
    image_size: int
    normalization: Normalizing | None
    class_names: tuple[str, ...]
    origin: str

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """What the network is built from, by the name that the passport has for it."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Sizes that build the network again."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.image_channels, self.image_size, self.image_size

    def passport(self) -> dict[str, Any]:
        """Everything beside the weights, as plain values: the metadata of every format."""
        mean, std = self.normalization or (None, None)
        return {
            "written_by": f"nascope {engine.__version__}", **self.record(), "network": self.settings(),
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


@dataclass(frozen=True, kw_only=True)
class ExportedCells(ExportedNetwork):
    """A discrete network of a genotype's cells."""

    genotype: Genotype
    config: RetrainConfig
    kind: Literal["cifar", "imagenet"]

    def record(self) -> dict[str, Any]:
        return {"genotype": self.genotype.as_json()}

    def settings(self) -> dict[str, Any]:
        return {
            "network": self.kind, "channels": self.config.channels, "layers": self.config.layers, "classes": self.classes,
            "auxiliary": self.config.auxiliary, "image_channels": self.image_channels, "image_size": self.image_size,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ExportedSubnet(ExportedNetwork):
    """A sub-network of a two-stage space. It takes images of ``image_size`` and resizes them to its own resolution.

    Attributes:
        initialization, zero_gamma: how a training of it from scratch begins, for formats that hold its source.
    """

    network: SubnetNetwork
    initialization: Initialization = "default"
    zero_gamma: bool = True

    @property
    def architecture(self) -> Architecture:
        """Its record, with the number of classes that it has."""
        return self.network.architecture

    def record(self) -> dict[str, Any]:
        return {"architecture": self.architecture.as_json()}

    def settings(self) -> dict[str, Any]:
        return {
            "network": "subnet", "space": self.architecture.space.name, "resolution": self.architecture.resolution,
            "classes": self.classes, "image_channels": self.image_channels, "image_size": self.image_size,
        }  # fmt: skip


class MainLogits(nn.Module):
    """Images (N, C, H, W) to logits (N, classes), and nothing else.

    Args:
        normalization: takes pixels of 0..1 and normalizes them first, where given.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, normalization: Normalizing | None) -> None:
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
        RunError: the run has no network of its own (a search, a supernet), or has not trained an epoch yet.
    """
    config = folder.config()
    if isinstance(config, TwoStageConfig):
        raise no_subnet_named(folder)
    if not isinstance(config, RetrainConfig | SubnetConfig):
        raise RunError(
            "a search has no trained network.", where=str(folder.path),
            mend=f"Retrain its cell first: nascope retrain {folder.path}",
        )  # fmt: skip
    chosen, checkpoint = load_best(folder)
    trained = checkpoint["trainer"]
    size, image_channels, names = trained["image_size"], trained["image_channels"], tuple(trained["classes"])
    mean, std = trained["normalization"]
    kind = "best on the validation split" if chosen == CHECKPOINT_BEST else "last"
    origin = f"trained by nascope for {checkpoint['epochs_ended']} epochs on {config.data} ({kind})"
    normalization = (tuple(mean), tuple(std))
    if isinstance(config, SubnetConfig):
        subnet = build_network(config, len(names), image_channels, size)
        subnet.load_state_dict(trained["weights"])
        return ExportedSubnet(
            network=subnet.eval(), classes=len(names), image_channels=image_channels, image_size=size,
            normalization=normalization, class_names=names, origin=origin, initialization=config.initialization,
            zero_gamma=config.zero_gamma,
        )  # fmt: skip
    network = build_network(config, len(names), image_channels, size)
    network.load_state_dict(trained["weights"])
    return ExportedCells(
        network=network.eval(), genotype=genotype_from_json(config.genotype), config=config,
        kind=network_kind(config.network, size), classes=len(names), image_channels=image_channels, image_size=size,
        normalization=normalization, class_names=names, origin=origin,
    )  # fmt: skip


def cut_out_network(folder: RunFolder, architecture: Architecture) -> ExportedSubnet:
    """A sub-network of a two-stage run, with calibrated batch norms.

    Raises:
        RunError: the run has no supernet, or has not trained an epoch yet.
        DataError: the images for the calibration are not there, or have changed.
    """
    saved = open_saved(folder, "cpu")
    try:
        return exported_subnet(saved, architecture)
    finally:
        saved.close()


def exported_subnet(saved: SavedSupernet, architecture: Architecture) -> ExportedSubnet:
    """As ``cut_out_network``, of a supernet that is open already; ``architecture`` may be for any number of classes."""
    data = saved.data
    network = saved.network(replace(architecture, space=saved.space)).to("cpu")
    network.order_memory(False)
    of = "best by validation accuracy" if saved.checkpoint == CHECKPOINT_BEST else "last"
    return ExportedSubnet(
        network=network.eval(), classes=len(data.class_names), image_channels=data.channels, image_size=data.image_size,
        normalization=(data.normalization.mean, data.normalization.std), class_names=tuple(data.class_names),
        origin=f"cut out of a supernet that nascope trained for {saved.epoch} epochs on {saved.config.data} ({of}), batch norms calibrated",
        initialization=saved.config.initialization, zero_gamma=saved.config.zero_gamma,
    )  # fmt: skip


def fresh_subnet(
    architecture: Architecture, *, classes: int | None = None, image_size: int | None = None, image_channels: int = 3, seed: int = 0
) -> ExportedSubnet:  # fmt: skip
    """A sub-network as a training from scratch would begin it, for images of its own resolution where no size is said."""
    count = classes or architecture.space.classes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SubnetNetwork(replace(architecture, space=architecture.space.with_classes(count)))
    return ExportedSubnet(
        network=network.eval(), classes=count, image_channels=image_channels, image_size=image_size or architecture.resolution,
        normalization=None, class_names=(), origin="fresh, not trained",
    )  # fmt: skip


def fresh_network(
    genotype: Genotype, kind: Literal["cifar", "imagenet"] = "cifar", *, channels: int | None = None, layers: int | None = None,
    classes: int | None = None, image_size: int | None = None, image_channels: int = 3, auxiliary: bool = True, seed: int = 0,
) -> ExportedCells:  # fmt: skip
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
    return ExportedCells(
        network=network.eval(), genotype=genotype, config=config, kind=kind, classes=count, image_channels=image_channels,
        image_size=size, normalization=None, class_names=(), origin="fresh, not trained",
    )  # fmt: skip
