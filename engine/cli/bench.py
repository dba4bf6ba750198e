"""``nascope bench``: what a search step costs on this machine, beside the textbook supernet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import emit, json_option, note, print_rows, say
from engine.cli.search import command as search
from engine.cli.starting import CommandWithSettings, Said
from engine.config import SearchConfig
from engine.config.presets import method_names
from engine.errors import ConfigError, Fault

if TYPE_CHECKING:
    from engine.bench import BenchResult, SupernetMeasures

_SHARED = ("method", "data", "config_file", "assignments", "preset", "device")


@click.command("bench", cls=CommandWithSettings, params=[option for option in search.params if option.name in _SHARED])
@click.option(
    "--steps", type=click.IntRange(1, 10_000), metavar="N", help="Steps to time; default: about ten seconds of them."
)
@click.option("--no-reference", is_flag=True, help="Leave the textbook supernet out: no comparison, and sooner done.")
@json_option
def command(steps: int | None, no_reference: bool, as_json: bool, **said: Any) -> None:
    """Measure a search step on this machine: time, memory, operations, where the time goes.

    Takes the settings of nascope search and does what such a search would do, on random images of the data set's
    shape: nothing is downloaded, nothing is written. The textbook supernet, as the papers' public code has it,
    takes the same steps in turn.
    """  # fmt: skip
    spoken = Said(**said, out=None, seed=None, epochs=None, name="", as_json=as_json, tied_to_stdin=False)
    if spoken.search_kind() != "search":
        raise ConfigError([Fault(
            "method", "a two-stage supernet is not measured here: there is no textbook supernet beside it.",
            f"nascope search --forecast says what its steps take; for cells use {', '.join(method_names())}.",
        )])  # fmt: skip
    config = spoken.resolved("search")
    assert isinstance(config, SearchConfig)
    # Loaded only now: wrong settings are refused without waiting for torch.
    from engine.bench import measure, shape_of_data
    from engine.training.device import pick_device

    device = pick_device(config.device)
    result = measure(
        config, shape_of_data(config), device, steps=steps, with_reference=not no_reference,
        listener=lambda sentence: note(f"{sentence} …"),
    )  # fmt: skip
    if as_json:
        emit(result.as_json())
    else:
        _print(result)


def _print(result: BenchResult) -> None:
    settings, images = result.settings, result.images
    say(f"{'device':10} {result.device_title}, torch {result.versions['torch']}")
    say(
        f"{'search':10} {settings['method']}, order {settings['order']}, {settings['channels']} channels, {settings['layers']} cells, "
        f"batch {settings['batch_size']}, {settings['precision']}"
    )
    say(f"{'images':10} {images.channels}×{images.image_size}×{images.image_size}, {images.classes} classes, random")
    if layout := result.measured.decisions:
        say(f"{'layout':10} {layout['memory_format']}, activation checkpointing {layout['activation_checkpointing']}")
    say()
    _print_numbers(result)
    if result.time_shares is not None:
        from engine.bench.shares import KINDS

        say()
        shares = sorted(result.time_shares.items(), key=lambda share: -share[1])
        rows = [(KINDS[kind], f"{share:.1%}") for kind, share in shares]
        print_rows(
            (f"time of the {result.measured.supernet} step by kind of operation", "share"), rows, right=("share",)
        )
    for message in result.messages:
        note(message)


def _print_numbers(result: BenchResult) -> None:
    columns = [_numbers(result.measured)]
    heads = [result.measured.supernet]
    if result.reference is not None and (ratios := result.ratios) is not None:
        alphas = _over(result.reference.alphas_step_seconds, result.measured.alphas_step_seconds)
        times = _times(ratios.step_seconds)
        columns += [
            _numbers(result.reference),
            [times, _times(ratios.weights_step_seconds), alphas, times, times, _times(ratios.peak_memory),
             _times(ratios.operations_per_step), ""],
        ]  # fmt: skip
        heads += [result.reference.supernet, f"{result.measured.supernet} is better by"]
    names = (
        f"seconds a step (median of {result.measured.timed_steps})", "… of it for the weights", "… of it for the alphas",
        "steps a second", "images a second", "peak memory", "operations a step", "parameters",
    )  # fmt: skip
    print_rows(("", *heads), list(zip(names, *columns, strict=True)), right=heads)


def _numbers(found: SupernetMeasures) -> list[str]:
    memory = found.peak_memory_mib
    return [
        f"{found.step_seconds:.3g} s",
        f"{found.weights_step_seconds:.3g} s",
        f"{found.alphas_step_seconds:.3g} s",
        f"{found.steps_per_second:.3g}",
        f"{found.images_per_second:.3g}",
        "–" if memory is None else f"{memory:,.0f} MiB",
        f"{found.operations_per_step:,}",
        f"{found.parameters:,}",
    ]


def _over(theirs: float, ours: float) -> str:
    return _times(theirs / ours if ours > 0 else None)


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}×"
