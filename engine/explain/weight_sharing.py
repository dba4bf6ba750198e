"""What readers of the two-stage papers ask, answered with a run's own numbers: what is shared, searched and optimized."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import NascopeError
from engine.subnets import Space, space_from_json, space_named
from engine.subnets.front import front

_DRAWN = ("random",)
_ROLES = ("smallest", "biggest")
_NOT_SEARCHED = (*_DRAWN, *_ROLES, "named")
"""``found_by`` of networks that no strategy proposed."""


@dataclass(frozen=True)
class Answer:
    """A question and what can be said to it, in sentences."""

    question: str
    text: str


def answers(
    config: Mapping[str, Any],
    started: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]] = (),
    training_seconds: float | None = None,
    *,
    epoch: Mapping[str, Any] | None = None,
    selections: Sequence[Mapping[str, Any]] = (),
) -> tuple[Answer, ...]:
    """The four questions that come up again and again; numbers that the run does not know yet are left out.

    Args:
        config: of the two-stage run, as ``config.json`` holds it.
        started: fields of its ``started`` event, empty before it.
        rows: sub-networks measured after the training, all at the same weights: ``macs``, ``accuracy_percent``, ``found_by``.
        training_seconds: computing time of the training so far.
        epoch: fields of its newest ``epoch`` event.
        selections: lines of ``results.jsonl`` that selections wrote: ``seconds``, ``measured_now``.
    """
    seconds = _number({"seconds": training_seconds}, "seconds")
    run = _Numbers(config, started, rows, seconds, epoch or {}, selections)
    return (
        Answer("Is weight sharing the same as continuous relaxation?", _sharing(run)),
        Answer("Where is the search? Is it not just taking the best of a ready model?", _search(run)),
        Answer("What is optimized when?", _optimized(run)),
        Answer("Why can every sub-network be good at once?", _at_once(run)),
    )


@dataclass(frozen=True)
class _Numbers:
    """A run's numbers under the names that the sentences use."""

    config: Mapping[str, Any]
    started: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    training_seconds: float | None
    epoch: Mapping[str, Any]
    selections: Sequence[Mapping[str, Any]]

    @property
    def space(self) -> Space | None:
        """None where a damaged configuration names none."""
        try:
            definition = self.config.get("space_definition")
            return space_from_json(definition) if definition else space_named(str(self.config.get("space", "")))
        except NascopeError:
            return None

    @property
    def per_step(self) -> int:
        """Networks that one step trains."""
        value = self.config.get("networks_per_step")
        return value if isinstance(value, int) and value > 1 else 4

    def best(self, *, but: Sequence[str] = ()) -> Mapping[str, Any] | None:
        """The most accurate row, cheapest of equals, ``but`` those of these finders; None where there is none."""
        fitting = [row for row in self.rows if row.get("found_by") not in but]
        return max(fitting, key=lambda row: (_accuracy(row), -_cost(row)), default=None)

    def accuracy_of(self, role: str) -> float | None:
        """Validation accuracy of the smallest or biggest network, the selection's before the last epoch's."""
        measured = [row for row in self.rows if row.get("found_by") == role]
        if measured:
            return _number(measured[-1], "accuracy_percent")
        name = "validation_accuracy_percent"
        return _number(self.epoch, name if role == "biggest" else f"{role}_{name}")

    @property
    def selection_seconds(self) -> float | None:
        """Computing time of all selections; None where none told."""
        known = [seconds for line in self.selections if (seconds := _number(line, "seconds")) is not None]
        return sum(known) if known else None

    @property
    def seconds_a_network(self) -> float | None:
        """What measuring one more network takes; None where nobody measured.

        Networks that a selection asked for and that were known before took no time, so they do not count.
        """
        measured = sum(_number(line, "measured_now") or 0.0 for line in self.selections)
        seconds = self.selection_seconds
        return seconds / measured if seconds is not None and measured else None

    @property
    def calibration_images(self) -> float:
        """Training images that statistics are from: whole batches, of no more images than the training has."""
        asked, size = (
            _number(self.config, name) or usual for name, usual in (("calibration_images", 4096), ("calibration_batch_size", 256))
        )  # fmt: skip
        splits = self.started.get("splits")
        train = _number(splits, "train") if isinstance(splits, Mapping) else None
        count = min(asked, train) if train else asked
        return count - count % min(max(size, 1), count) if count >= 1 else asked


def _sharing(run: _Numbers) -> str:
    space = run.space
    whole = (
        f"all {space.size:,} networks of the space {space.name}" if space is not None else "all networks of the space"
    )
    weights = _number(run.started, "parameters")
    supernet = f"one supernet of {weights:,.0f} weights" if weights else "one supernet"
    return (
        f"No. Weight sharing means that many networks read the same weights: {whole} are cut out of {supernet}, each as the first "
        "channels, the middle of the kernels and the first blocks. Continuous relaxation means that a choice is replaced by a weighted "
        "sum of everything that could be chosen, with learned weights (alphas), so that the choice has a gradient. One does not need "
        "the other: DARTS uses both, this run uses weight sharing alone. It has 0 architecture parameters: nothing that the optimizer "
        "updates says which network is better, so there are no alphas to plot."
    )  # fmt: skip


