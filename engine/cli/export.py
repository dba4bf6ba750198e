"""``nascope export``: a genotype, a sub-network or a trained network in another form."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.arguments import find_genotype, find_own_subnet, find_subnet, run_folder_named
from engine.cli.execution import note_unfinished
from engine.cli.output import note, writing
from engine.errors import NascopeError
from engine.genotype import Genotype
from engine.genotype.named import is_named
from engine.genotype.primitives import suggestion
from engine.runs import RunFolder
from engine.runs.files import write_atomically
from engine.runs.origin import no_subnet_named
from engine.subnets import Architecture
from engine.subnets.named import name_of
from engine.subnets.read import is_subnet

if TYPE_CHECKING:
    from engine.export import ExportedNetwork

_PICTURES = ("svg", "png", "pdf", "dot")
_TEXTS = ("json", "text", "python")
_NETWORKS = ("module", "onnx", "pt2", "torch", "safetensors")
_BINARY = frozenset({"png", "pdf", "onnx", "pt2", "torch", "safetensors"})
_ALIASES = {"torch-export": "pt2"}
_ENDINGS = {"py": "python", "txt": "text", "gv": "dot", "pt": "torch", "pth": "torch"}
FORMATS = (*_TEXTS, *_PICTURES, *_NETWORKS)


@click.command("export")
@click.argument("genotype", metavar="GENOTYPE|SUBNET|RUN")
@click.option(
    "--subnet", metavar="RECORD", help="Of a two-stage RUN: the sub-network; a key that nascope select shows, a JSON file, smallest or biggest."
)  # fmt: skip
@click.option(
    "--format", "format", metavar="FORMAT", help=f"{', '.join(FORMATS)}; default: by the ending of FILE, else json."
)
@click.option("-o", "--out", "out", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
@click.option(
    "--network", type=click.Choice(["cifar", "imagenet"]), help="Stem and head of a genotype's network; default cifar."
)
@click.option(
    "--channels", type=click.IntRange(2, 1024), metavar="C", help="Of a genotype's network: C of the first cell."
)
@click.option("--layers", type=click.IntRange(3, 100), metavar="L", help="Of a genotype's network: cells.")
@click.option("--classes", type=click.IntRange(2, 100_000), metavar="N", help="Of a network that is not trained.")
@click.option(
    "--input",
    "image_size",
    type=click.IntRange(8, 1024),
    metavar="SIZE",
    help="Of a network that is not trained: side of the images.",
)
@click.option("--no-auxiliary", is_flag=True, help="Leave the auxiliary head out of a genotype's network.")
@click.option(
    "--fresh-weights",
    is_flag=True,
    help="Let a network that is not trained have the weights that a training starts with.",
)
@click.option(
    "--batch",
    metavar="N|dynamic",
    default="dynamic",
    help="Images a call in onnx and pt2; default dynamic: any number.",
)
@click.option("--with-normalization", is_flag=True, help="Let onnx and pt2 take pixels of 0..1 and normalize them.")
def command(
    genotype: str,
    subnet: str | None,
    format: str | None,
    out: Path | None,
    batch: str,
    with_normalization: bool,
    fresh_weights: bool,
    **sizes: Any,
) -> None:
    """Write GENOTYPE (a name, a file, FILE:NAME or a run) as text, as a picture, or its network for use elsewhere.

    SUBNET is a sub-network: a name (AttentiveNAS-A0), a JSON file with a record, or the run of one. RUN --subnet RECORD
    cuts one out of the supernet of a two-stage run, with calibrated batch norms.

    A retraining gives the network with its trained weights: those that nascope test measures. A genotype or a record has
    none: it gives the source of its network (module), of the papers' size where no other is said.
    """
    chosen = _chosen(format, out)
    _refuse_terminal(chosen, out)
    if chosen not in _NETWORKS:
        _refuse_network_options(sizes, batch, with_normalization, fresh_weights, chosen)
    architecture, run = _subnet(genotype, subnet)
    if architecture is not None:
        _refuse_for_subnets(chosen, sizes)
        if chosen in _NETWORKS:
            source = _subnet_network(architecture, run, chosen, fresh_weights, sizes)
            _write_network(source, chosen, out, _images_a_call(batch), with_normalization)
        elif chosen in _PICTURES:
            _write_bytes(_subnet_picture(architecture, chosen), out)
        else:
            _write_text(json.dumps(architecture.as_json(), indent=1, ensure_ascii=False) + "\n", out)
        return
    cells, run = find_genotype(genotype)
    if chosen in _NETWORKS:
        source = _network(cells, run, chosen, fresh_weights, sizes)
        _write_network(source, chosen, out, _images_a_call(batch), with_normalization)
    elif chosen in _PICTURES:
        _write_picture(cells, chosen, out)
    else:
        _write_text(genotype_text(cells, chosen), out)


def genotype_text(cells: Genotype, format: str) -> str:
    """The genotype as JSON, or as the papers' ``Genotype(...)``, with a newline at its end."""
    if format == "json":
        return json.dumps(cells.as_json(), indent=1, ensure_ascii=False) + "\n"
    from engine.genotype.text import as_text

    return as_text(cells) + "\n"


