"""Training of one network: of a genotype's cells or of a sub-network, from scratch, or fine-tuned from a supernet.

Source: DARTS train.py and train_imagenet.py; for sub-networks see ``engine.config.subnet``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import RetrainConfig, SubnetConfig
from engine.data import LoadedData, open_stream
from engine.distributed import ALONE, Ranks
from engine.errors import DataError
from engine.networks import OneNetworkConfiguration, SubnetNetwork, build_network, parameter_count
from engine.retrain.compiling import compile_errors_told, compile_network
from engine.retrain.fine_tuning import data_of_supernet, take_over
from engine.retrain.optimizer import make_optimizer
from engine.retrain.parallel import spread
from engine.training.evaluate import Evaluation, evaluate
from engine.training.memory_format import memory_format_for
from engine.training.schedule import learning_rate
from engine.training.trainer import (
    EpochReport,
    Report,
    StopCheck,
    refuse_small_shares,
    said_by_data,
    said_by_settings,
    said_by_streams,
    stopping,
)

_SUBNET_COLOURS = (1, 3)


class RetrainTrainer:
    """Trains a discrete network with drop path, and the auxiliary head where it is switched on; or a sub-network.

    Args:
        decided: what an earlier sitting decided for this machine.
        ranks: the processes that train it together.

    Raises:
        ConfigError: also too few images for the processes, or a batch norm that cannot be synchronized.
        DataError: images of another number of colours than a sub-network takes.
        GenotypeError: as ``build_network``.
    """

    def __init__(
        self,
        config: OneNetworkConfiguration,
        data: LoadedData,
        device: torch.device,
        decided: Mapping[str, Any] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self._config = config
        self._data = data
        self._device = device
        self._ranks = ranks
        self.epochs = config.epochs
        _refuse_colours(config, data)
        classes, image_shape = len(data.class_names), (data.channels, data.image_size, data.image_size)
        self._network = build_network(config, classes, data.channels, data.image_size).to(device)
        memory_format = memory_format_for(config, device, decided or {})
        self.decisions: Mapping[str, Any] = {"memory_format": memory_format}
        self._network.order_memory(memory_format == "channels-last")
        self._weights = list(self._network.parameters())
        self._pass = spread(self._network, config, image_shape, classes, ranks)
        if config.compile:
            compile_network(self._network)
        augmentation = data.augmentation if config.augment else None
        self._stream = open_stream(data.splits["train"], config, "train", augmentation=augmentation, ranks=ranks)
        validation = data.splits.get("validation")
        self._validation_stream = (
            None if validation is None else open_stream(validation, config, "validation", shuffle=False, ranks=ranks)
        )
        refuse_small_shares(ranks, self._stream)
        self.steps_per_epoch = self._stream.steps_per_epoch
        self._optimizer = make_optimizer(self._network, config, device)
        self._train = Evaluation(device)
        self._newest: dict[str, Tensor | float] = {}
        self._said_of_beginning: list[tuple[str, str]] = []

    def begin(self) -> None:
        """Take up the weights that a fresh fine-tuning begins with; nothing else needs it. A resume has its own.

        Raises:
            RunError, DataError: as ``take_over``.
        """
        if isinstance(self._config, SubnetConfig) and self._config.supernet_run is not None:
            assert isinstance(self._network, SubnetNetwork)
            self._said_of_beginning = take_over(self._network, self._config, self._data, self._device, self._ranks)

    def facts(self) -> dict[str, Any]:
        without_head = parameter_count(self._network, include_auxiliary=False)
        return {
            "parameters": without_head,
            "auxiliary_parameters": sum(weight.numel() for weight in self._weights) - without_head,
            "splits": dict(self._data.counts),
            "validation_split": None if self._validation_stream is None else "validation",
            "classes": list(self._data.class_names),
            "split_fingerprint": self._data.fingerprint,
            "reading": self._data.reading,
            "image_size": self._data.image_size,
            "image_channels": self._data.channels,
        }

    def initial_report(self) -> EpochReport:
        reports = said_by_data(self._data, self._stream) + said_by_settings(self._config)
        told = [*self._said_of_beginning, *_said_by_origin(self._config, self._data)]
        return EpochReport({}, reports + [("message", {"text": text, "level": level}) for text, level in told])

    def check(self) -> None:
        if self._validation_stream is not None:
            with self._compile_errors():
                evaluate(self._network, [self._validation_stream.batch(0)], self._device)

    def step(self, step: int) -> int:
        epoch = step // self.steps_per_epoch
        rate = learning_rate(self._config, epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        if isinstance(self._config, RetrainConfig):
            self._network.drop_path_probability = self._config.drop_path * epoch / self.epochs
        self._network.train()
        images, labels = self._stream.batch(step)
        joint_images = self._stream.order.joint_images(step)
        share = len(images) / joint_images
        with self._compile_errors():
            logits, loss, total = self._losses(images, labels)
            self._optimizer.zero_grad(set_to_none=True)
            # The wrapper takes the mean over the ranks of what must be added up.
            weighed = total * (share * self._ranks.size) if self._ranks.size > 1 else total
            weighed.backward()  # type: ignore[no-untyped-call]
        gradient_norm = torch.nn.utils.clip_grad_norm_(self._weights, self._config.gradient_clip)
        self._optimizer.step()
        self._train.add(logits, labels, loss)
        self._newest = {
            "loss": loss * share, "accuracy_percent": (logits.argmax(dim=1) == labels).float().sum() * (100 / joint_images),
            "learning_rate": rate, "weight_gradient_norm": gradient_norm,
        }  # fmt: skip
        return joint_images

    def step_metrics(self) -> dict[str, float | None]:
        parts = torch.stack([torch.as_tensor(self._newest[name]).float() for name in ("loss", "accuracy_percent")])
        self._ranks.sum_([parts])
        loss, accuracy = parts.tolist()
        return {"loss": loss, "accuracy_percent": accuracy, "learning_rate": float(self._newest["learning_rate"])}

    def detail_reports(self) -> list[Report]:
        return [("gradient", {"weight_gradient_norm": float(self._newest["weight_gradient_norm"])})]

    def end_epoch(self, epoch: int, stop_check: StopCheck) -> EpochReport:
        # Each rank's batch norms have seen its own shares: those of the first are the network's.
        self._ranks.copy_from_first(list(self._network.buffers()))
        validation = None
        if self._validation_stream is not None:
            batches = stopping(self._validation_stream.epoch_batches(), stop_check)
            with self._compile_errors():
                validation = evaluate(self._network, batches, self._device, self._ranks)
        train = self._train.joint(self._ranks)
        metrics = {
            "train_loss": train.loss, "train_accuracy_percent": train.accuracy_percent,
            "validation_loss": validation.loss if validation else None,
            "validation_accuracy_percent": validation.accuracy_percent if validation else None,
            "validation_split": "validation" if validation else None,
            "learning_rate": learning_rate(self._config, epoch),
        }  # fmt: skip
        self._train = Evaluation(self._device)
        reports = said_by_streams(self._stream, self._validation_stream)
        return EpochReport(metrics, reports, score=validation.accuracy_percent if validation else None)

    def final_reports(self, stop_check: StopCheck) -> list[Report]:
        return []

    def state_dict(self) -> dict[str, Any]:
        """With several ranks each must ask for it; the first one's is the run's."""
        return {
            "weights": self._network.state_dict(), "optimizer": self._optimizer.state_dict(),
            "train": self._train.joint(self._ranks).state_dict(),
            "classes": list(self._data.class_names), "image_channels": self._data.channels, "image_size": self._data.image_size,
            "normalization": [list(self._data.normalization.mean), list(self._data.normalization.std)],
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        for weight, kept in self._optimizer.state.items():
            if kept.get("momentum_buffer") is not None:  # It may have been saved in another order of memory.
                kept["momentum_buffer"] = torch.empty_like(weight).copy_(kept["momentum_buffer"])
        for group in self._optimizer.param_groups:
            group["fused"] = self._optimizer.defaults["fused"]  # and on another device, or by an earlier version
        self._train.load_state_dict(state["train"], self._ranks)

    def close(self) -> None:
        self._stream.close()
        if self._validation_stream is not None:
            self._validation_stream.close()

    def _losses(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, their loss without a gradient, and the loss to go down, with the head's."""
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._config.precision == "bfloat16"):
            logits, auxiliary_logits = self._pass(images)
            total = loss = self._loss(logits, labels)
            if auxiliary_logits is not None and isinstance(self._config, RetrainConfig):
                total = loss + self._config.auxiliary_weight * self._loss(auxiliary_logits, labels)
        return logits.detach(), loss.detach(), total

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self._config.label_smoothing)

    def _compile_errors(self) -> AbstractContextManager[None]:
        return compile_errors_told() if self._config.compile else nullcontext()


def _refuse_colours(config: OneNetworkConfiguration, data: LoadedData) -> None:
    if isinstance(config, SubnetConfig) and data.channels not in _SUBNET_COLOURS:
        raise DataError(
            f"has images of {data.channels} colour channels; sub-networks take grey or coloured ones (1 or 3).",
            where=config.data,
            mend="Retrain cells on it, or use images of 1 or 3 channels.",
        )


def _said_by_origin(config: OneNetworkConfiguration, data: LoadedData) -> list[tuple[str, str]]:
    """A sentence and its level where the images are not those that the cells or the supernet are from."""
    if config.split_fingerprint in (None, data.fingerprint):
        return []
    if isinstance(config, SubnetConfig):
        before, what, title = data_of_supernet(config), "the supernet's training", "The supernet was trained"
    else:
        before, what = dict(config.genotype.get("source") or {}).get("data"), "the search"
        title = "The cells were searched"
    if before not in (None, config.data):
        return [(f"{title} on other data ({before}).", "info")]
    text = (
        f"The images are not those of {what}: they have changed since, so images of its training may stand in this test split. "
        "Numbers of the two runs must not be compared."
    )
    return [(text, "warning")]
