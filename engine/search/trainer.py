"""The search: alphas and weights trained in turn on two halves of the training split.

Source: DARTS algorithm 1 and its train_search: in each step first the alphas on the alphas' batch, then the weights on
the weights' batch; PC-DARTS freezes the alphas for the first epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import SearchConfig
from engine.data import LoadedData, divide, open_stream
from engine.distributed import ALONE, Ranks
from engine.errors import RunError
from engine.explain.collapse import RISING_EPOCHS, diagnose_epoch
from engine.genotype import Genotype, genotype_from_json
from engine.genotype.compare import changed_nodes
from engine.genotype.discretize import discretize, edge_list
from engine.runs import AlphaRecord
from engine.search.gap import measure
from engine.search.layout import lay_out
from engine.search.steps import AlphaStep, Told, WeightStep
from engine.training.evaluate import Evaluation, evaluate
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

_RECALIBRATION_BATCHES = 16
_ALPHA_NUMBERS = ("alpha_loss", "alpha_accuracy_percent", "alpha_gradient_norm", "alpha_update_norm")


class SearchTrainer:
    """A DARTS-family search, its method given by the configuration's switches."""

    def __init__(
        self,
        config: SearchConfig,
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

        weights_half, alphas_half = divide(data.splits["train"], config.train_portion, seed=config.seed)
        augmentation = data.augmentation if config.augment else None
        self._weights_stream = open_stream(weights_half, config, "weights", augmentation=augmentation, ranks=ranks)
        self._alphas_stream = open_stream(alphas_half, config, "alphas", augmentation=augmentation, ranks=ranks)
        # The papers measure on the alphas' half; a held-out split, where there is one, has not been fitted by anything.
        validation = data.splits.get("validation")
        self._validation_split = "alphas" if validation is None else "validation"
        self._validation_stream = open_stream(
            alphas_half if validation is None else validation, config, "validation", shuffle=False, ranks=ranks
        )
        self.steps_per_epoch = self._weights_stream.steps_per_epoch
        refuse_small_shares(ranks, self._weights_stream, self._alphas_stream)

        self.decisions: Mapping[str, Any]
        self._supernet, self.decisions = lay_out(
            config,
            len(data.class_names),
            (data.channels, data.image_size, data.image_size),
            device,
            decided or {},
            ranks,
        )
        self._arch = self._supernet.arch_tensors()
        self._weight_step = WeightStep(self._supernet, config, device, ranks)
        self._alpha_step = AlphaStep(self._supernet, config, device, self._weight_step, config.epochs, ranks)

        self._train = Evaluation(device)  # of the weights' batches of this epoch
        self._newest: Told = {}
        self._genotype: Genotype | None = None
        self._raised: set[str] = set()  # codes of the diagnoses that stand, told already
        self._recent: list[AlphaRecord] = []  # ends of the last epochs: some diagnoses look at a trend

    # -- the loop's questions -------------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        return {
            "parameters": sum(weight.numel() for weight in self._weight_step.weights),
            "splits": {**self._data.counts, "weights": len(self._weights_stream), "alphas": len(self._alphas_stream)},
            "validation_split": self._validation_split,
            "classes": list(self._data.class_names),
            "primitives": list(self._config.primitives),
            "edges": [list(edge) for edge in edge_list(self._config.nodes)],
            "split_fingerprint": self._data.fingerprint,
            "reading": self._data.reading,
        }

    def initial_report(self) -> EpochReport:
        record = self._record(0)
        self._genotype = discretize(record, self._config.primitives)
        reports = [*said_by_data(self._data, self._weights_stream, self._alphas_stream)]
        reports += [*said_by_settings(self._config), self._alphas_report(record)]
        return EpochReport({}, [*reports, self._genotype_report(self._genotype, [])], self._genotype)

    def check(self) -> None:
        evaluate(self._supernet, [self._validation_stream.batch(0)], self._device, self._ranks)

    def step(self, step: int) -> int:
        epoch = step // self.steps_per_epoch
        rate = learning_rate(self._config, epoch)
        batch = self._weights_stream.batch(step)
        joint_images = self._weights_stream.order.joint_images(step)
        self._newest = {"alpha_learning_rate": self._config.alpha_learning_rate, **dict.fromkeys(_ALPHA_NUMBERS)}
        if epoch >= self._config.warmup_epochs:
            alphas_batch = self._alphas_stream.batch(step)
            of_alphas = self._alphas_stream.order.joint_images(step)
            self._newest |= self._alpha_step(
                alphas_batch, batch, epoch=epoch, learning_rate=rate, joint_images=(of_alphas, joint_images)
            )
        told, logits = self._weight_step(batch, rate, joint_images)
        self._newest |= told
        loss = told["loss"] if self._ranks.size == 1 else F.cross_entropy(logits, batch[1])
        assert isinstance(loss, Tensor)
        self._train.add(logits, batch[1], loss)
        return joint_images

    def step_metrics(self) -> dict[str, float | None]:
        names = (
            "loss",
            "accuracy_percent",
            "learning_rate",
            "alpha_loss",
            "alpha_accuracy_percent",
            "alpha_learning_rate",
        )
        return {name: _number(self._newest[name]) for name in names}

    def detail_reports(self) -> list[Report]:
        names = ("weight_gradient_norm", "weight_update_norm", "alpha_gradient_norm", "alpha_update_norm")
        return [
            self._alphas_report(self._record(0)),
            ("gradient", {name: _number(self._newest[name]) for name in names}),
        ]

    def end_epoch(self, epoch: int, stop_check: StopCheck) -> EpochReport:
        self._refuse_different_alphas()
        # Each rank's running statistics have seen its own shares: those of the first are the supernet's.
        self._ranks.copy_from_first(list(self._supernet.buffers()))
        batches = stopping(self._validation_stream.epoch_batches(), stop_check)
        validation = evaluate(self._supernet, batches, self._device, self._ranks)
        record = self._record(epoch)
        genotype = discretize(record, self._config.primitives)
        changed = changed_nodes(self._genotype, genotype) if self._genotype is not None else []
        self._genotype = self._sourced(genotype, epoch)
        reports = [self._genotype_report(self._genotype, changed), *self._new_diagnoses(record, genotype, epoch)]
        reports += said_by_streams(self._weights_stream, self._alphas_stream, self._validation_stream)
        train = self._train.joint(self._ranks)
        metrics = {
            "train_loss": train.loss, "train_accuracy_percent": train.accuracy_percent,
            "validation_loss": validation.loss, "validation_accuracy_percent": validation.accuracy_percent,
            "validation_split": self._validation_split,
            "learning_rate": learning_rate(self._config, epoch),
        }  # fmt: skip
        self._train = Evaluation(self._device)
        return EpochReport(metrics, reports, self._genotype, validation.accuracy_percent)

    def final_reports(self, stop_check: StopCheck) -> list[Report]:
        assert self._genotype is not None  # end_epoch or load_state_dict came before
        gap = measure(
            self._supernet, stopping(self._validation_stream.epoch_batches(), stop_check), self._genotype,
            recalibration=islice(self._weights_stream.epoch_batches(), _RECALIBRATION_BATCHES), ranks=self._ranks,
        )  # fmt: skip
        return [("discretization_gap", {
            "soft_accuracy_percent": 100 * gap.soft, "discrete_accuracy_percent": 100 * gap.discrete,
            "recalibrated_accuracy_percent": 100 * gap.recalibrated, "gap_percent": 100 * (gap.soft - gap.recalibrated),
            "split": self._validation_split, "images": len(self._validation_stream),
        })]  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        return {
            "weights": self._supernet.state_dict(),
            "arch": self._supernet.arch_state(),
            # By the names of the weights, so that it fits however they are laid out.
            "momentum": self._supernet.split(momentum) if (momentum := self._weight_step.momentum()) else {},
            "alpha_optimizer": self._alpha_step.optimizer.state_dict(),
            "train": self._train.joint(self._ranks).state_dict(),
            "alphas_steps": self._alphas_stream.steps_per_epoch,
            "genotype": self._genotype.as_json() if self._genotype is not None else None,
            "raised": sorted(self._raised),
            "recent": [self._record_state(record) for record in self._recent],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        before, now = state.get("alphas_steps"), self._alphas_stream.steps_per_epoch
        if before not in (None, now):
            raise RunError(
                f"the alphas' images make {before} batches in this run, and would make {now} with this number of processes.",
                where="processes", mend="Resume it with as many processes as before.",
            )  # fmt: skip
        self._supernet.load_state_dict(state["weights"])
        self._supernet.load_arch_state(state["arch"])
        momentum = self._momentum_in(state)
        self._weight_step.load_momentum(self._supernet.join(momentum) if momentum else [])
        self._alpha_step.optimizer.load_state_dict(state["alpha_optimizer"])
        self._train.load_state_dict(state["train"], self._ranks)
        self._genotype = genotype_from_json(state["genotype"]) if state["genotype"] is not None else None
        self._raised = set(state["raised"])
        self._recent = [
            AlphaRecord(0, entry["epoch"], *(tensor.numpy().astype(np.float64) for tensor in entry["arch"]))
            for entry in state["recent"]
        ]

    def close(self) -> None:
        for stream in (self._weights_stream, self._alphas_stream, self._validation_stream):
            stream.close()

    def _momentum_in(self, state: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """The momentum of each weight by name; early checkpoints have torch's numbers of the textbook's weights instead."""
        if "momentum" in state:
            found: Mapping[str, Tensor] = state["momentum"]
            return found
        names = [name for name, place in self._supernet.places().items() if isinstance(place.tensor, nn.Parameter)]
        numbered = state["weight_optimizer"]["state"]
        return {names[number]: entry["momentum_buffer"] for number, entry in numbered.items()}

    def _refuse_different_alphas(self) -> None:
        if not self._ranks.agree_on(self._arch):
            raise RunError(
                "the processes hold different alphas.", where="alphas",
                mend="Resume from the last checkpoint; if it comes again, report it with log.txt of the run.",
            )  # fmt: skip

    # -- reading the state ----------------------------------------------------------------------------------------

    def _record(self, epoch: int) -> AlphaRecord:
        arrays = [tensor.detach().cpu().numpy().astype(np.float64) for tensor in self._arch]
        return AlphaRecord(0, epoch, *arrays)

    @staticmethod
    def _record_state(record: AlphaRecord) -> dict[str, Any]:
        arrays = (record.normal, record.reduction, record.normal_betas, record.reduction_betas)
        return {"epoch": record.epoch, "arch": [torch.from_numpy(array) for array in arrays if array is not None]}

    def _alphas_report(self, record: AlphaRecord) -> Report:
        fields = {"normal": record.normal, "reduction": record.reduction,
                  "normal_betas": record.normal_betas, "reduction_betas": record.reduction_betas}  # fmt: skip
        # float32 printed shortest: its digits name exactly that float32, so nothing is rounded and ties stay ties.
        return "alphas", {name: _digits(array) for name, array in fields.items() if array is not None}

    def _genotype_report(self, genotype: Genotype, changed: Sequence[tuple[str, int]]) -> Report:
        return "genotype", {"genotype": genotype.as_json(), "changed": [list(place) for place in changed]}

    def _new_diagnoses(self, record: AlphaRecord, genotype: Genotype, epoch: int) -> list[Report]:
        found = diagnose_epoch(
            record, genotype, primitives=self._config.primitives, epoch=epoch, epochs=self.epochs,
            warmup_epochs=self._config.warmup_epochs, previous=self._recent,
        )  # fmt: skip
        self._recent = [*self._recent, record][-RISING_EPOCHS:]
        new = [diagnosis for diagnosis in found if diagnosis.code not in self._raised]
        self._raised = {diagnosis.code for diagnosis in found}
        return [("diagnosis", diagnosis.as_json()) for diagnosis in new]

    def _sourced(self, genotype: Genotype, epoch: int) -> Genotype:
        source = {
            "method": self._config.method,
            "data": self._config.data,
            "epoch": epoch + 1,
            "epochs": self.epochs,
            "seed": self._config.seed,
        }
        return Genotype(genotype.normal, genotype.reduction, name=f"{self._config.method}-epoch-{epoch + 1}",
                        primitives=genotype.primitives, source=source)  # fmt: skip


def _number(value: Tensor | float | None) -> float | None:
    return None if value is None else float(value)


def _digits(array: Any) -> Any:
    rounded = array.astype(np.float32)
    return (
        [[float(str(value)) for value in row] for row in rounded]
        if rounded.ndim == 2
        else [float(str(value)) for value in rounded]
    )
