"""How far a run is and how long it will take, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.run_model import RunModel

translate = QCoreApplication.translate


def fraction_done(model: RunModel) -> float:
    """Share of all steps that are done, 0 to 1."""
    if model.status.state == "finished":
        return 1.0
    total = total_steps(model)
    return min(1.0, (model.history.step + 1) / total) if total else 0.0


def total_steps(model: RunModel) -> int:
    """Steps of the whole run; 0 before it is known."""
    per_epoch = model.history.steps_per_epoch or model.status.steps_per_epoch
    return per_epoch * epochs_of(model)


def epochs_of(model: RunModel) -> int:
    """Epochs of the whole run."""
    return int(model.history.started.get("epochs") or model.status.epochs or model.config.get("epochs") or 0)


def epoch_of(model: RunModel) -> int:
    """The epoch that goes on, from 1 as people count."""
    per_epoch = model.history.steps_per_epoch
    if per_epoch and model.history.step >= 0:
        return min(epochs_of(model), model.history.step // per_epoch + 1)
    return min(max(1, epochs_of(model)), model.status.epoch + 1)


def seconds_left(model: RunModel) -> float | None:
    """Estimate from the pace of the last epochs, or of the last steps before one is done; None before there is any."""
    total = total_steps(model)
    done = model.history.step + 1
    if not total or done <= 0:
        return None
    epochs = model.history.series.get("epoch.seconds")
    per_epoch = model.history.steps_per_epoch or model.status.steps_per_epoch
    if epochs is not None and len(epochs) and per_epoch:
        seconds_a_step = float(epochs.values[-3:].mean()) / per_epoch
    else:
        steps = model.history.series.get("step.step_seconds")
        if steps is None or not len(steps):
            return None
        seconds_a_step = float(steps.values[-20:].mean())
    return max(0.0, (total - done) * seconds_a_step) if seconds_a_step == seconds_a_step else None


def in_words(seconds: float) -> str:
    """A length of time as people say it: 40 s, 18 min, 2 h 5 min, 3 d."""
    if seconds < 60:
        return translate("progress", "{n} s").format(n=max(1, round(seconds)))
    if seconds < 3600:
        return translate("progress", "{n} min").format(n=round(seconds / 60))
    if seconds < 48 * 3600:
        return translate("progress", "{h} h {m} min").format(h=int(seconds // 3600), m=int(seconds % 3600 // 60))
    return translate("progress", "{n} d").format(n=round(seconds / 86_400))


def percent(value: object) -> str:
    """An accuracy with an honest digit; empty where there is none."""
    return f"{value:.1f} %" if isinstance(value, int | float) and value == value else ""
