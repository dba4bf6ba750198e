"""``nascope cost``: parameters and multiply-adds of a genotype's network or a search's supernet, and what it takes here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.arguments import find_genotype, find_run, run_folder_named
from engine.cli.cost_subnets import answer, refuse_supernet_of_two_stages, subnet_target
from engine.cli.cost_tables import print_choice, print_cost, print_latency
from engine.cli.output import emit, json_option, note, writing
from engine.config import METHODS, SearchConfig, defaults
from engine.cost import PAPER_SETTINGS, NetworkCost, NetworkSettings, network_cost
from engine.cost.layers import Cost
from engine.cost.of_run import retraining_settings, search_settings, supernet_cost_of
from engine.cost.quantities import parse_amount
from engine.errors import NascopeError, RunError
from engine.genotype import Genotype
from engine.genotype.named import is_named
from engine.genotype.spaces import SpaceError
from engine.runs import AlphaRecord, RunFolder, RunHistory
from engine.runs.files import write_atomically
from engine.runs.folder import EVENTS

if TYPE_CHECKING:
    from engine.bench.latency import Latency
    from engine.cost.budget import BudgetChoice

_SIZES = {"channels": "channels", "layers": "layers", "classes": "classes", "input": "image_size"}
"""Options that stand in the place of the papers' sizes, and the setting that each is."""

_POSITIVE = click.IntRange(1, 100_000)


@click.command("cost")
@click.argument("target", metavar="[GENOTYPE|SPACE|RUN]", required=False)
@click.option(
    "--network",
    type=click.Choice(("cifar", "imagenet")),
    help="Whose stem, and the papers' sizes with it: CIFAR-10 (36 channels, 20 cells, 32 pixels; the default) or ImageNet (48, 14, 224).",
)
@click.option("--channels", type=click.IntRange(2, 4096), metavar="C", help="Channels of the first cell.")
@click.option("--layers", type=click.IntRange(1, 1000), metavar="L", help="Cells in the network.")
@click.option("--classes", type=_POSITIVE, metavar="N", help="Number of classes.")
@click.option("--input", type=click.IntRange(1, 4096), metavar="SIZE", help="Side of the images in pixels.")
@click.option("--auxiliary", is_flag=True, help="Count the auxiliary head's parameters too, on a line of their own.")
@click.option("--latency", is_flag=True, help="Measure how long a pass takes here, for one image and for a batch.")
@click.option(
    "--batch-size", type=_POSITIVE, default=64, show_default=True, metavar="N", help="Images of the measured batch."
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="Where to measure: auto, cpu, cuda, cuda:N or mps.",
)
@click.option(
    "--supernet",
    is_flag=True,
    help="The network that a search trains, in place of the cells' own: of a search RUN, or of a method (darts, pc-darts) at its paper's sizes.",
)
@click.option("--space", metavar="SPACE", help="With --supernet: darts, no-none, or primitives separated by commas.")
@click.option("--nodes", type=click.IntRange(1, 8), metavar="N", help="With --supernet: intermediate nodes of a cell.")
@click.option(
    "--partial-channels",
    type=click.IntRange(1, 64),
    metavar="K",
    help="With --supernet: one of K parts of the channels is mixed.",
)
@click.option(
    "--budget",
    metavar="MACS",
    help="Choose a search RUN's best cells whose network takes no more multiply-adds: 500M, 0.5G.",
)
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --budget: write the cells there as genotype JSON.",
)
@json_option
def command(target: str | None, as_json: bool, **said: Any) -> None:
    """Count parameters and multiply-adds of GENOTYPE's network, part by part.

    GENOTYPE is a name (DARTS_V2), a file (JSON or the papers' text; FILE:NAME picks one of several), or a run. Sizes
    are the papers' unless said otherwise; a retraining RUN has its own.

    Of two-stage methods it is a sub-network: a published name (AttentiveNAS-A0) or a record in a JSON file; --input is
    then another resolution of its space. A two-stage RUN or the name of a SPACE gives the smallest and the biggest network
    and the supernet.
    """
    if said["supernet"]:
        refuse_supernet_of_two_stages(target)
    two_stage = None if target is None else subnet_target(target)
    if two_stage is not None:
        answer(two_stage, said, as_json=as_json)
        return
    _refuse_misplaced(target, said)
    if said["supernet"]:
        found, title = _supernet(target, said), f"supernet of {target or 'darts'}"
        emit(found.as_json()) if as_json else print_cost(found, title)
        return
    assert target is not None
    if said["budget"] is not None:
        _spend_budget(target, said, as_json=as_json)
        return
    genotype, run = find_genotype(target)
    settings = _network_settings(run, said)
    found = network_cost(genotype, settings, auxiliary=said["auxiliary"], custom=_count_by_building)
    # Measured before anything is printed: where it fails, that is all there is to say.
    measured = _measure(genotype, settings, said["device"], said["batch_size"]) if said["latency"] else None
    if as_json:
        latency = {} if measured is None else {"device": measured[1], "latency": [row.as_json() for row in measured[0]]}
        emit(found.as_json() | latency)
        return
    print_cost(found, genotype.name or target)
    if measured is not None:
        print_latency(*measured)


