"""What a bench found, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.bench.images import DataShape


@dataclass(frozen=True)
class SupernetMeasures:
    """A search step with one supernet.

    Attributes:
        supernet: ``fast`` or ``reference``.
        parameters: weights of the network.
        images_per_step: of the weights' batch.
        timed_steps: of each kind.
        step_seconds: median of whole steps: alphas, then weights.
        weights_step_seconds: median of the steps of warm-up epochs, which move the weights only.
        operations_per_step: aten operations of a whole step that compute something; views are left out.
        peak_memory_mib: what network, optimizers and a step take at most, on top of the images of the data set and of
            what the process holds anyway; None where it could not be measured.
        decisions: how the supernet was laid out where the settings leave it open.
    """

    supernet: str
    parameters: int
    images_per_step: int
    timed_steps: int
    step_seconds: float
    weights_step_seconds: float
    operations_per_step: int
    peak_memory_mib: float | None
    decisions: Mapping[str, str] = field(default_factory=dict)

    @property
    def alphas_step_seconds(self) -> float:
        """The alphas' part of a whole step."""
        return max(0.0, self.step_seconds - self.weights_step_seconds)

    @property
    def steps_per_second(self) -> float:
        """Whole steps a second."""
        return 1 / self.step_seconds

    @property
    def images_per_second(self) -> float:
        """Images of the weights' half a second, as the curves of a run count them."""
        return self.images_per_step / self.step_seconds

    def as_json(self) -> dict[str, Any]:
        """Every attribute and property by its name."""
        return asdict(self) | {
            "alphas_step_seconds": self.alphas_step_seconds,
            "steps_per_second": self.steps_per_second,
            "images_per_second": self.images_per_second,
        }


@dataclass(frozen=True)
class Ratios:
    """The textbook supernet over the measured one: more than 1 where the measured one takes less.

    Attributes:
        peak_memory: None where the memory of either could not be measured.
    """

    step_seconds: float
    weights_step_seconds: float
    operations_per_step: float
    peak_memory: float | None


@dataclass(frozen=True)
class BenchResult:
    """What a search with these settings costs on this device.

    Attributes:
        device: as ``--device`` takes it.
        device_title: in words.
        threads: of the processor.
        versions: of what can change the numbers.
        settings: those of the search that decide about its cost.
        images: shape of the images; they were random.
        measured: the supernet that the settings name.
        reference: the textbook supernet; None where it was not asked for, did not fit or is the measured one.
        time_shares: of the measured supernet's step by kind of operation, adding up to 1; None where unknown.
        messages: sentences that a person should read.
    """

    device: str
    device_title: str
    threads: int
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    images: DataShape
    measured: SupernetMeasures
    reference: SupernetMeasures | None
    time_shares: Mapping[str, float] | None
    messages: tuple[str, ...] = ()

    @property
    def ratios(self) -> Ratios | None:
        """How much less the measured supernet takes than the textbook's; None without a comparison."""
        if self.reference is None:
            return None
        theirs, ours = self.reference, self.measured
        has_memory = theirs.peak_memory_mib is not None and bool(ours.peak_memory_mib)
        return Ratios(
            step_seconds=theirs.step_seconds / ours.step_seconds,
            weights_step_seconds=theirs.weights_step_seconds / ours.weights_step_seconds,
            operations_per_step=theirs.operations_per_step / ours.operations_per_step,
            peak_memory=(theirs.peak_memory_mib or 0.0) / (ours.peak_memory_mib or 1.0) if has_memory else None,
        )

    def as_json(self) -> dict[str, Any]:
        """As ``nascope bench --json`` prints it."""
        ratios = self.ratios
        return {
            "device": self.device,
            "device_title": self.device_title,
            "threads": self.threads,
            "versions": dict(self.versions),
            "settings": dict(self.settings),
            "images": asdict(self.images),
            "measured": self.measured.as_json(),
            "reference": self.reference.as_json() if self.reference is not None else None,
            "ratios": asdict(ratios) if ratios is not None else None,
            "time_shares": dict(self.time_shares) if self.time_shares is not None else None,
            "messages": list(self.messages),
        }
