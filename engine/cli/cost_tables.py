"""The cost of a network in words and tables, for ``nascope cost``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.output import note, print_rows, say
from engine.cost import NetworkCost, NetworkSettings
from engine.cost.quantities import bytes_in_words, in_words
from engine.genotype import CELL_KINDS, declaration
from engine.genotype.compare import differences
from engine.genotype.graph import state_name

if TYPE_CHECKING:
    from engine.bench.latency import Latency
    from engine.cost.budget import BudgetChoice
    from engine.cost.subnets import StageCost, SubnetCost
    from engine.subnets import Space

WHY_SEVERAL = (
    "Several numbers circulate for one cell: with or without the auxiliary head (a test has none), a multiply-add as one "
    "operation or as two, batch norms and ReLUs counted or not, CIFAR or ImageNet network. This is one image in eval mode, "
    "convolutions and linear layers only (docs/cost.md)."
)

WHY_FEWER = (
    "One image in eval mode, convolutions and linear layers only; the layers of a block are its kernel, its expansion, and SE "
    "where it has squeeze-and-excitation. The published code prints more parameters: it counts 1×1 "
    "convolutions in shortcuts between equal widths, which no pass uses (docs/cost.md)."
)


def print_cost(found: NetworkCost, title: str) -> None:
    """The parts, then the sums, then how it was counted."""
    settings = found.settings
    say(
        f"{title}: {_network_in_words(settings)}, {settings.image_channels}×{settings.image_size}×{settings.image_size}, "
        f"{settings.classes} classes"
    )
    whole = found.cost
    rows = []
    for part in found.parts:
        name = part.kind if part.layer is None else f"cell {part.layer} {part.kind}"
        rows.append(
            (name, str(part.channels), f"{part.side}×{part.side}", f"{part.cost.parameters:,}", f"{part.cost.macs:,}",
             _share(part.cost.macs, whole.macs))
        )  # fmt: skip
    head = ("part", "channels", "output", "parameters", "multiply-adds", "share")
    print_rows(head, rows, right=head[1:])
    _print_sum("parameters", whole.parameters, "without the auxiliary head" if not found.arch_parameters else "weights")
    if found.auxiliary is not None:
        _print_sum("auxiliary", found.auxiliary.parameters, "parameters of the auxiliary head, in training only")
    if found.arch_parameters:
        _print_sum("alphas", found.arch_parameters, "alphas and betas, no weights")
    _print_sum("multiply-adds", whole.macs, "one image")
    if found.macs_with_elementwise is not None:
        _print_sum("", found.macs_with_elementwise, "counting batch norms (2 an element) and ReLUs (1) as well")
    if found.built:
        note(f"Counted by building: {', '.join(found.built)} (element-wise work of these is not counted).")
    note(WHY_SEVERAL)


def print_subnet(found: SubnetCost, title: str) -> None:
    """A sub-network's parts, then the sums, then how it was counted."""
    architecture = found.architecture
    space, side = architecture.space, architecture.resolution
    say(f"{title}: sub-network of {space.name}, {space.image_channels}×{side}×{side}, {space.classes} classes")
    rows = [
        (part.name, "–" if part.expand_ratio is None else str(part.depth), _layers(part), str(part.width), f"{part.side}×{part.side}",
         f"{part.parameters:,}", f"{part.macs:,}", _share(part.macs, found.macs))
        for part in found.stages
    ]  # fmt: skip
    head = ("part", "blocks", "layers", "width", "output", "parameters", "multiply-adds", "share")
    print_rows(head, rows, right=("blocks", *head[3:]), wide=("share",))
    _print_sum("parameters", found.parameters, "that a pass uses")
    _print_sum("multiply-adds", found.macs, "one image")
    say(
        f"{'memory':14} {bytes_in_words(found.memory_bytes):>15}  {'':8}  weights and feature maps of one image, float32"
    )
    note(WHY_FEWER)


def print_space(space: Space, least: SubnetCost, most: SubnetCost, shared: int, title: str) -> None:
    """A space by its two ends."""
    say(f"{title}: {space.size:,} sub-networks of {space.name}, {space.classes} classes")
    head = ("network", "input", "parameters", "multiply-adds", "memory")
    rows = [
        (name, f"{cost.architecture.resolution}×{cost.architecture.resolution}", f"{cost.parameters:,}", f"{cost.macs:,}",
         bytes_in_words(cost.memory_bytes))
        for name, cost in (("smallest", least), ("biggest", most))
    ]  # fmt: skip
    print_rows(head, [*rows, ("supernet", "–", f"{shared:,}", "–", "–")], right=head[1:])
    note(WHY_FEWER)


def print_latency(measured: list[Latency], device_title: str) -> None:
    """One row a batch size."""
    say()
    say(f"Latency on {device_title}")
    head = ("images", "median", "middle half", "images a second", "passes", "peak memory")
    rows = [
        (str(row.batch_size), f"{row.median_ms:.2f} ms", f"{row.lower_quartile_ms:.2f}–{row.upper_quartile_ms:.2f} ms",
         f"{row.images_per_second:,.1f}", str(row.passes),
         "–" if row.peak_memory_mib is None else f"{row.peak_memory_mib:,.0f} MiB")
        for row in measured
    ]  # fmt: skip
    print_rows(head, rows, right=head)


def print_choice(choice: BudgetChoice, settings: NetworkSettings) -> None:
    """The cells within a budget, and what the budget changed."""
    say(f"Budget {choice.budget:,} multiply-adds, {_network_in_words(settings)}")
    for kind in CELL_KINDS:
        say(f"{kind.capitalize()} cell")
        for number, edges in enumerate(choice.genotype.cell(kind).nodes):
            inputs = ", ".join(f"{declaration(edge.primitive).label} from {state_name(edge.source)}" for edge in edges)
            say(f"  node {number}: {inputs}")
    say()
    rows = [
        ("without a budget", f"{choice.unconstrained_macs:,}", f"{choice.unconstrained_score:.5f}"),
        ("within it", f"{choice.macs:,}", f"{choice.score:.5f}"),
    ]
    print_rows(("", "multiply-adds", "sum of scores"), rows, right=("multiply-adds", "sum of scores"))
    changed = differences(choice.unconstrained, choice.genotype)
    if not changed:
        say("The alphas' own cells keep to the budget: nothing changes.")
        return
    say("Other inputs, without the budget against within it:")
    for difference in changed:
        say(f"  {difference}")


def _network_in_words(settings: NetworkSettings) -> str:
    name = "CIFAR" if settings.network == "cifar" else "ImageNet"
    return f"{name} network of {settings.channels} channels and {settings.layers} cells"


def _layers(part: StageCost) -> str:
    """``5×5 ×4 SE``: kernel, expansion, squeeze-and-excitation."""
    words = [f"{part.kernel_size}×{part.kernel_size}"]
    words += [] if part.expand_ratio is None else [f"×{part.expand_ratio}"]
    return " ".join([*words, "SE"] if part.squeeze_excite else words)


def _print_sum(name: str, amount: int, meaning: str) -> None:
    say(f"{name:14} {amount:>15,}  {in_words(amount):>8}  {meaning}")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
