"""What the panel of networks says of its run: why no selection may begin, what an empty plot teaches, what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.run_model import RunModel
from app.subnets.points import Points

translate = QCoreApplication.translate


def why_not(model: RunModel | None) -> tuple[str, bool]:
    """Why no selection may begin (empty where it may), and whether it may in the unfinished supernet."""
    if model is None:
        return translate("subnets", "There is no run."), False
    if "epoch" not in model.history.last:
        text = translate("subnets", "Networks can be selected when the training has ended; no epoch has ended yet.")
        return text, False
    if model.status.state != "finished":
        text = translate("subnets", "Networks can be selected when the training has ended; the arrow selects now.")
        return text, "checkpoint" in model.history.last
    return "", False


def no_weights(model: RunModel | None) -> str:
    """Why there is nothing to test; empty where there is."""
    if model is not None and "checkpoint" in model.history.last:
        return ""
    return translate("subnets", "No weights were saved yet: the first epoch has not ended.")


def empty_sentence(model: RunModel | None) -> str:
    """What stands in a plot without points."""
    if model is None:
        return ""
    if "epoch" not in model.history.last:
        return translate(
            "subnets", "After the first epoch the smallest, the biggest and some sampled networks are measured and stand here."
        )  # fmt: skip
    if model.status.state != "finished":
        return translate("subnets", "No network was measured yet. Networks are selected when the training has ended.")
    return translate(
        "subnets", "The supernet is trained. «Select networks» measures its networks and finds those that are worth their cost."
    )  # fmt: skip


def fact(points: Points, model: RunModel | None, results: Sequence[Mapping[str, Any]]) -> str:
    """How many networks are shown, and of which weights."""
    if not points.entries:
        return ""
    if points.epoch is not None:
        return translate("subnets", "measured after epoch {n}").format(n=points.epoch + 1)
    count = translate("subnets", "{n} measured, {front} on the front").format(
        n=len(points.entries), front=len(points.front())
    )
    if model is not None and is_outdated(model, results):
        return translate("subnets", "{count}; the training has gone on since").format(count=count)
    return count


def is_outdated(model: RunModel, results: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the training has gone on since the newest selection."""
    selections = [line.get("t") for line in results if line.get("what") == "select"]
    last, newest = model.history.last.get("epoch"), selections[-1] if selections else None
    return last is not None and isinstance(newest, int | float) and last.t > newest