def _subnet(text: str, subnet: str | None) -> tuple[Architecture | None, RunFolder | None]:
    """The sub-network that is meant, and the run that has its weights; no sub-network where cells are meant."""
    if subnet is None:
        run = None if is_named(text) or is_subnet(text) else run_folder_named(text)
        kind = run.config_document().get("kind") if run is not None else None
        if run is not None and kind == "two-stage":
            raise no_subnet_named(run)
        return find_own_subnet(text), run if kind == "subnet" else None
    run = run_folder_named(text)
    if run is None:
        raise NascopeError("is no two-stage run.", where=text[:300], mend="Leave --subnet out.")
    return find_subnet(subnet, run), run


def _refuse_for_subnets(format: str, sizes: dict[str, Any]) -> None:
    """Refuse what only cells have."""
    if format in ("text", "python"):
        mend = f"Use json, or {', '.join(_NETWORKS)}."
        raise NascopeError(f"{format} is for cells.", where="--format", mend=mend)
    said = [_option(name) for name in ("network", "channels", "layers", "no_auxiliary") if sizes[name]]
    if said:
        raise NascopeError(
            "is for networks of cells; a sub-network has these in its record.", where=said[0], mend="Leave it out."
        )


def _subnet_network(
    architecture: Architecture, run: RunFolder | None, format: str, fresh: bool, sizes: dict[str, Any]
) -> ExportedNetwork:
    """The trained or cut-out network of a run, else one with fresh weights, where that makes sense."""
    from engine.export import cut_out_network, fresh_subnet, trained_network

    if run is None or fresh:
        if format != "module" and not fresh:
            raise NascopeError(
                f"a record has no weights to write as {format}.", where="--format",
                mend="Export it of a run (--subnet), train it first (nascope retrain), or say --fresh-weights.",
            )  # fmt: skip
        return fresh_subnet(architecture, classes=sizes["classes"], image_size=sizes["image_size"])
    said = [_option(name) for name in ("classes", "image_size") if sizes[name]]
    if said:
        raise NascopeError(
            "a trained network has sizes of its own.", where=said[0], mend="Leave it out, or say --fresh-weights too."
        )
    if run.config_document().get("kind") != "two-stage":
        return trained_network(run)
    note_unfinished(run, "the weights that it has saved so far are taken")
    return cut_out_network(run, architecture)