def _refuse_misplaced(target: str | None, said: Mapping[str, Any]) -> None:
    """Options that have no meaning together."""
    if target is None and not said["supernet"]:
        raise NascopeError("no genotype was named.", where="GENOTYPE", mend="Name one, for example DARTS_V2.")
    for option, partner in (
        ("space", "supernet"),
        ("nodes", "supernet"),
        ("partial_channels", "supernet"),
        ("out", "budget"),
    ):
        if said[option] is not None and not said[partner]:
            name = option.replace("_", "-")
            raise NascopeError(f"--{name} belongs to --{partner}.", where=f"--{name}", mend=f"Add --{partner}.")
    for option in ("budget", "latency", "auxiliary"):
        if said["supernet"] and said[option]:
            raise NascopeError(
                f"--{option} is for the network of chosen cells, not for a supernet.", where=f"--{option}",
                mend="Leave one of the two out. (nascope bench measures a search step.)",
            )  # fmt: skip
    if said["budget"] is not None and said["latency"]:
        raise NascopeError(
            "--latency measures a genotype.",
            where="--latency",
            mend="Write the cells with -o first, then measure the file.",
        )


def _network_settings(run: RunFolder | None, said: Mapping[str, Any]) -> NetworkSettings:
    """The sizes of a discrete network: what was said, else a retraining's own, else the papers'."""
    base = PAPER_SETTINGS[said["network"] or "cifar"]
    if run is not None and said["network"] is None:
        document = run.config_document()
        if document.get("kind") == "retrain":
            base = retraining_settings(document, RunHistory.read(run.path / EVENTS).started) or base
    return _overridden(base, said)


def _overridden(settings: NetworkSettings, said: Mapping[str, Any]) -> NetworkSettings:
    return replace(settings, **{field: said[option] for option, field in _SIZES.items() if said[option] is not None})


def _supernet(target: str | None, said: Mapping[str, Any]) -> NetworkCost:
    """Of a search run, else of a method at the sizes of its paper."""
    config: Mapping[str, Any]
    if target is not None and target not in METHODS:
        folder = run_folder_named(target)
        if folder is None or folder.config_document().get("kind") != "search":
            raise RunError(
                "is neither a search nor a method.", where=target[:300],
                mend=f"Name a search's folder, or one of {', '.join(name for name in METHODS if METHODS[name].kind == 'search')}.",
            )  # fmt: skip
        config, started = folder.config_document(), RunHistory.read(folder.path / EVENTS).started
        network = said["network"] or None
        settings = search_settings(config, started)
    else:
        network = said["network"] or "cifar"
        data = "imagenet:FOLDER" if network == "imagenet" else "cifar10"
        config = defaults("search", method=target or "darts", data=data, preset="paper")
        settings = None
    if settings is None or (network is not None and settings.network != network):
        paper = PAPER_SETTINGS[network or "cifar"]
        settings = replace(paper, channels=int(config["channels"]), layers=int(config["layers"]))
    config = {**config, **{name: said[name] for name in ("space", "nodes") if said[name] is not None}}
    try:
        return supernet_cost_of(
            config, _overridden(settings, said), _count_by_building, partial_channels=said["partial_channels"]
        )
    except SpaceError as error:
        raise NascopeError(str(error), where="--space") from None


