"""What a person should know about an imported run, in sentences."""

from __future__ import annotations

import math

from engine.config import RetrainConfig, RunConfig, SearchConfig
from engine.runs.original.record import OriginalLog
from engine.runs.original.settings import disagreeing_epochs

Note = tuple[str, bool]
"""A sentence, and whether it is a warning."""

_TEST_SPLIT = (
    "What the original calls valid_acc in a retraining is measured on the test split, after every epoch: "
    "the best of these is chosen on the test split."
)


def opening_notes(log: OriginalLog, config: RunConfig, told: str, *, has_alphas: bool, floored: int) -> list[Note]:
    """The notes that stand before a run's first epoch.

    Args:
        told: how the method of a search was told.
        floored: printed zeros among the alphas.
    """
    notes: list[Note] = [
        (f"Read from a log of the original code, {log.place}. Losses and accuracies of steps are means of the epoch so far.", False)
    ]  # fmt: skip
    if log.earlier_searches:
        text = f"The log begins anew {_times(log.earlier_searches)}; what follows the last beginning is shown."
        notes.append((text, False))
    diverged = next((epoch for epoch in log.epochs if any(not math.isfinite(step.loss) for step in epoch.steps)), None)
    if diverged is not None:
        text = f"The loss is no finite number from epoch {diverged.number + 1} on: the training diverged."
        notes.append((text, True))
    if isinstance(config, SearchConfig):
        notes += _search_notes(log, config, told, has_alphas, floored)
    elif isinstance(config, RetrainConfig):
        notes.append((_TEST_SPLIT, True))
    if log.faults:
        more = f" and {log.faults_left_out} more" if log.faults_left_out else ""
        notes.append((f"Left out: {'; '.join(log.faults)}{more}.", False))
    return notes


def _search_notes(log: OriginalLog, config: SearchConfig, told: str, has_alphas: bool, floored: int) -> list[Note]:
    notes: list[Note] = [(f"Taken for {config.method}, {told}.", False)]
    if not has_alphas:
        text = "There are no alphas in it: the original prints them to standard output only, not into its log.txt."
        return [*notes, (text, False)]
    text = (
        "Cells and alphas stand as the original printed them, before the first step of each epoch: the last epoch's updates are not in "
        "them. Alphas are logarithms of printed weights of four decimals."
    )
    notes.append((text, False))
    if floored:
        notes.append((f"{floored} printed weights are 0; half of the last digit stands in their place.", False))
    other = disagreeing_epochs(log, config.primitives)
    if other and config.edge_normalization:
        text = f"In {_epochs(len(other))} the cells are not those of the alphas alone: betas, which are not printed, chose too."
        notes.append((text, False))
    elif other:
        text = (
            f"In {_epochs(len(other))} (first: {other[0]}) the printed cells and the printed alphas disagree: rounded values tie, "
            "or it was no plain DARTS search (--method)."
        )
        notes.append((text, True))
    return notes


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' * (count != 1)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
