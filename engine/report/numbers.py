"""The page's key numbers, and which images each is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.explain import alphas_of, mean_entropy
from engine.genotype import CELL_KINDS, Genotype
from engine.report.formats import duration_text, millions_text, number_text, percent_text, points_text, times_text
from engine.runs import AlphaRecord, RunHistory, Status
from engine.runs.folder import CHECKPOINT_LAST


@dataclass(frozen=True)
class RunFacts:
    """What the page is made from; ``records`` are one an epoch and fit ``primitives``."""

    config: Mapping[str, Any]
    status: Status
    history: RunHistory
    records: Sequence[AlphaRecord]
    primitives: Sequence[str]
    genotype: Genotype | None
    results: Sequence[Mapping[str, Any]]

    @property
    def kind(self) -> str:
        return str(self.config.get("kind", "search"))

    @property
    def is_search(self) -> bool:
        return self.kind == "search"

    @property
    def tests(self) -> list[Mapping[str, Any]]:
        return [row for row in self.results if row.get("what") == "test"]


def key_numbers(facts: RunFacts) -> list[dict[str, Any]]:
    """``label``, ``value`` and a ``note`` that says which images a number is from."""
    metrics, started = facts.status.metrics, facts.history.started
    split = _measured_on(facts)
    found = []

    def add(label: str, value: str | None, note: str = "") -> None:
        if value is not None:
            found.append({"label": label, "value": value, "note": note})

    for row in facts.tests[-1:]:
        add(
            "test accuracy",
            percent_text(row.get("accuracy_percent")),
            "; ".join(
                [
                    f"{number_text(row.get('images'))} images",
                    *_cautions(row, facts),
                    f"tested {times_text(len(facts.tests))}",
                ]
            ),
        )
    is_two_stage = facts.kind == "two-stage"
    add(
        "biggest network" if is_two_stage else "validation accuracy",
        percent_text(metrics.get("validation_accuracy_percent")),
        _SPLIT_NAMES.get(split or "", ""),
    )
    add(
        "smallest network",
        percent_text(metrics.get("smallest_validation_accuracy_percent")),
        _SPLIT_NAMES["validation"],
    )
    add(
        "sampled networks, mean",
        percent_text(metrics.get("sampled_validation_accuracy_percent")),
        _SPLIT_NAMES["validation"],
    )
    add(
        "training accuracy",
        percent_text(metrics.get("train_accuracy_percent")),
        f"{'of the biggest network, ' if is_two_stage else ''}with augmentation, during the last epoch",
    )
    gap = facts.history.of_type("discretization_gap")
    if gap:
        data = gap[-1].data
        cut = data.get("recalibrated_accuracy_percent", data.get("discrete_accuracy_percent"))
        add(
            "cost of discretizing", points_text(data.get("gap_percent")),
            f"supernet {percent_text(data.get('soft_accuracy_percent')) or '–'}, cut to its cell {percent_text(cut) or '–'}",
        )  # fmt: skip
    parameters = started.get("parameters")
    if isinstance(parameters, int | float):
        add(
            "parameters",
            millions_text(parameters),
            _WHOSE_PARAMETERS.get(facts.kind, ""),
        )
    for kind in CELL_KINDS if facts.records else ():
        entropy = mean_entropy(alphas_of(facts.records[-1], kind)[0])
        add(f"entropy, {kind}", f"{entropy.nats:.2f} nats", f"{100 * entropy.share:.1f} % of uniform")
    if facts.status.seconds:
        add("computing time", duration_text(facts.status.seconds), "over all sittings")
    return found


def _cautions(row: Mapping[str, Any], facts: RunFacts) -> list[str]:
    """What keeps a test from being one of the finished network on the test split that was left out of its training."""
    found = []
    if row.get("data") not in (None, facts.config.get("data")):
        found.append(f"of other data ({row['data']})")
    if row.get("images_changed"):
        found.append("changed since the training, so some of them may have been trained on")
    epoch = row.get("epoch")
    if row.get("checkpoint") == CHECKPOINT_LAST and isinstance(epoch, int) and epoch < facts.status.epochs:
        found.append(f"tested after epoch {epoch} of {facts.status.epochs}")
    return found


_WHOSE_PARAMETERS = {
    "search": "of the supernet, without alphas",
    "retrain": "without the auxiliary head",
    "two-stage": "of the supernet, shared by all sub-networks",
    "subnet": "of the sub-network",
}
_SPLIT_NAMES = {
    "validation": "held-out validation split",
    "alphas": "the alphas' half of the training images",
    "test": "on the test split, after every epoch: an imported log",
}


def _measured_on(facts: RunFacts) -> str | None:
    """Which images the validation numbers are from."""
    last = facts.history.last.get("epoch")
    said = last.data.get("validation_split") if last is not None else None
    return str(said or facts.history.started.get("validation_split") or "") or None


def protocol(facts: RunFacts) -> list[str]:
    """Which images every number is from, and what may not be concluded."""
    counts = mapping(facts.history.started.get("splits"))
    found = []

    def images(name: str) -> str:
        return f"{number_text(counts[name])} images" if name in counts else "images"

    split = _measured_on(facts)
    if facts.is_search:
        if facts.config.get("method") == "random":
            found.append("The cell was drawn at random; nothing was trained.")
        else:
            found.append(
                f"Both halves are of the training split: the weights were trained on {images('weights')}, the alphas on {images('alphas')}."
            )
        if split == "validation":
            found.append(
                f"Validation numbers are from {images('validation')} that neither weights nor alphas were fitted to."
            )
        elif split == "alphas":
            found.append(
                "Validation numbers are from the alphas' half, as in the papers: the alphas were fitted to these images."
            )
        found.append("They rate the supernet, not the cell: the cell's worth shows only after a retraining.")
        found.append("One search with one seed gives one cell; published cells were picked among several searches.")
    elif facts.kind == "two-stage":
        found.append(f"The shared weights were trained on {images('train')}; there are no architecture parameters.")
        found.append(
            f"Accuracies of sub-networks are from {images('validation')} held out of training, with batch-norm statistics measured "
            "anew for each on training images."
        )
        found.append(
            "Sub-networks are chosen by these accuracies, so that the best of many looks better than it is: the test split tells."
        )
    else:
        found.append(f"The weights were trained on {images('train')}.")
        if split == "validation":
            found.append(
                f"Validation numbers are from {images('validation')} held out of training; the best epoch is picked by them."
            )
        elif split == "test":
            found.append(
                "The log was imported: what it calls validation was measured on the test split, after every epoch."
            )
        elif counts:
            found.append(
                "No validation split was held out, as in the papers' retraining: the last epoch counts, not the best."
            )
    tests = len(facts.tests)
    if not tests and split != "test":
        found.append("The test split was not touched.")
    elif tests:
        caution = " Every look at it makes its number a little less honest." if tests > 1 else ""
        found.append(f"The test split was touched {times_text(tests)}.{caution}")
    return found


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one: logs and files may hold anything."""
    return value if isinstance(value, Mapping) else {}