def _search(run: _Numbers) -> str:
    sentences = [
        "In the second stage, after the training: weights are frozen, networks are cut out, measured on the validation split and "
        "compared. It is a discrete search without gradients, over architectures and not over weights: nobody knows the best of them "
        "without measuring, and there are too many to measure all."
    ]
    count, space = len(run.rows), run.space
    if count and space is not None:
        share = f", {_share(count / space.size)} of the space" if space.size > count else ""
        sentences.append(f"Here {count:,} networks were measured{share}.")
    else:
        sentences.append("Here none was measured for a budget yet, so nothing was searched.")
    sentences += [_times(run), _against_random(run)]
    sampling = str(run.config.get("sampling", "uniform"))
    if sampling in ("best-up", "worst-up"):
        best = "best" if sampling == "best-up" else "worst"
        by = (
            "the loss on the batch at hand"
            if run.config.get("score", "loss") == "loss"
            else "the accuracy that a predictor expects"
        )
        sentences.append(
            f"A little of it is moved into the training: each sampled network is the {best} of {run.config.get('candidates', 3)} candidates "
            f"by {by}. That chooses which networks are trained; it is no gradient on the choice."
        )  # fmt: skip
    return " ".join(sentence for sentence in sentences if sentence)


def _times(run: _Numbers) -> str:
    training, selection = run.training_seconds, run.selection_seconds
    one = run.seconds_a_network
    parts = []
    if training and selection is not None:
        parts.append(f"The training has taken {_time(training)}, choosing {_time(selection)}.")
    elif training:
        parts.append(f"The training has taken {_time(training)}.")
    if one is not None:
        along = front(run.rows, _cost, _accuracy)
        parts.append(
            f"One more budget costs nothing where one of the {len(along)} networks on the front fits it, else {_time(one)} for each further "
            "network that is measured, and no training; a differentiable search would search and train again."
        )  # fmt: skip
    return " ".join(parts)


def _against_random(run: _Numbers) -> str:
    """The best that was searched for beside the best random network that costs no more; empty where one is missing."""
    searched = run.best(but=_NOT_SEARCHED)
    if searched is None:
        return ""
    found, limit = _accuracy(searched), _cost(searched)
    random = [row for row in run.rows if row.get("found_by") in _DRAWN and _cost(row) <= limit]
    if not random:
        return ""
    best = max(map(_accuracy, random))
    others = f"{len(random):,} random network{'s' * (len(random) != 1)} that cost{'s' * (len(random) == 1)} no more"
    told = f"The search found {found:.2f} % at {_macs(limit)}; the best of {others} has {best:.2f} %"
    if found > best:
        return f"{told}, {found - best:.2f} points less, on the split that both were chosen by."
    return f"{told}: here the search found nothing that drawing at random would not have."


def _optimized(run: _Numbers) -> str:
    config, middle = run.config, max(0, run.per_step - 2)
    trained = f"the biggest, the smallest and {middle} sampled" if middle else "the biggest and the smallest"
    teacher = (
        "the biggest learns the labels, the others learn the biggest one's answers (in-place distillation)"
        if config.get("distillation", True)
        else "each of them learns the labels"
    )
    splits = run.started.get("splits")
    split = splits.get("validation") if isinstance(splits, Mapping) else None
    held_out = (
        f" on the {split:,} images of the validation split" if isinstance(split, int) else " on the validation split"
    )
    epochs = _number(config, "epochs")
    during = f" of the {epochs:.0f} epochs" if epochs else ""
    return (
        f"Stage one optimizes weights only: every step{during} trains {run.per_step} networks, {trained}; {teacher}. Their "
        "gradients add up to one update of the shared weights. Which network is best is not asked. Stage two optimizes the architecture "
        f"only: weights stay as they are, and accuracy{held_out} is maximized under a budget of multiply-adds, parameters, memory or "
        f"latency. Before a network is measured, its batch norms get statistics of their own from {run.calibration_images:,.0f} training images; "
        "inherited ones belong to no network. A differentiable search updates weights and architecture in turn, step by step; here each "
        "stage leaves alone what the other one optimizes. The test split takes part in neither."
    )  # fmt: skip


def _at_once(run: _Numbers) -> str:
    smallest, biggest = run.accuracy_of("smallest"), run.accuracy_of("biggest")
    distilled = (
        "; the smaller ones learn the biggest one's answers, which are easier to follow than labels"
        if run.config.get("distillation", True)
        else ""
    )
    shortcuts = (
        " Blocks begin as their shortcuts, so that deep networks begin as shallow ones."
        if run.config.get("zero_gamma", True)
        else ""
    )
    sentences = [
        "Because they are nested: a smaller network is the first part of a bigger one, so what it needs is trained in every step. Each step "
        f"trains both ends, the biggest and the smallest network, and {max(0, run.per_step - 2)} between them{distilled}.{shortcuts} And "
        "every network is measured with batch-norm statistics of its own; with another network's statistics it would be hardly better than "
        "chance."
    ]  # fmt: skip
    if smallest is not None and biggest is not None:
        sentences.append(
            f"Here the smallest network has {smallest:.2f} % and the biggest {biggest:.2f} % on the validation split."
        )
    sampled = _number(run.epoch, "sampled_validation_accuracy_percent")
    if sampled is not None:
        sentences.append(f"Networks between them had {sampled:.2f} % on average after the last epoch.")
    best = run.best()
    if best is not None and best.get("found_by") not in _ROLES:
        sentences.append(
            f"The most accurate network that was measured has {_accuracy(best):.2f} % at {_macs(_cost(best))}."
        )
    sentences.append(
        "Good does not mean best: whether a network that is trained alone would do better is a question for an experiment (train it from "
        "scratch, or fine-tune it)."
    )  # fmt: skip
    return " ".join(sentences)


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def _accuracy(row: Mapping[str, Any]) -> float:
    return _number(row, "accuracy_percent") or 0.0


def _cost(row: Mapping[str, Any]) -> float:
    return _number(row, "macs") or 0.0


def _macs(macs: float) -> str:
    return f"{macs / 1e6:,.2f} million multiply-adds"


def _share(share: float) -> str:
    percent = 100 * share
    return f"{percent:.2g} %" if percent >= 0.01 else "less than 0.01 %"


def _time(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