def _spend_budget(target: str, said: Mapping[str, Any], *, as_json: bool) -> None:
    """The best cells of a search under a budget."""
    from engine.cost.budget import best_under_budget

    budget = parse_amount(said["budget"], "--budget")
    if is_named(target):
        raise RunError(
            "is a named genotype; a budget needs the alphas of a search.", where=target, mend="Name a search run."
        )
    folder = find_run(target)
    config, alphas = _alphas_of(folder)
    settings = _network_settings(None, said)
    choice = best_under_budget(
        alphas,
        config.primitives,
        settings,
        budget,
        name=f"{folder.path.name}-{said['budget']}",
        custom=_count_by_building,
    )
    source = {
        "run": str(folder.path), "method": config.method, "data": config.data, "epoch": alphas.epoch + 1,
        "note": f"best cells under {budget:,} multiply-adds ({settings.network} network, {settings.channels} channels, "
        f"{settings.layers} cells)",
    }  # fmt: skip
    genotype = replace(choice.genotype, source=source)
    found = network_cost(genotype, settings, auxiliary=said["auxiliary"], custom=_count_by_building)
    out: Path | None = said["out"]
    if as_json:
        emit(found.as_json() | _choice_document(choice, genotype))
    else:
        print_choice(choice, settings)
    if out is not None:
        with writing(out):
            write_atomically(out.expanduser(), json.dumps(genotype.as_json(), indent=1, ensure_ascii=False) + "\n")
        note(f"Written: {out}")


def _alphas_of(folder: RunFolder) -> tuple[SearchConfig, AlphaRecord]:
    config = folder.config()
    if not isinstance(config, SearchConfig):
        raise RunError(
            "is no search, so there are no alphas to choose by.", where=str(folder.path), mend="Name a search."
        )
    records = RunHistory.read(folder.path / EVENTS).alphas
    if not records:
        raise RunError(
            "this run has no alphas.",
            where=str(folder.path),
            mend="Wait for its first epoch; a random search never has any.",
        )
    return config, records[-1]


def _choice_document(choice: BudgetChoice, genotype: Genotype) -> dict[str, Any]:
    from engine.genotype.compare import differences

    return {
        "budget": choice.budget, "score": choice.score, "genotype": genotype.as_json(),
        "unconstrained": {
            "genotype": choice.unconstrained.as_json(), "macs": choice.unconstrained_macs, "score": choice.unconstrained_score,
        },
        "changed": [difference.as_json() for difference in differences(choice.unconstrained, genotype)],
    }  # fmt: skip


def _measure(
    genotype: Genotype, settings: NetworkSettings, device_text: str, batch_size: int
) -> tuple[list[Latency], str]:
    from engine.bench.latency import measure_latency
    from engine.networks import NETWORKS
    from engine.training.device import describe_device, pick_device

    device = pick_device(device_text)
    network = NETWORKS[settings.network](
        genotype, settings.channels, settings.classes, settings.layers,
        image_channels=settings.image_channels, image_size=settings.image_size,
    )  # fmt: skip
    shape = (settings.image_channels, settings.image_size, settings.image_size)
    note(f"Measuring on {describe_device(device)} …")
    return measure_latency(network, shape, sorted({1, batch_size}), device), describe_device(device)


def _count_by_building(name: str, channels: int, side: int, stride: int, affine: bool) -> Cost:
    # Loaded only for a user's own primitive: everything else is counted without torch.
    from engine.bench.counting import count_by_building

    return count_by_building(name, channels, side, stride, affine)
