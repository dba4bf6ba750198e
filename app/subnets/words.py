"""What the window says of sub-networks."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.subnets.points import LATENCY
from engine.subnets import Architecture

translate = QCoreApplication.translate


def amount(value: float) -> str:
    """Three digits and a unit: ``0.800 M``, ``3.18 M``, ``22.4 K``, ``1.94 G``."""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        # From a tenth of a million on people say «million»; below they count thousands.
        if value >= factor * (0.9995 if unit != "M" else 0.09995):
            return f"{_three(value / factor)} {unit}"
    return f"{value:.0f}"


def cost_title(name: str) -> str:
    """What stands on the axis."""
    if name.startswith(LATENCY):
        return translate("subnets", "latency on {device}, ms").format(device=name.removeprefix(LATENCY))
    return {
        "macs": translate("subnets", "multiply-adds"),
        "parameters": translate("subnets", "parameters"),
        "memory_bytes": translate("subnets", "memory of a pass"),
    }[name]


def cost_words(name: str, value: float) -> str:
    """A cost with its unit."""
    if name.startswith(LATENCY):
        return f"{_three(value)} ms"
    if name == "memory_bytes":
        for factor, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if value >= factor * 0.9995:
                return f"{_three(value / factor)} {unit}"
        return f"{value:.0f} B"
    return amount(value)


def part_words(part: str) -> str:
    """Part of a network that a coordinate belongs to, by the names that its picture has."""
    return {"stem": translate("subnets", "stem"), "head": translate("subnets", "head")}.get(part, part)


def found_by_words(found_by: str) -> str:
    """How a network came to be measured."""
    return {
        "smallest": translate("subnets", "the smallest of the space"),
        "biggest": translate("subnets", "the biggest of the space"),
        "random": translate("subnets", "drawn at random"),
        "sampled": translate("subnets", "drawn at random, measured while training"),
        "coarse": translate("subnets", "found by the coarse search"),
        "fine": translate("subnets", "found by the fine search"),
        "evolution": translate("subnets", "found by evolution"),
        "named": translate("subnets", "named by a person"),
    }.get(found_by, found_by)


def choices(architecture: Architecture) -> list[tuple[str, str]]:
    """Each part of a network and what was chosen in it, from the image to the last width."""
    rows = [
        (translate("subnets", "image"), translate("subnets", "{n} px").format(n=architecture.resolution)),
        (translate("subnets", "stem"), translate("subnets", "{n} channels").format(n=architecture.width[0])),
    ]
    for place, stage in enumerate(architecture.space.stages):
        kernel, depth, expansion = (
            architecture.kernel_size[place], architecture.depth[place], architecture.expand_ratio[place],
        )  # fmt: skip
        rows.append(
            (stage.name, translate("subnets", "{width} channels · {depth} deep · {k}×{k} · expansion {t}").format(
                width=architecture.width[place + 1], depth=depth, k=kernel, t=expansion
            ))
        )  # fmt: skip
    rows.append((translate("subnets", "head"), translate("subnets", "{n} features").format(n=architecture.width[-1])))
    return rows


def _three(value: float) -> str:
    """Three digits, without a point at the end; more where there are more before the point."""
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}" if value >= 0.9995 else f"{value:.3f}"
