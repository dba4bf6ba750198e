"""A trainer of one linear layer, so that the loop can be tested in milliseconds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.training.trainer import EpochReport, Report, StopCheck


class ToyTrainer:
    """Fits a random line with noise from torch's own generator, so a resume needs its state too."""

    def __init__(
        self, *, epochs: int = 3, steps_per_epoch: int = 5, on_step: Any = None, diverge_at: int | None = None
    ) -> None:
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.decisions = {}
        self.checked = self.closed = 0
        self._on_step = on_step or (lambda step: None)
        self._diverge_at = diverge_at
        torch.manual_seed(0)
        self._layer = torch.nn.Linear(3, 1)
        self._optimizer = torch.optim.SGD(self._layer.parameters(), lr=0.1, momentum=0.9)
        self._loss = torch.tensor(0.0)
        self._sum = 0.0

    def facts(self) -> dict[str, Any]:
        return {"parameters": 4}

    def initial_report(self) -> EpochReport:
        return EpochReport({}, [("message", {"text": "ready", "level": "info"})])

    def check(self) -> None:
        self.checked += 1

    def step(self, step: int) -> int:
        self._on_step(step)
        images = torch.randn(4, 3)
        self._loss = (self._layer(images) - images.sum(dim=1, keepdim=True)).square().mean()
        if step == self._diverge_at:
            self._loss = self._loss * torch.nan
        self._optimizer.zero_grad()
        self._loss.backward()
        self._optimizer.step()
        self._sum += float(self._loss.detach())
        return len(images)

    def step_metrics(self) -> dict[str, float | None]:
        return {"loss": float(self._loss.detach())}

    def detail_reports(self) -> list[Report]:
        return [("gradient", {"weight_gradient_norm": float(self.weight.norm())})]

    def end_epoch(self, epoch: int, stop_check: StopCheck) -> EpochReport:
        stop_check()
        score = -self._sum
        metrics = {"train_loss": self._sum / self.steps_per_epoch}
        self._sum = 0.0
        return EpochReport(metrics, score=score)

    def final_reports(self, stop_check: StopCheck) -> list[Report]:
        return []

    def state_dict(self) -> dict[str, Any]:
        return {"layer": self._layer.state_dict(), "optimizer": self._optimizer.state_dict(), "sum": self._sum}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._layer.load_state_dict(state["layer"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._sum = state["sum"]

    def close(self) -> None:
        self.closed += 1

    @property
    def weight(self) -> Tensor:
        return self._layer.weight.detach()
