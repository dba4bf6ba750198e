"""Hues of primitives: one a family, the same on screen and on paper, in light and dark."""

from __future__ import annotations

from engine.genotype.primitives import declaration

PRIMITIVE_HUES: dict[str, str] = {
    "sep_conv_3x3": "#2F6FDE", "sep_conv_5x5": "#7BA5F5", "sep_conv_7x7": "#A9C4F7",
    "dil_conv_3x3": "#0E8A7A", "dil_conv_5x5": "#55BFB0",
    "max_pool_3x3": "#C77700", "avg_pool_3x3": "#E3A93F",
    "skip_connect": "#8672B8", "none": "#98A1AB", "conv_7x1_1x7": "#B0568F",
}  # fmt: skip
FAMILY_HUES: dict[str, str] = {
    "separable": "#2F6FDE", "dilated": "#0E8A7A", "pool": "#C77700", "skip": "#8672B8", "none": "#98A1AB",
}  # fmt: skip
FURTHER_HUES: tuple[str, ...] = ("#B0568F", "#6E8B3D", "#A14F3B", "#4C8FA8", "#9A7B1F", "#7D5BA6")
"""For primitives of no family; chosen by name, so that a primitive keeps its hue from picture to picture."""

PAPER = "#FFFFFF"
INK = "#1B1F24"
QUIET = "#98A1AB"
STATE_FILL = "#F9FAFB"
OUTPUT = "#2F6FDE"
PILL_MIX = 0.14
"""Share of the hue in a pill's fill; the rest is the paper."""


def primitive_hue(name: str) -> str:
    """The hue of a primitive as ``#RRGGBB``: its own, else its family's, else a steady further one."""
    if name in PRIMITIVE_HUES:
        return PRIMITIVE_HUES[name]
    family = declaration(name).family
    if family in FAMILY_HUES:
        return FAMILY_HUES[family]
    return FURTHER_HUES[sum(name.encode()) % len(FURTHER_HUES)]


def mixed(base: str, over: str, share: float) -> str:
    """``base`` with this share (0 to 1) of ``over``, both ``#RRGGBB``."""
    pairs = zip(_channels(base), _channels(over), strict=True)
    return "#" + "".join(f"{round(low * (1 - share) + high * share):02X}" for low, high in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