def _write_text(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    with writing(out):
        write_atomically(out.expanduser(), text)
    note(f"Written: {out}")


def _chosen(format: str | None, out: Path | None) -> str:
    ending = out.suffix.lstrip(".").lower() if out is not None else ""
    chosen = format or _ENDINGS.get(ending, ending) or "json"
    chosen = _ALIASES.get(chosen, chosen)
    if chosen not in FORMATS:
        what = f"«{chosen}» is no export format.{suggestion(chosen, FORMATS)}"
        raise NascopeError(what, where="--format", mend=f"Use {', '.join(FORMATS)}.")
    return chosen


def _refuse_terminal(format: str, out: Path | None) -> None:
    if out is None and format in _BINARY and sys.stdout.isatty():
        raise NascopeError(f"{format} is no text for a terminal.", where="--format", mend="Name a file with -o.")


def _refuse_network_options(sizes: dict[str, Any], batch: str, normalizes: bool, fresh: bool, format: str) -> None:
    said = [_option(name) for name, value in sizes.items() if value]
    said += ["--batch"] * (batch != "dynamic") + ["--with-normalization"] * normalizes + ["--fresh-weights"] * fresh
    if said:
        mend = f"Choose one of {', '.join(_NETWORKS)} with --format, or leave it out."
        raise NascopeError(f"{format} holds no network.", where=said[0], mend=mend)


def _option(name: str) -> str:
    return "--input" if name == "image_size" else f"--{name.replace('_', '-')}"


def _images_a_call(batch: str) -> int | None:
    if batch == "dynamic":
        return None
    if not batch.isdecimal() or not 1 <= int(batch) <= 65_536:
        raise NascopeError(
            f"«{batch[:40]}» is no number of images.", where="--batch", mend="Say dynamic, or 1 to 65536."
        )
    return int(batch)


def _network(
    cells: Genotype, run: RunFolder | None, format: str, fresh: bool, sizes: dict[str, Any]
) -> ExportedNetwork:
    """The trained network of a retraining; of anything else one with fresh weights, where that makes sense."""
    is_retraining = run is not None and run.config_document().get("kind") == "retrain"
    said = [_option(name) for name, value in sizes.items() if value]
    if is_retraining and not fresh:
        if said:
            raise NascopeError(
                "a retraining has sizes of its own.", where=said[0], mend="Leave it out, or say --fresh-weights too."
            )
        from engine.export import trained_network

        assert run is not None
        return trained_network(run)
    if format != "module" and not fresh:
        where = str(run.path) if run is not None else cells.name or "genotype"
        raise NascopeError(
            f"a genotype has no weights to write as {format}.", where=where,
            mend=f"Retrain it first (nascope retrain {where} --data ...) and export that run, or say --fresh-weights.",
        )  # fmt: skip
    from engine.export import fresh_network

    return fresh_network(
        cells, sizes["network"] or "cifar", channels=sizes["channels"], layers=sizes["layers"], classes=sizes["classes"],
        image_size=sizes["image_size"], auxiliary=not sizes["no_auxiliary"],
    )  # fmt: skip


def _write_network(source: ExportedNetwork, format: str, out: Path | None, batch: int | None, normalizes: bool) -> None:
    from engine.export import Options, write_network

    options = Options(batch, normalizes)
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"network.{format}"
            written = write_network(source, path, format, options)
            click.echo(path.read_bytes(), nl=False)
    else:
        with writing(out):
            written = write_network(source, out.expanduser(), format, options)
        note(f"Written: {out}")
    if source.origin.startswith("fresh") and format != "module":
        note("The weights are fresh: nothing is trained.")
    if written.difference is not None:
        note(f"Largest difference of a logit from the network's: {written.difference:.2g} ({written.runner}).")


def _write_picture(cells: Genotype, format: str, out: Path | None) -> None:
    from engine.draw import draw_genotype

    _write_bytes(draw_genotype(cells, format), out)  # type: ignore[arg-type]  # one of _PICTURES


def _subnet_picture(architecture: Architecture, format: str) -> bytes:
    from engine.cost.subnets import subnet_cost
    from engine.draw.stages_picture import draw_subnet

    cost = subnet_cost(architecture)
    return draw_subnet(cost, format, name=name_of(architecture), facts=cost.in_words())  # type: ignore[arg-type]  # one of _PICTURES


def _write_bytes(content: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(content, nl=False)
        return
    with writing(out):
        out.expanduser().write_bytes(content)
    note(f"Written: {out}")
