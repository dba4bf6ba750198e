"""Epochs of a run as views count them: from 0 inside, from 1 for people; the end of the first one lies at 1 on an axis."""

from __future__ import annotations

from app.run_model import RunModel
from app.selection import Selection


def planned_epochs(model: RunModel | None) -> int:
    """How many epochs the run is set to take: the length of its axes, at least 1."""
    if model is None:
        return 1
    return max(1, int(model.config.get("epochs") or model.history.started.get("epochs") or 1))


def last_epoch(model: RunModel | None) -> int | None:
    """The newest epoch that can be shown: with alphas, or for runs without alphas one that was finished; None before it."""
    if model is None:
        return None
    if model.history.epochs_logged:
        return model.history.epochs_logged - 1
    finished = model.history.last.get("epoch")
    return finished.epoch if finished is not None else None


def progress(model: RunModel | None) -> float:
    """Epochs that were done so far, with the part of the present one."""
    if model is None or not model.history.steps_per_epoch:
        return 0.0
    done = (model.history.step + 1) / model.history.steps_per_epoch
    newest = model.history.last.get("epoch")
    return min(max(done, newest.epoch + 1.0 if newest is not None else 0.0), float(planned_epochs(model)))


def shown_epoch(model: RunModel | None, selection: Selection) -> int | None:
    """The epoch that views show now, whether live or chosen; None before the first."""
    newest = last_epoch(model)
    if newest is None or selection.epoch is None:
        return newest
    return min(selection.epoch, newest)


def go_to(model: RunModel | None, selection: Selection, epoch: int) -> None:
    """Show an epoch; the newest one means live."""
    newest = last_epoch(model)
    if newest is None:
        return
    selection.show_epoch(max(epoch, 0) if epoch < newest else None)


def step_by(model: RunModel | None, selection: Selection, by: int) -> None:
    """Go some epochs on or back."""
    shown = shown_epoch(model, selection)
    if shown is not None:
        go_to(model, selection, shown + by)
