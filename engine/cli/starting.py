"""From the options of ``search`` and ``retrain`` to a run folder: resolved, checked, then created."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.cli.execution import answer, start, tied_option
from engine.cli.output import json_option
from engine.config import (
    FIRST_STAGES,
    METHODS,
    PRESETS,
    RunConfig,
    describe,
    kind_of_method,
    parse_assignments,
    read_config_file,
    resolve,
)
from engine.config.describe import NOT_SAID
from engine.errors import ConfigError, Fault
from engine.runs import RunFolder

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--data", metavar="DATA", help="digits (default), cifar10, image-folder:FOLDER, ...; nascope data lists all."),
    click.option("--out", metavar="RUN", type=click.Path(path_type=Path), help="Folder of the new run; default: a dated one in the user's data folder."),
    click.option("--config", "config_file", metavar="FILE", type=click.Path(path_type=Path), help="Settings from a JSON file, for example a run's config.json."),
    click.option("--set", "assignments", metavar="KEY=VALUE", multiple=True, help="One setting, as listed below; may be repeated."),
    click.option("--preset", metavar="NAME", help=f"Sizes and rates: {', '.join(f'{name} ({summary})' for name, summary in PRESETS.items())}."),
    click.option("--seed", metavar="N", help="One number that governs every random choice."),
    click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps."),
    click.option("--epochs", metavar="N", help="Passes over the training images."),
    click.option("--name", metavar="TEXT", default="", help="What lists call the run; default: method and data."),
    json_option,
    tied_option,
)  # fmt: skip


def run_options(function: Decorated) -> Decorated:
    """The options that every command that starts a run has."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True)
class Said:
    """What was said on the command line for a new run, as texts."""

    data: str | None
    out: Path | None
    config_file: Path | None
    assignments: tuple[str, ...]
    preset: str | None
    seed: str | None
    device: str | None
    epochs: str | None
    name: str
    as_json: bool
    tied_to_stdin: bool
    method: str | None = None

    def search_kind(self) -> str:
        """The kind of run that the method is for: cells, or a two-stage supernet.

        Raises:
            ConfigError: no such method, or a configuration file that cannot be read.
        """
        said = self.method or parse_assignments(self.assignments).get("method")
        if said is None and self.config_file is not None:
            document = read_config_file(self.config_file)
            said = document.get("method")
            if document.get("kind") in FIRST_STAGES:
                return str(document["kind"])
        return kind_of_method(said if isinstance(said, str) else None)

    def said_data(self) -> str | None:
        """The data set that was said, or that the configuration file names; None where neither does."""
        found = self.data or parse_assignments(self.assignments).get("data")
        if found is None and self.config_file is not None:
            found = read_config_file(self.config_file).get("data")
        return found if isinstance(found, str) else None

    def resolved(
        self, kind: str, extra: Mapping[str, Any] | None = None, beneath: Mapping[str, Any] | None = None
    ) -> RunConfig:
        """The checked configuration.

        Args:
            extra: values that no person says (a retraining's genotype); they win.
            beneath: values above the preset's that lose against everything that is said.

        Raises:
            ConfigError, DataError: every fault at once.
        """
        values: dict[str, Any] = dict(parse_assignments(self.assignments))
        for key in ("seed", "device", "epochs"):
            said = getattr(self, key)
            if said is None:
                continue
            if values.get(key, said) != said:
                raise ConfigError(
                    [Fault(key, f"said twice: --{key} {said} and --set {key}={values[key]}.", "Say one.")]
                )
            values[key] = said
        where = str(self.config_file) if self.config_file is not None else None
        file_values = read_config_file(self.config_file) if self.config_file is not None else {}
        file_values = {**(beneath or {}), **_of_kind(kind, file_values, where)}
        method = self.method if self.method is not None else values.get("method")
        if method is not None and file_values.get("method", method) != method:
            # The file's switches belong to its own method; kept, they would make the new one a method in name only.
            switches = {name for entry in METHODS.values() for name in entry.switches}
            file_values = {name: value for name, value in file_values.items() if name not in switches | {"method"}}
        return resolve(
            kind, method=self.method, data=self.data, preset=self.preset, file_values=file_values,
            values={**values, **(extra or {})}, where=where,
        )  # fmt: skip


def start_new(said: Said, config: RunConfig, *, slug: str) -> int:
    """Create the folder of a new run, run it, say how it ended, and give the exit code.

    Args:
        slug: the end of the dated folder's name where no --out was said.

    Raises:
        NascopeError: the device or the place is not there, or the data cannot be used; nothing is left behind then.
    """
    # Loaded only now: wrong settings are refused without waiting for torch.
    from engine.distributed import together
    from engine.execution.follow import follow
    from engine.training.facts import run_facts
    from engine.training.rank_device import device_of_rank

    with together() as ranks:
        if not ranks.is_first:
            return follow(ranks).exit_code
        device_of_rank(config.device, ranks)
        arguments = click.get_current_context().obj or ()
        facts = {**run_facts(shlex.join(["nascope", *arguments]), said.preset), "world_size": ranks.size}
        existed = said.out is not None and said.out.exists()
        if said.out is None:
            folder = RunFolder.create_dated(config, facts, slug=slug, name=said.name)
        else:
            folder = RunFolder.create(said.out.expanduser().absolute(), config, facts, name=said.name)
        outcome = start(folder, existed=existed, tied_to_stdin=said.tied_to_stdin, ranks=ranks)
    return answer(folder, outcome, as_json=said.as_json)


class CommandWithSettings(click.Command):
    """A command whose help ends with every ``--set`` key, its range and default, as the configuration declares them.

    Attributes:
        kinds: of run that it starts, with what the settings of each kind after the first are for.
    """

    kinds: tuple[tuple[str, str], ...] = (("search", ""), ("two-stage", "two-stage methods only"))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        told: set[str] = set()
        for kind, what in self.kinds:
            fields = [field for field in describe(kind) if field.name not in told]
            told |= {field.name for field in fields}
            for field in fields:
                facts = [field.range_text, f"default {_shown(field.default)}"]
                text = f"{field.help} [{'; '.join(fact for fact in facts if fact)}]"
                groups.setdefault(f"{field.group}, {what}" if what else field.group, []).append((field.name, text))
        formatter.write_paragraph()
        formatter.write_text("Settings for --set (presets change some of the defaults: nascope methods):")
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)


class RetrainCommand(CommandWithSettings):
    """With the settings of a retraining."""

    kinds = (("retrain", ""), ("subnet", "sub-networks only"))


def _of_kind(kind: str, file_values: dict[str, Any], where: str | None) -> dict[str, Any]:
    found = file_values.get("kind", kind)
    if found != kind:
        raise ConfigError(
            [
                Fault(
                    "kind",
                    f"the file configures a {found} run, not a {kind} one.",
                    f"Use nascope {'search' if found in FIRST_STAGES else 'retrain'} --config.",
                )
            ],
            where=where,
        )
    # Facts about another run, not settings of this one.
    return {name: value for name, value in file_values.items() if name not in NOT_SAID - {"kind", "space_definition"}}


def _shown(value: Any) -> str:
    return (
        "empty"
        if value is None
        else {True: "true", False: "false"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value)
    )
