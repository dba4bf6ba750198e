"""The discretization gap of a search: what the supernet loses when only the chosen operations are left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.cells.fact_table import Fact
from app.cells.words import number, tr
from app.progress import percent
from app.run_model import RunModel
from engine.runs import RunFolder

LARGE_GAP_PERCENT = 5.0
"""In points; below it the mixture and the chosen cells do nearly alike."""


def measured_gap(model: RunModel) -> Mapping[str, Any] | None:
    """The newest measurement: one made on demand (``nascope explain RUN --gap``), else that of the search's end."""
    found = [row for row in RunFolder(model.path).results() if row.get("what") == "discretization_gap"]
    if found:
        return found[-1]
    event = model.history.last.get("discretization_gap")
    return event.data if event is not None else None


def gap_facts(gap: Mapping[str, Any]) -> list[Fact]:
    """Both accuracies and their difference; empty where a number is missing."""
    soft = number(gap.get("soft_accuracy_percent"))
    alone = number(gap.get("recalibrated_accuracy_percent"))
    if soft is None or alone is None:
        return []
    images, split = gap.get("images"), gap.get("split")
    where = tr("Measured on {images} images of the {split} split.").format(
        images=f"{images:,}" if isinstance(images, int) else "?", split=split or "?"
    )
    drop = soft - alone
    return [
        Fact(tr("all operations, mixed"), percent(soft), hint=tr("The supernet with its soft alphas.") + " " + where),
        Fact(
            tr("chosen cells alone"),
            percent(alone),
            hint=tr("One-hot alphas, batch-norm statistics measured anew.") + " " + where,
        ),
        Fact(
            tr("gap"),
            tr("{n} points").format(n=f"{drop:.1f}"),
            "warn" if drop > LARGE_GAP_PERCENT else "text",
            hint=where,
        ),
    ]


def gap_sentence(gap: Mapping[str, Any]) -> str:
    """What the gap means, and what it does not."""
    soft, alone = number(gap.get("soft_accuracy_percent")), number(gap.get("recalibrated_accuracy_percent"))
    if soft is None or alone is None:
        return ""
    if soft - alone > LARGE_GAP_PERCENT:
        return tr(
            "With the search's weights and only the chosen operations the accuracy falls: these weights learned to work as a mixture. "
            "That is usual. How good the cells are, only a retraining tells."
        )
    return tr("The chosen operations do nearly as well as the mixture. How good the cells are, a retraining tells.")
