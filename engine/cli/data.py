"""``nascope data``: the data sets; ``fetch`` downloads one before it is needed, ``subset`` lists images that runs share."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from engine.cli.output import emit, json_option, note, patient_console, print_rows
from engine.config import DATA_SETS, parse_data
from engine.config.fields import SEED_LIMIT
from engine.errors import DataError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


_PORTION = click.FloatRange(0, 1, min_open=True)


@click.group("data", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the data sets that --data takes; with fetch NAME, download one; with subset DATA, list images for an index_file."""
    if ctx.invoked_subcommand is not None:
        return
    if as_json:
        emit({"data": [_row(name) for name in DATA_SETS]})
        return
    columns = ("data", "classes", "image", "download", "what", "source")
    rows = []
    for data in DATA_SETS.values():
        place = {"npz": ":FILE"}.get(data.name, ":FOLDER") if data.takes_path else ""
        rows.append(
            (data.name + place, str(data.classes or "–"), f"{data.image_size}×{data.image_size}×{data.channels or '?'}",
             f"{data.download_mib} MiB" if data.download_mib else "–", data.summary, data.source)
        )  # fmt: skip
    print_rows(columns, rows, right=("classes", "image", "download"), wide=("source",))
    note("Downloads come by themselves at the first use, or now: nascope data fetch NAME.")


def _row(name: str) -> dict[str, Any]:
    data = DATA_SETS[name]
    return {
        "name": name, "title": data.title, "summary": data.summary, "source": data.source, "classes": data.classes,
        "image_size": data.image_size, "channels": data.channels, "takes_path": data.takes_path, "download_mib": data.download_mib,
    }  # fmt: skip


@command.command("fetch")
@click.argument("name")
@json_option
def fetch_command(name: str, as_json: bool) -> None:
    """Download NAME with progress and a check of its checksum; what is there already is kept."""
    data = parse_data(name).dataset
    if data.takes_path or not data.download_mib:
        reason = "ships with scikit-learn" if not data.takes_path else "reads your own files"
        raise DataError(
            f"«{data.name}» {reason}: there is nothing to fetch.", where="data", mend="(nascope data lists all.)"
        )
    from engine.data.fetch import fetch

    with Downloading(data.title) as progress:
        files = fetch(data.name, progress)
    if as_json:
        emit({"data": data.name, "files": files})
    else:
        note(f"{data.title} is here: {', '.join(map(str, files))}")


@command.command("subset")
@click.argument("data")
@click.option(
    "--portion",
    type=_PORTION,
    required=True,
    help="Share of each class's training images; for a search, those of the weights.",
)
@click.option(
    "--alphas", type=_PORTION, help="Share of each class for the alphas of a search; without it the list has no halves."
)
@click.option("--seed", type=click.IntRange(0, SEED_LIMIT), default=0, show_default=True, help="Governs the choice.")
@click.option("--image-size", type=click.IntRange(8, 512), help="Side that a folder read into memory is decoded to.")
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="The file to write: JSON.")
@json_option
def subset_command(
    data: str, portion: float, alphas: float | None, seed: int, image_size: int | None, output: Path, as_json: bool
) -> None:
    """List some training images of DATA, the same share of each class, for runs to share (--set index_file=FILE).

    PC-DARTS' search on ImageNet: nascope data subset imagenet:FOLDER --portion 0.1 --alphas 0.025 -o subset.json
    """
    if output.exists():
        raise DataError("is there already.", where=str(output), mend="Name another file, or remove it.")
    if portion + (alphas or 0) > 1:
        raise DataError(
            f"--portion and --alphas are {portion + (alphas or 0):g} together.",
            where="data subset",
            mend="Give 1 or less.",
        )
    from engine.data.make_subset import make_subset

    with Downloading("reading", patience=1.0) as progress:
        counts = make_subset(
            data, output, portion=portion, alphas=alphas, seed=seed, image_size=image_size, progress=progress
        )
    if as_json:
        emit({"data": data, "file": output, "images": counts})
    else:
        names = {"train": "to train on", "weights": "for the weights", "alphas": "for the alphas"}
        listed = " and ".join(f"{count:,} images {names[name]}" for name, count in counts.items())
        note(f"{output}: {listed}. Use it with --set index_file={output}")


class Downloading:
    """Shows ``(what, done, total)`` as a bar on a terminal, as a line a tenth elsewhere; a context manager.

    Args:
        patience: seconds at the start in which no lines are written, since what ends within them needs none.
    """

    def __init__(self, title: str, *, patience: float = 0.0) -> None:
        self._patience = patience
        self._title = title
        self._console = patient_console()
        self._live: Progress | None = None
        self._task: TaskID | None = None
        self._tenth = -1
        self._begun = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import Progress

            self._live = Progress(console=self._console, transient=True)
            self._task = self._live.add_task(self._title, total=None)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Progress, as the readers of data sets give it."""
        if self._live is not None and self._task is not None:
            self._live.update(self._task, description=what, completed=done, total=total or None)
            return
        tenth = 10 * done // total if total else 0
        self._begun = self._begun or time.monotonic()
        soon = done != total and time.monotonic() - self._begun < self._patience
        if tenth != self._tenth and not soon:
            self._tenth = tenth
            note(f"{what}: {10 * tenth} %")
