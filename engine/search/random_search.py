"""Random search: the cell that every other search must beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from engine.config import SearchConfig
from engine.genotype import Genotype
from engine.search.sample import random_genotype
from engine.training.trainer import EpochReport, Report, StopCheck


class RandomSearch:
    """Draws one cell uniformly from the space at step 0 and trains nothing. Source: Li and Talwalkar, UAI 2019."""

    def __init__(self, config: SearchConfig) -> None:
        self._config = config
        self.epochs = 0
        self.steps_per_epoch = 1
        self.decisions: Mapping[str, Any] = {}
        drawn = random_genotype(torch.Generator().manual_seed(config.seed), config.nodes, config.primitives)
        source = {"method": config.method, "seed": config.seed}
        self._genotype = Genotype(
            drawn.normal, drawn.reduction, name=f"random-{config.seed}", primitives=config.primitives, source=source
        )

    def facts(self) -> dict[str, Any]:
        return {"primitives": list(self._config.primitives)}

    def initial_report(self) -> EpochReport:
        return EpochReport({}, [("genotype", {"genotype": self._genotype.as_json(), "changed": []})], self._genotype)

    def check(self) -> None:
        """Nothing can fail late."""

    def step(self, step: int) -> int:
        raise NotImplementedError("a random search has no steps")

    def step_metrics(self) -> dict[str, float | None]:
        return {}

    def detail_reports(self) -> list[Report]:
        return []

    def end_epoch(self, epoch: int, stop_check: StopCheck) -> EpochReport:
        raise NotImplementedError("a random search has no epochs")

    def final_reports(self, stop_check: StopCheck) -> list[Report]:
        return []

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is no state."""

    def close(self) -> None:
        """Nothing reads ahead."""
