"""What is measured of a supernet after each epoch: its smallest and biggest network, and some sampled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.config.two_stage import TwoStageConfig
from engine.cost.subnets import subnet_cost
from engine.subnets import Architecture, Space
from engine.subnets.architecture import biggest, smallest
from engine.training.evaluate import Evaluation
from engine.training.trainer import Report, StopCheck
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.sampling import fixed_networks
from engine.two_stage.supernet import DynamicSupernet


@dataclass(frozen=True)
class Progress:
    """How good the measured networks are, on the validation split with calibrated batch norms.

    Attributes:
        metrics: fields of the ``epoch`` event.
        reports: a ``subnet`` event for each.
        score: mean of the biggest and the smallest network's accuracy: everything else lies between them.
    """

    metrics: dict[str, Any]
    reports: list[Report]
    score: float


class ProgressMeter:
    """Measures the same networks after each epoch; which ones is a function of the seed.

    Args:
        space: with the data's number of classes.
    """

    def __init__(self, meter: SubnetMeter, config: TwoStageConfig, space: Space) -> None:
        self._meter = meter
        kept = fixed_networks(space, config.validation_networks, "validation", config.seed)
        self._asked = [
            ("smallest", smallest(space)),
            ("biggest", biggest(space)),
            *(("sampled", each) for each in kept),
        ]

    def measure(self, supernet: DynamicSupernet, stop_check: StopCheck) -> Progress:
        """Measure all of them; the supernet does not change."""
        found = [self._meter.measure(supernet, architecture, stop_check) for _, architecture in self._asked]
        accuracies = [_percent(each) for each in found]
        of_smallest, of_biggest, *of_sampled = accuracies
        metrics = {
            "validation_loss": found[1].loss, "validation_accuracy_percent": of_biggest,
            "smallest_validation_accuracy_percent": of_smallest,
            "sampled_validation_accuracy_percent": sum(of_sampled) / len(of_sampled) if of_sampled else None,
            "validation_split": "validation",
        }  # fmt: skip
        reports: list[Report] = [
            ("subnet", _fields(role, architecture, evaluation))
            for (role, architecture), evaluation in zip(self._asked, found, strict=True)
        ]
        return Progress(metrics, reports, (of_biggest + of_smallest) / 2)

    def accuracy(self, supernet: DynamicSupernet, architecture: Architecture, stop_check: StopCheck) -> float:
        """Of any one network, in percent."""
        return _percent(self._meter.measure(supernet, architecture, stop_check))


def _fields(role: str, architecture: Architecture, found: Evaluation) -> dict[str, Any]:
    cost = subnet_cost(architecture)
    return {
        "role": role, "architecture": architecture.as_json(), "macs": cost.macs, "parameters": cost.parameters,
        "accuracy_percent": found.accuracy_percent, "loss": found.loss,
    }  # fmt: skip


def _percent(found: Evaluation) -> float:
    assert found.accuracy_percent is not None  # A validation split has images.
    return found.accuracy_percent
