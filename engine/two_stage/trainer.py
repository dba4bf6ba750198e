"""Stage one of two-stage methods: one supernet is trained so that all its sub-networks work. Source: BigNAS, AttentiveNAS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.config.two_stage import TwoStageConfig
from engine.cost.subnets import subnet_cost
from engine.data import LoadedData, open_stream
from engine.distributed import ALONE, Ranks, synchronize
from engine.errors import ConfigError, Fault
from engine.networks import parameter_count
from engine.subnets import Architecture
from engine.subnets.architecture import biggest, smallest
from engine.training.evaluate import Evaluation, evaluate
from engine.training.memory_format import memory_format_for
from engine.training.trainer import (
    EpochReport,
    Report,
    StopCheck,
    refuse_small_shares,
    said_by_data,
    said_by_settings,
    said_by_streams,
)
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.optimizer import clip, make_optimizer
from engine.two_stage.predicting import PredictorKeeper, goes_by_predictor
from engine.two_stage.progress import ProgressMeter
from engine.two_stage.sampling import UNFITTED_CANDIDATES, Sampler, Tally
from engine.two_stage.schedule import learning_rate_at
from engine.two_stage.step import SandwichStep
from engine.two_stage.supernet import DynamicSupernet
from engine.two_stage.watch import LossWatch

_LARGEST_UPSCALING = 2


class TwoStageTrainer:
    """Trains a weight-sharing supernet by the sandwich rule, and measures some of its sub-networks after each epoch.

    Args:
        decided: what an earlier sitting decided for this machine.
        ranks: the processes that train it together.

    Raises:
        ConfigError: no validation split, images with other than one or three colour channels, or too few for the processes.
    """

    def __init__(
        self,
        config: TwoStageConfig,
        data: LoadedData,
        device: torch.device,
        decided: Mapping[str, Any] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        _refuse_data(data)
        self._config, self._data, self._device, self._ranks = config, data, device, ranks
        self.epochs = config.epochs
        self.space = config.the_space().with_classes(len(data.class_names))
        self.supernet = DynamicSupernet(
            self.space, initialization=config.initialization, zero_gamma=config.zero_gamma
        ).to(device)
        memory_format = memory_format_for(config, device, decided or {})
        self.decisions: Mapping[str, Any] = {"memory_format": memory_format}
        self.supernet.order_memory(memory_format == "channels-last")
        if config.sync_batch_norm:
            synchronize(self.supernet, ranks)
        self._weights = list(self.supernet.parameters())
        self._optimizer = make_optimizer(self.supernet, config)
        augmentation = data.augmentation if config.augment else None
        # Batch norms of all networks of a step see one batch: a rest of a few images would be a step like any other. The
        # papers leave it out too.
        self._stream = open_stream(
            data.splits["train"], config, "train", augmentation=augmentation, ranks=ranks, whole_batches=True
        )
        refuse_small_shares(ranks, self._stream)
        self.steps_per_epoch = self._stream.steps_per_epoch
        self._meter = SubnetMeter(data, config, device, ranks)
        self._progress = ProgressMeter(self._meter, config, self.space)
        self._sampler, self._tally = Sampler(config, self.space), Tally(self.space)
        self._sandwich = SandwichStep(self.supernet, self.space, config, device)
        self._predictor = PredictorKeeper(config, self.space) if goes_by_predictor(config) else None
        self._train = Evaluation(device)
        self._watch = LossWatch(self.space.classes)
        self._heard: tuple[float, int] = (0.0, 0)
        self._newest: dict[str, Tensor | float | None] = {}

    def facts(self) -> dict[str, Any]:
        ends = {name: subnet_cost(pick(self.space)) for name, pick in (("smallest", smallest), ("biggest", biggest))}
        return {
            "parameters": parameter_count(self.supernet),
            **{name: {"macs": cost.macs, "parameters": cost.parameters} for name, cost in ends.items()},
            "space": self.space.name, "space_size": self.space.size, "networks_per_step": self._config.networks_per_step,
            "splits": dict(self._data.counts), "validation_split": "validation", "classes": list(self._data.class_names),
            "split_fingerprint": self._data.fingerprint, "reading": self._data.reading, "image_size": self._data.image_size,
            "image_channels": self._data.channels,
        }  # fmt: skip

    def initial_report(self) -> EpochReport:
        reports = said_by_data(self._data, self._stream) + said_by_settings(self._config)
        reports.append(("message", {"text": self._said_of_step(), "level": "info"}))
        largest = self.space.resolution[-1]
        if largest > _LARGEST_UPSCALING * self._data.image_size:
            text = (
                f"The space {self.space.name} resizes images of {self._data.image_size} pixels to {self.space.resolution[0]} to "
                f"{largest}: most of the work goes into pixels that show nothing new. Use a space for smaller images, or a "
                "larger image_size where the files have it."
            )
            reports.append(("message", {"text": text, "level": "warning"}))
        return EpochReport({}, reports)

    def check(self) -> None:
        stream = open_stream(
            self._data.splits["validation"], self._config, "validation", shuffle=False, ranks=self._ranks
        )
        try:
            evaluate(self.supernet.cut_out(smallest(self.space)), [stream.batch(0)], self._device)
        finally:
            stream.close()

    def step(self, step: int) -> int:
        rate = learning_rate_at(self._config, step, self.steps_per_epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self.supernet.train()
        images, labels = self._stream.batch(step)
        joint_images = self._stream.order.joint_images(step)
        share = len(images) / joint_images
        is_unfitted = self._predictor is not None and not self._predictor.is_fitted
        sampled = self._sampler.sample(
            step, lambda found: self._scores(found, images, labels, share), UNFITTED_CANDIDATES if is_unfitted else None
        )
        self._optimizer.zero_grad(set_to_none=True)
        outcome = self._sandwich.accumulate(images, labels, sampled.architectures, share)
        self._ranks.sum_([weight.grad for weight in self._weights if weight.grad is not None])
        gradient_norm = clip(self._weights, self._config.gradient_clip, self._config.gradient_clip_by)
        self._optimizer.step()
        self._tally.add(sampled)
        self._train.add(outcome.biggest_logits, labels, outcome.biggest_loss)
        percent = 100 / joint_images
        self._newest = {
            "loss": outcome.biggest_loss * share,
            "accuracy_percent": (outcome.biggest_logits.argmax(dim=1) == labels).float().sum() * percent,
            "smallest_loss": outcome.smallest_loss * share,
            "smallest_accuracy_percent": (outcome.smallest_logits.argmax(dim=1) == labels).float().sum() * percent,
            "sampled_loss": None if outcome.sampled_loss is None else outcome.sampled_loss * share,
            "learning_rate": rate, "weight_gradient_norm": gradient_norm,
        }  # fmt: skip
        return joint_images

    def step_metrics(self) -> dict[str, float | None]:
        summed = {
            name: value for name, value in self._newest.items() if name not in ("learning_rate", "weight_gradient_norm")
        }
        names = [name for name, value in summed.items() if value is not None]
        parts = torch.stack([torch.as_tensor(summed[name]).float() for name in names])
        self._ranks.sum_([parts])
        rate = self._newest["learning_rate"]
        assert isinstance(rate, float)
        return {**dict.fromkeys(summed), **dict(zip(names, parts.tolist(), strict=True)), "learning_rate": rate}

    def detail_reports(self) -> list[Report]:
        norm = self._newest["weight_gradient_norm"]
        assert norm is not None
        reports: list[Report] = [("gradient", {"weight_gradient_norm": float(norm)})]
        loss_sum, images = _summed(self._train.joint(self._ranks))
        heard_sum, heard_images = self._heard
        if images > heard_images:
            diagnosis = self._watch.look((loss_sum - heard_sum) / (images - heard_images))
            self._heard = (loss_sum, images)
            if diagnosis is not None:
                reports.append(("diagnosis", diagnosis.as_json()))
        return reports

    def end_epoch(self, epoch: int, stop_check: StopCheck) -> EpochReport:
        progress = self._progress.measure(self.supernet, stop_check)
        reports = [*progress.reports, ("sampled", self._tally.as_json())]
        if self._predictor is not None:
            reports += self._predictor.end_epoch(
                epoch, lambda found: self._progress.accuracy(self.supernet, found, stop_check)
            )
        reports += said_by_streams(self._stream, self._meter.validation_stream)
        train = self._train.joint(self._ranks)
        last_step = (epoch + 1) * self.steps_per_epoch - 1
        metrics = {
            "train_loss": train.loss, "train_accuracy_percent": train.accuracy_percent, **progress.metrics,
            "learning_rate": learning_rate_at(self._config, last_step, self.steps_per_epoch),
        }  # fmt: skip
        self._train, self._heard = Evaluation(self._device), (0.0, 0)
        self._tally.clear()
        return EpochReport(metrics, reports, score=progress.score)

    def final_reports(self, stop_check: StopCheck) -> list[Report]:
        return []

    def state_dict(self) -> dict[str, Any]:
        """With several ranks each must ask for it; the first one's is the run's."""
        return {
            "weights": self.supernet.state_dict(), "optimizer": self._optimizer.state_dict(),
            "train": self._train.joint(self._ranks).state_dict(), "heard": list(self._heard), "watch": self._watch.state_dict(),
            "tally": self._tally.state_dict(), "predictor": None if self._predictor is None else self._predictor.state_dict(),
            "classes": list(self._data.class_names), "image_channels": self._data.channels, "image_size": self._data.image_size,
            "normalization": [list(self._data.normalization.mean), list(self._data.normalization.std)],
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.supernet.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        for group in self._optimizer.param_groups:
            group["foreach"] = True
        self._train.load_state_dict(state["train"], self._ranks)
        loss_sum, images = state["heard"]
        self._heard = (loss_sum, images)
        self._watch.load_state_dict(state["watch"])
        self._tally.load_state_dict(state["tally"])
        if self._predictor is not None and state["predictor"] is not None:
            self._predictor.load_state_dict(state["predictor"])

    def close(self) -> None:
        self._stream.close()
        self._meter.close()

    def _scores(
        self, candidates: Sequence[Architecture], images: Tensor, labels: Tensor, share: float
    ) -> Sequence[float]:
        """Predicted accuracies, or minus the losses on the joint batch: the same numbers on all ranks, to the last bit."""
        if self._predictor is not None and self._predictor.is_fitted:
            return self._ranks.first_says(self._predictor.predict(candidates))
        losses = self._sandwich.candidate_losses(images, labels, candidates) * share
        self._ranks.sum_([losses])
        return [-loss for loss in losses.tolist()]

    def _said_of_step(self) -> str:
        networks = self._sampler.networks
        of_sampled = {0: "and none sampled", 1: "and one sampled network"}.get(
            networks, f"and {networks} sampled networks"
        )
        text = f"Each step trains {self._config.networks_per_step} networks on one batch: the biggest, the smallest {of_sampled}"
        if self._sampler.prior is None:
            return text + "."
        if self._predictor is not None:
            return text + f", each one of {self._config.candidates} candidates by a predictor of accuracy (by loss, of " \
                f"{UNFITTED_CANDIDATES}, until it is fitted)."  # fmt: skip
        passes = networks * self._config.candidates
        return (
            text
            + f", each one of {self._config.candidates} candidates by loss: {passes} more passes without a gradient."
        )


def _refuse_data(data: LoadedData) -> None:
    if "validation" not in data.splits:
        raise ConfigError([Fault(
            "validation_portion", "there are no validation images to choose sub-networks by.",
            "Set validation_portion to 0.02 or more, or add a folder of validation images.",
        )])  # fmt: skip
    if data.channels not in (1, 3):
        raise ConfigError([Fault(
            "data", f"the images have {data.channels} colour channels; sub-networks take 1 or 3.", "Use other images, or search cells (darts)."
        )])  # fmt: skip


def _summed(train: Evaluation) -> tuple[float, int]:
    """Sum of the losses, images."""
    return (train.loss or 0.0) * train.images, train.images
