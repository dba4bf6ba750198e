"""``nascope export``: a genotype in another form."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from engine.cli.arguments import find_genotype
from engine.cli.output import note, writing
from engine.errors import NascopeError
from engine.genotype import Genotype
from engine.genotype.primitives import suggestion
from engine.runs.files import write_atomically

_PICTURES = ("svg", "png", "pdf", "dot")
_BINARY = ("png", "pdf")
_TEXTS = ("json", "text", "python")
_NOT_YET = ("module", "onnx", "torch", "safetensors")
FORMATS = (*_TEXTS, *_PICTURES)


@click.command("export")
@click.argument("genotype", metavar="GENOTYPE|RUN")
@click.option(
    "--format", "format", metavar="FORMAT", help=f"{', '.join(FORMATS)}; default: by the ending of FILE, else json."
)
@click.option("-o", "--out", "out", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
def command(genotype: str, format: str | None, out: Path | None) -> None:
    """Write GENOTYPE (a name, a file, FILE:NAME or a run) as JSON, as the papers' text, or as a picture."""
    chosen = _chosen(format, out)
    cells, _ = find_genotype(genotype)
    if chosen in _PICTURES:
        _write_picture(cells, chosen, out)
        return
    text = genotype_text(cells, chosen)
    if out is None:
        click.echo(text, nl=False)
        return
    with writing(out):
        write_atomically(out.expanduser(), text)
    note(f"Written: {out}")


def genotype_text(cells: Genotype, format: str) -> str:
    """The genotype as JSON, or as the papers' ``Genotype(...)``, with a newline at its end."""
    if format == "json":
        return json.dumps(cells.as_json(), indent=1, ensure_ascii=False) + "\n"
    from engine.genotype.text import as_text

    return as_text(cells) + "\n"


def _chosen(format: str | None, out: Path | None) -> str:
    ending = out.suffix.lstrip(".").lower() if out is not None else ""
    chosen = format or {"py": "python", "txt": "text", "gv": "dot"}.get(ending, ending) or "json"
    if chosen in _NOT_YET:
        raise NascopeError(
            f"«{chosen}» is not there yet in this version.", where="--format", mend=f"Use {', '.join(FORMATS)}."
        )
    if chosen not in FORMATS:
        what = f"«{chosen}» is no export format.{suggestion(chosen, FORMATS)}"
        raise NascopeError(what, where="--format", mend=f"Use {', '.join(FORMATS)}.")
    return chosen


def _write_picture(cells: Genotype, format: str, out: Path | None) -> None:
    from engine.draw import draw_genotype

    if out is None and format in _BINARY and sys.stdout.isatty():
        raise NascopeError(f"{format} is no text for a terminal.", where="--format", mend="Name a file with -o.")
    content = draw_genotype(cells, format)  # type: ignore[arg-type]  # one of _PICTURES
    if out is None:
        click.echo(content, nl=False)
        return
    with writing(out):
        out.expanduser().write_bytes(content)
    note(f"Written: {out}")
