"""Events: what a run says while it goes on, one JSON object a line in ``events.jsonl``.

Every event has ``t`` (unix seconds), ``step`` and ``epoch`` (both counted from 0) and ``type``. ``step`` is the
step that was just done; what happens before the first step carries step 0. Floats keep full precision.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVENT_FIELDS: dict[str, str] = {
    "started": "command, versions, device, world_size, epochs, steps_per_epoch, parameters (of the network, without alphas), "
    "splits {name: images}, classes, primitives (search), edges (search: [source, node] a row of the alphas); "
    "two-stage: smallest and biggest {macs, parameters}, space, space_size, networks_per_step",
    "resumed": "step and epoch that go on, epochs (in all, which a resume may change); readers drop earlier events of that step or later",
    "paused": "none",
    "unpaused": "none",
    "step": "loss, accuracy_percent (of the weights' batch), learning_rate, images_per_second, step_seconds; "
    "searches: alpha_loss, alpha_accuracy_percent (of the alphas' batch), alpha_learning_rate; "
    "two-stage (loss and accuracy_percent are the biggest network's): smallest_loss, smallest_accuracy_percent, sampled_loss",
    "epoch": "train_loss, train_accuracy_percent, validation_loss, validation_accuracy_percent (None without a validation "
    "split), validation_split (validation | alphas | test, of an imported retraining | None), learning_rate, seconds; "
    "two-stage (all of the biggest network): also smallest_validation_accuracy_percent, sampled_validation_accuracy_percent (mean)",
    "alphas": "normal, reduction: raw values, (edges, primitives); normal_betas, reduction_betas: (edges,) where a method has them",
    "genotype": "genotype (its JSON), changed: [cell kind, node] of the nodes that differ from the last one",
    "gradient": "weight_gradient_norm (before clipping), weight_update_norm, alpha_gradient_norm, alpha_update_norm (None while frozen)",
    "memory": "resident_mib, device_mib, device_total_mib (None on a CPU)",
    "subnet": "two-stage, after each epoch: role (smallest | biggest | sampled), architecture (its record), macs, parameters, "
    "accuracy_percent, loss (validation split, calibrated batch norms)",
    "sampled": "two-stage, after each epoch: the architectures that its steps sampled: networks (how many), counts (by the place of each "
    "choice, {value: times}), macs_edges (bin edges, ascending) and macs_counts (one fewer), off_target (candidates outside the range that was drawn for them)",
    "discretization_gap": "soft_accuracy_percent (the mixture), discrete_accuracy_percent (one-hot, with the mixture's "
    "batch-norm statistics), recalibrated_accuracy_percent (one-hot, statistics measured anew), gap_percent (soft minus recalibrated), split, images",
    "diagnosis": "code, severity (info | warning | severe), message, numbers",
    "checkpoint": "file, best (whether it also became checkpoint-best.pt)",
    "message": "text, level (info | warning)",
    "stopped": "reason (order | interrupt | terminate | window)",
    "finished": "metrics",
    "failed": "error {what, where, mend}",
}
"""Event types and the fields each carries besides the four that all have."""

ALWAYS_KEPT = frozenset({"started", "resumed"})
"""Types that a later ``resumed`` does not drop, whatever their step."""


@dataclass(frozen=True)
class Event:
    """One line of the log."""

    t: float
    step: int
    epoch: int
    type: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_line(self) -> str:
        """The JSON line, without its newline. Values that JSON has no word for (nan, inf) become null."""
        document = {"t": self.t, "step": self.step, "epoch": self.epoch, "type": self.type, **_plain(dict(self.data))}
        return json.dumps(document, allow_nan=False, separators=(",", ":"))


def event_from_line(line: str) -> Event | None:
    """The event of a line; None for a line that is broken or no event (a half-written one, a stray print)."""
    try:
        document = json.loads(line)
        return Event(
            float(document.pop("t")),
            int(document.pop("step")),
            int(document.pop("epoch")),
            str(document.pop("type")),
            document,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
