"""What commands say: one JSON document, or words for people; errors always on standard error."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.errors import NascopeError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

DONE, CRASH, USAGE, STOPPED, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 130, 143
"""Exit codes of ``nascope``."""

_WIDE = 120
"""Columns of a terminal from which on tables show everything."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, also where it cannot be parsed."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in before


def emit(document: Mapping[str, Any]) -> None:
    """Print the one JSON document. Numbers that JSON has no word for (nan, inf) become null."""
    click.echo(json.dumps(_plain(document), allow_nan=False, indent=1))


def emit_error(error: Mapping[str, Any], sentence: str, *, as_json: bool) -> None:
    """Say what went wrong in one line on standard error, and with ``--json`` as ``{"error": ...}`` too."""
    click.echo(f"nascope: {' '.join(sentence.split())}", err=True)
    if as_json:
        emit({"error": dict(error)})


def say(text: str = "") -> None:
    """A line for people on standard output."""
    click.echo(text)


def note(text: str) -> None:
    """A line for people on standard error: what may be said beside a JSON document."""
    click.echo(text, err=True)


def console(*, stderr: bool = False) -> Console:
    """A rich console on the stream of the moment; without markup, since paths and names may hold brackets."""
    from rich.console import Console

    return Console(file=sys.stderr if stderr else sys.stdout, markup=False, highlight=False, emoji=False)


def patient_console() -> Console:
    """A console on standard error that falls silent when nobody reads it any more: a run must not die of that."""
    from rich.console import Console

    class _Patient(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True

    return _Patient(file=sys.stderr, markup=False, highlight=False, emoji=False)


def print_rows(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = (), wide: Sequence[str] = ()
) -> None:
    """Print a table; the ``wide`` columns are left out where the terminal has no room for them (``--json`` has them)."""
    out = console()
    shown = [place for place, column in enumerate(columns) if column not in wide or out.width >= _WIDE]
    made = table(*(columns[place] for place in shown), right=right)
    for row in rows:
        made.add_row(*(row[place] for place in shown))
    out.print(made)


def table(*columns: str, right: Sequence[str] = (), title: str | None = None) -> Table:
    """An empty table in the one look that all commands share."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write ``path`` into a sentence.

    Raises:
        NascopeError: the disk is full, or the folder is missing or may not be written.
    """
    try:
        yield
    except OSError as error:
        raise NascopeError(
            f"cannot be written ({error.strerror or error}).",
            where=str(path),
            mend="Free space or rights there, or choose another place.",
        ) from None


def percent(value: Any) -> str:
    """A percentage for people, «–» where there is none."""
    return f"{value:.2f} %" if isinstance(value, int | float) and math.isfinite(value) else "–"


def accuracy_in_words(metrics: Mapping[str, Any]) -> str:
    """The newest accuracy of a run with the images that it was measured on."""
    split = metrics.get("validation_split")
    if split is None:
        return f"no validation split; accuracy on the training batches {percent(metrics.get('train_accuracy_percent'))}"
    on = {
        "alphas": "accuracy on the alphas' half, which the alphas have seen,",
        "test": "accuracy on the test split, looked at after every epoch,",
    }.get(split, "validation accuracy")
    return f"{on} {percent(metrics.get('validation_accuracy_percent'))}"


def gap_in_words(gap: Mapping[str, Any]) -> str:
    """A ``discretization_gap`` event for people."""
    alone = gap.get("recalibrated_accuracy_percent", gap.get("discrete_accuracy_percent"))
    return f"Supernet: {percent(gap.get('soft_accuracy_percent'))} with soft alphas, {percent(alone)} with the chosen cells alone."


def duration(seconds: float) -> str:
    """Seconds as ``1:05`` or ``2:03:04``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    return value
