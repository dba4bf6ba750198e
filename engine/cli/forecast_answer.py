"""The answer of ``--forecast``: what the run would take, without starting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.output import DONE, emit, note, say
from engine.cli.starting import Said
from engine.config import RunConfig, SearchConfig, TwoStageConfig, defaults
from engine.config.presets import retraining_method
from engine.report.formats import size_text, two_units_text

if TYPE_CHECKING:
    from engine.bench.forecast_result import Forecast

forecast_option = click.option(
    "--forecast", is_flag=True, help="Start nothing: say what memory, time and disk the run would take, and the largest batch that fits."
)  # fmt: skip


def answer_forecast(said: Said, config: RunConfig) -> int:
    """Rehearse the run, print what it would take, and give the exit code.

    Raises:
        NascopeError: the device is not there, the data or the settings fit no run.
    """
    # Loaded only now: wrong settings are refused without waiting for torch.
    from engine.bench.forecast import forecast
    from engine.training.device import pick_device

    found = forecast(
        config, pick_device(config.device), reference=reference_batch(said, config), listener=lambda sentence: note(f"{sentence} …")
    )  # fmt: skip
    if said.out is not None:
        note("--out makes no folder here: a forecast starts nothing.")
    if said.as_json:
        emit(found.as_json())
    else:
        _print(found)
    return DONE


def reference_batch(said: Said, config: RunConfig) -> tuple[int, float]:
    """The batch size that the learning rate was made for: the preset's, or the run's own where a person set the rate."""
    if isinstance(config, SearchConfig | TwoStageConfig):
        method: str | None = config.method
    else:
        method = retraining_method(getattr(config, "genotype", None))
    preset = defaults(config.kind, method=method, data=said.data or "digits", preset=said.preset or "auto")
    if config.learning_rate == preset["learning_rate"]:
        return int(preset["batch_size"]), float(preset["learning_rate"])
    return config.batch_size, config.learning_rate


def _print(found: Forecast) -> None:
    say(found.in_words()[:1].upper() + found.in_words()[1:] + ".")
    say()
    rows = [("device", found.device_title)]
    if found.steps:
        step = f"{found.seconds_per_step:.3g} s"
        if found.weights_seconds_per_step is not None:
            step += f", {found.weights_seconds_per_step:.3g} s while the alphas are frozen"
        rows += [
            ("steps", f"{found.steps:,}: {found.epochs} epochs of {found.steps_per_epoch}, {found.images:,} images in batches of {found.batch_size}"),
            ("a step", f"{step} ({found.timed_steps} timed)"),
        ]  # fmt: skip
        parts = [
            f"{name.replace('_', ' ')} {two_units_text(hours * 3600)}" for name, hours in found.hours_by_part.items() if hours
        ]  # fmt: skip
        rows.append(("time", ", ".join(parts)))
    if found.peak_memory_mib is not None:
        rows.append(
            (
                "memory",
                f"{size_text(found.peak_memory_mib)} at most, {size_text(found.free_memory_mib)} are free",
            )
        )
    rows.append(("disk", size_text(found.disk_mib)))
    if found.largest_batch_size is not None:
        rows.append(
            (
                "largest batch",
                f"--set batch_size={found.largest_batch_size} --set learning_rate={found.learning_rate:g}",
            )
        )
    for name, value in rows:
        say(f"{name:14} {value}")
    for message in found.messages:
        note(message)
