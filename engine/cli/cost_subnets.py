"""``nascope cost`` for two-stage methods: one sub-network, or a space between its smallest and its biggest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.arguments import run_folder_named
from engine.cli.cost_tables import print_latency, print_space, print_subnet
from engine.cli.output import emit, note
from engine.config import METHODS, SubnetConfig, TwoStageConfig
from engine.cost.of_run import classes_of
from engine.cost.subnets import subnet_cost, supernet_parameters
from engine.errors import NascopeError
from engine.genotype.named import is_named
from engine.runs import RunFolder, RunHistory
from engine.runs.folder import EVENTS
from engine.subnets import Architecture, Space, SubnetError, space_named, space_names
from engine.subnets.architecture import biggest, smallest
from engine.subnets.read import is_subnet, read_subnet

if TYPE_CHECKING:
    from engine.bench.latency import Latency

_OF_CELLS = (
    "network",
    "channels",
    "layers",
    "auxiliary",
    "space",
    "nodes",
    "partial_channels",
    "budget",
    "out",
    "supernet",
)
"""Options of ``nascope cost`` that mean cells and their networks."""


@dataclass(frozen=True)
class SubnetTarget:
    """What a target of two-stage methods is.

    Attributes:
        title: how it is called in words.
        space: what is asked about, for its number of classes.
        architecture: the one that is meant; None means the whole space.
        run: the folder, where it is one.
    """

    title: str
    space: Space
    architecture: Architecture | None
    run: RunFolder | None = None


def subnet_target(text: str) -> SubnetTarget | None:
    """A sub-network (published name, record, run that trains one), a space or a two-stage run; None for everything else.

    Raises:
        SubnetError, SpaceFileError: a record that describes no sub-network.
        RunError: the folder holds no run.
    """
    if is_subnet(text):
        found = read_subnet(text)
        return SubnetTarget(Path(text).stem if Path(text).is_file() else text, found.space, found)
    if text in space_names() and not Path(text).exists():
        return SubnetTarget(f"space {text}", space_named(text), None)
    folder = None if is_named(text) else run_folder_named(text)
    if folder is None or folder.config_document().get("kind") not in ("two-stage", "subnet"):
        return None
    config = folder.config()
    classes = classes_of(folder.config_document(), RunHistory.read(folder.path / EVENTS).started)
    if isinstance(config, SubnetConfig):
        architecture = config.the_architecture()
        return SubnetTarget(folder.path.name, architecture.space, _with_classes(architecture, classes or None), folder)
    assert isinstance(config, TwoStageConfig)
    space = config.the_space()
    return SubnetTarget(folder.path.name, space.with_classes(classes or space.classes), None, folder)


def refuse_supernet_of_two_stages(target: str | None) -> None:
    """``--supernet`` beside a two-stage method, whose supernet follows from a space.

    Raises:
        NascopeError: it is one.
    """
    method = METHODS.get(target or "")
    if method is not None and method.kind == "two-stage":
        raise NascopeError(
            f"the supernet of {method.name} follows from its space, not from cells.", where="--supernet",
            mend=f"Leave --supernet out and name a space ({', '.join(space_names())}), or a run.",
        )  # fmt: skip


def answer(target: SubnetTarget, said: Mapping[str, Any], *, as_json: bool) -> None:
    """Count, perhaps measure, and print.

    Raises:
        NascopeError: an option that has no meaning here, or a resolution that the space does not have.
    """
    _refuse_options_of_cells(target, said)
    if target.architecture is None:
        _answer_space(target, said, as_json=as_json)
        return
    architecture = _with_classes(target.architecture, said["classes"])
    if said["input"] is not None:
        try:
            architecture = replace(architecture, resolution=said["input"])
        except SubnetError as error:
            raise SubnetError(error.what, where="--input", mend=error.mend) from None
    found = subnet_cost(architecture)
    measured = _measure(architecture, said["device"], said["batch_size"]) if said["latency"] else None
    if as_json:
        latency = {} if measured is None else {"device": measured[1], "latency": [row.as_json() for row in measured[0]]}
        emit(found.as_json() | latency)
        return
    print_subnet(found, target.title)
    if measured is not None:
        print_latency(*measured)


def _answer_space(target: SubnetTarget, said: Mapping[str, Any], *, as_json: bool) -> None:
    space = target.space if said["classes"] is None else target.space.with_classes(said["classes"])
    least, most, shared = subnet_cost(smallest(space)), subnet_cost(biggest(space)), supernet_parameters(space)
    if as_json:
        document = {
            "space": space.name, "classes": space.classes, "networks": space.size, "supernet": {"parameters": shared},
            "smallest": least.as_json(), "biggest": most.as_json(),
        }  # fmt: skip
        emit(document if target.run is None else {"run": str(target.run.path), **document})
        return
    print_space(space, least, most, shared, target.title)


def _refuse_options_of_cells(target: SubnetTarget, said: Mapping[str, Any]) -> None:
    whole = target.architecture is None
    for option in _OF_CELLS:
        if said[option]:
            name = f"--{option.replace('_', '-')}"
            about = "whole space" if whole else "sub-network"
            mend = "Leave it out."
            if option == "supernet":
                mend = "Leave it out: the answer has its parameters." if whole else "Name its run or its space instead."
            if option == "budget":
                mend = "Choose with nascope select RUN --macs." if whole else "Choose others with nascope select."
            raise NascopeError(f"is for cells and their networks; {target.title} is a {about}.", where=name, mend=mend)
    for option in ("input", "latency"):
        if whole and said[option]:
            raise NascopeError(
                f"is for one network; {target.title} has {target.space.size:,}.", where=f"--{option}",
                mend="Name a sub-network: a published name or a record in a file.",
            )  # fmt: skip


def _with_classes(architecture: Architecture, classes: int | None) -> Architecture:
    if classes is None:
        return architecture
    if classes < 2:
        raise NascopeError("a classifier needs at least 2 classes.", where="--classes")
    return replace(architecture, space=architecture.space.with_classes(classes))


def _measure(architecture: Architecture, device_text: str, batch_size: int) -> tuple[list[Latency], str]:
    from engine.bench.latency import measure_latency
    from engine.networks.subnet import SubnetNetwork
    from engine.training.device import describe_device, pick_device

    device = pick_device(device_text)
    shape = (architecture.space.image_channels, architecture.resolution, architecture.resolution)
    note(f"Measuring on {describe_device(device)} …")
    return measure_latency(SubnetNetwork(architecture), shape, sorted({1, batch_size}), device), describe_device(device)
