"""Retraining: the discrete network of a genotype, trained from scratch. Source: DARTS train.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import RetrainConfig
from engine.data import LoadedData, open_stream
from engine.distributed import ALONE, Ranks
from engine.genotype import genotype_from_json
from engine.networks.cifar import CifarNetwork, parameter_count
from engine.training.evaluate import Evaluation, evaluate
from engine.training.schedule import cosine
from engine.training.trainer import EpochReport, Report, StopCheck, said_by_data, stopping


def build_network(config: RetrainConfig, classes: int, image_channels: int, image_size: int) -> CifarNetwork:
    """The network that a retraining trains and a test loads.

    Raises:
        GenotypeError: a primitive that is not registered.
        ConfigError: the auxiliary head does not fit the image size.
    """
    return CifarNetwork(
        genotype_from_json(config.genotype), config.channels, classes, config.layers, auxiliary=config.auxiliary,
        image_channels=image_channels, image_size=image_size,
    )  # fmt: skip


class RetrainTrainer:
    """Trains a discrete network with drop path, and the auxiliary head where it is switched on."""

    def __init__(self, config: RetrainConfig, data: LoadedData, device: torch.device, ranks: Ranks = ALONE) -> None:
        self._config = config
        self._data = data
        self._device = device
        self.epochs = config.epochs
        self._network = build_network(config, len(data.class_names), data.channels, data.image_size).to(device)
        self._weights = list(self._network.parameters())
        self._stream = open_stream(
            data.splits["train"],
            config,
            "train",
            augmentation=data.augmentation if config.augment else None,
            ranks=ranks,
        )
        validation = data.splits.get("validation")
        self._validation_stream = (
            None if validation is None else open_stream(validation, config, "validation", shuffle=False, ranks=ranks)
        )
        self.steps_per_epoch = self._stream.steps_per_epoch
        self.decisions: Mapping[str, Any] = {}
        self._optimizer = torch.optim.SGD(
            self._weights, lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
        )
        self._train = Evaluation(device)
        self._newest: dict[str, Tensor | float | None] = {}

    def facts(self) -> dict[str, Any]:
        without_head = parameter_count(self._network, include_auxiliary=False)
        return {
            "parameters": without_head,
            "auxiliary_parameters": sum(weight.numel() for weight in self._weights) - without_head,
            "splits": dict(self._data.counts),
            "validation_split": None if self._validation_stream is None else "validation",
            "classes": list(self._data.class_names),
            "split_fingerprint": self._data.fingerprint,
            "image_size": self._data.image_size,
            "image_channels": self._data.channels,
        }

    def initial_report(self) -> EpochReport:
        reports = said_by_data(self._data, self._stream)
        if self._config.split_fingerprint not in (None, self._data.fingerprint):
            searched_on = dict(self._config.genotype.get("source") or {}).get("data")
            if searched_on in (None, self._config.data):
                text = (
                    "The images are not those of the search: they have changed since, so images of its training may stand "
                    "in this test split. Numbers of the two runs must not be compared."
                )
                reports.append(("message", {"text": text, "level": "warning"}))
            else:
                text = f"The cells were searched on other data ({searched_on})."
                reports.append(("message", {"text": text, "level": "info"}))
        return EpochReport({}, reports)

    def check(self) -> None:
        if self._validation_stream is not None:
            evaluate(self._network, [self._validation_stream.batch(0)], self._device)

    def step(self, step: int) -> int:
        epoch = step // self.steps_per_epoch
        learning_rate = cosine(epoch, self.epochs, self._config.learning_rate, self._config.learning_rate_min)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._network.drop_path_probability = self._config.drop_path * epoch / self.epochs
        self._network.train()
        images, labels = self._stream.batch(step)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._config.precision == "bfloat16"):
            logits, auxiliary_logits = self._network(images)
            loss = self._loss(logits, labels)
            total = (
                loss
                if auxiliary_logits is None
                else loss + self._config.auxiliary_weight * self._loss(auxiliary_logits, labels)
            )
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        gradient_norm = torch.nn.utils.clip_grad_norm_(self._weights, self._config.gradient_clip)
        self._optimizer.step()
        self._train.add(logits.detach(), labels, loss.detach())
        self._newest = {
            "loss": loss.detach(), "accuracy_percent": (logits.argmax(dim=1) == labels).float().mean() * 100,
            "learning_rate": learning_rate, "weight_gradient_norm": gradient_norm,
        }  # fmt: skip
        return len(images)

    def step_metrics(self) -> dict[str, float | None]:
        return {name: _number(self._newest[name]) for name in ("loss", "accuracy_percent", "learning_rate")}

    def detail_reports(self) -> list[Report]:
        return [("gradient", {"weight_gradient_norm": _number(self._newest["weight_gradient_norm"])})]

    def end_epoch(self, epoch: int, stop_check: StopCheck) -> EpochReport:
        validation = None
        if self._validation_stream is not None:
            batches = stopping(self._validation_stream.epoch_batches(), stop_check)
            validation = evaluate(self._network, batches, self._device)
        metrics = {
            "train_loss": self._train.loss, "train_accuracy_percent": self._train.accuracy_percent,
            "validation_loss": validation.loss if validation else None,
            "validation_accuracy_percent": validation.accuracy_percent if validation else None,
            "validation_split": "validation" if validation else None,
            "learning_rate": cosine(epoch, self.epochs, self._config.learning_rate, self._config.learning_rate_min),
        }  # fmt: skip
        self._train = Evaluation(self._device)
        return EpochReport(metrics, score=validation.accuracy_percent if validation else None)

    def final_reports(self, stop_check: StopCheck) -> list[Report]:
        return []

    def state_dict(self) -> dict[str, Any]:
        return {
            "weights": self._network.state_dict(), "optimizer": self._optimizer.state_dict(), "train": self._train.state_dict(),
            "classes": list(self._data.class_names), "image_channels": self._data.channels, "image_size": self._data.image_size,
            "normalization": [list(self._data.normalization.mean), list(self._data.normalization.std)],
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._train.load_state_dict(state["train"])

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self._config.label_smoothing)


def _number(value: Tensor | float | None) -> float | None:
    return None if value is None else float(value)
