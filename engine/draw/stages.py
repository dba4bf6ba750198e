"""Where everything lies in the picture of a sub-network: stages from left to right, a table under them. Plain data, no Qt.

A block is a bar: as high as its feature map is wide (by the square root), as thick as it has channels (by the logarithm),
in the hue of its kernel. So the eye sees maps shrink and channels grow; the table has the numbers. A window paints the
same marks and texts with its own colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from engine.draw.colours import PRIMITIVE_HUES, QUIET
from engine.draw.text_width import helvetica_width
from engine.subnets.architecture import Architecture

Measure = Callable[[str, float], float]
"""Width of a text in a font of a size, in the picture's unit."""

PLAIN_HUE = "#4C8FA8"
"""Of convolutions that are no block: the stem's and the head's."""
SQUEEZE_HUE = "#B0568F"
_ROWS = ("blocks", "output", "channels", "kernel", "expansion", "squeeze-excite", "multiply-adds")
_NAME_LIMIT = 16
"""Letters of a stage's name that are shown."""

# All in em, the size of the text.
_MARGIN, _BARS_HEIGHT, _PITCH, _SHARES_HEIGHT = 1.2, 11.0, 1.75, 3.4
_LEAST_COLUMN, _BETWEEN_BARS, _BESIDE_BARS, _BESIDE_TEXT = 4.8, 0.35, 0.9, 1.3
_BOLD = 1.2
"""How much wider than measured a bold text may be."""

# Heights from above: middle of the bars, upper edge of the table, foot of the shares under it.
_MIDDLE = _MARGIN + _BARS_HEIGHT / 2
_TABLE = _MARGIN + _BARS_HEIGHT + 0.8
_FLOOR = _TABLE + (len(_ROWS) + 1.2) * _PITCH + _SHARES_HEIGHT

_SQUEEZE = "SE"
"""In the row of squeeze-and-excitation, for parts that have it; in a pill."""


class PartRow(Protocol):
    """One part of a sub-network, as ``engine.cost.subnets.StageCost`` has it; that package stands on a higher floor."""

    @property
    def name(self) -> str: ...
    @property
    def macs(self) -> int: ...
    @property
    def side(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def kernel_size(self) -> int: ...
    @property
    def expand_ratio(self) -> int | None: ...
    @property
    def squeeze_excite(self) -> bool: ...


class CountedSubnet(Protocol):
    """A sub-network with its parts counted: ``engine.cost.subnets.subnet_cost(architecture)``."""

    @property
    def architecture(self) -> Architecture: ...
    @property
    def stages(self) -> Sequence[PartRow]: ...


@dataclass(frozen=True)
class Mark:
    """A rectangle with round corners around ``(x, y)``.

    Attributes:
        kind: ``image``, ``convolution``, ``block`` and ``classifier`` are bars; ``share`` is a column of multiply-adds;
            ``tag`` is the pill of squeeze-and-excitation.
        hue: ``#RRGGBB`` of outline and, mixed into the paper or panel, of the fill.
        title: what it is, in words, for a tooltip.
        column: place in ``StageLayout.columns``.
    """

    kind: Literal["image", "convolution", "block", "classifier", "share", "tag"]
    x: float
    y: float
    width: float
    height: float
    radius: float
    hue: str
    title: str
    column: int


@dataclass(frozen=True)
class Text:
    """A line of text; ``y`` is the height of its middle, ``x`` its centre, or its left end for the names of rows.

    Attributes:
        kind: ``row`` (name of a row), ``name`` (of a part), ``value`` or ``tag`` (in a pill, smaller).
        column: place in ``StageLayout.columns``; None for names of rows.
    """

    kind: Literal["row", "name", "value", "tag"]
    x: float
    y: float
    text: str
    size: float
    column: int | None


@dataclass(frozen=True)
class Rule:
    """A straight line: the way of the image through the network (``flow``), or the rule over the table (``table``)."""

    kind: Literal["flow", "table"]
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Column:
    """The part of a column: ``image``, then the cost's parts. For hovering and for screen readers."""

    name: str
    left: float
    width: float
    sentence: str


@dataclass(frozen=True)
class StageLayout:
    """Everything within ``(0, 0)`` to ``(width, height)``; paint rules, then marks, then texts."""

    width: float
    height: float
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    marks: tuple[Mark, ...]
    texts: tuple[Text, ...]


def kernel_hue(kernel: int) -> str:
    """The hue of a block: that of a separable convolution with its kernel in pictures of cells."""
    return PRIMITIVE_HUES[f"sep_conv_{min(max(kernel, 3), 7)}x{min(max(kernel, 3), 7)}"]


def stage_layout(cost: CountedSubnet, measure: Measure = helvetica_width, em: float = 10.0) -> StageLayout:
    """Lay out a sub-network.

    Args:
        cost: ``engine.cost.subnets.subnet_cost(architecture)``.
        measure: width of a text in a font of a size; the default is Helvetica's.
        em: size of the text, which is the unit of everything else.
    """
    resolution = cost.architecture.resolution
    total, most = sum(part.macs for part in cost.stages), max(part.macs for part in cost.stages)
    entries = [_image_entry(cost.architecture), *(_part_entry(part, resolution, total) for part in cost.stages)]
    columns, right = _columns(entries, measure, em)
    marks: list[Mark] = []
    texts = [Text("row", _MARGIN * em, _height_of_row(row) * em, name, em, None) for row, name in enumerate(_ROWS[:-1])]
    texts.append(Text("row", _MARGIN * em, (_FLOOR - _SHARES_HEIGHT / 2) * em, _ROWS[-1], em, None))
    for place, (entry, column) in enumerate(zip(entries, columns, strict=True)):
        centre = column.left + column.width / 2
        marks += _bars(entry, place, centre, em)
        texts.append(Text("name", centre, (_TABLE + 0.5 * _PITCH) * em, entry.name, em, place))
        for row, value in enumerate(entry.values):
            height, is_tag = _height_of_row(row) * em, value == _SQUEEZE
            if is_tag:
                title = "Squeeze-and-excitation in every block"
                marks.append(Mark("tag", centre, height, 2.3 * em, 1.3 * em, 0.65 * em, SQUEEZE_HUE, title, place))
            texts.append(Text("tag" if is_tag else "value", centre, height, value, em * (0.85 if is_tag else 1), place))
        if entry.macs is not None:
            high = max(0.12, _SHARES_HEIGHT * entry.macs / most)
            marks.append(
                Mark(
                    "share", centre, (_FLOOR - high / 2) * em, 2.6 * em, high * em, min(0.15, high / 2) * em, entry.hue,
                    f"{entry.name}: {entry.macs:,} multiply-adds, {entry.share} of all", place,
                )
            )  # fmt: skip
            texts.append(Text("value", centre, (_FLOOR - high - 0.8) * em, entry.share, em, place))
    width = (right + _MARGIN) * em
    first, last = columns[0], columns[-1]
    rules = (
        Rule("flow", first.left + first.width / 2, _MIDDLE * em, last.left + last.width / 2, _MIDDLE * em),
        Rule("table", _MARGIN * em, _TABLE * em, width - _MARGIN * em, _TABLE * em),
        Rule("table", _MARGIN * em, _FLOOR * em, width - _MARGIN * em, _FLOOR * em),
    )
    return StageLayout(width, (_FLOOR + _MARGIN) * em, tuple(columns), rules, tuple(marks), tuple(texts))


@dataclass(frozen=True)
class _Entry:
    """A column before it has a place; lengths in em."""

    name: str
    kind: Literal["image", "convolution", "block", "classifier"]
    bars: int
    thickness: float
    height: float
    hue: str
    values: tuple[str, ...]
    macs: int | None
    share: str
    sentence: str


def _image_entry(architecture: Architecture) -> _Entry:
    side, channels = architecture.resolution, architecture.space.image_channels
    values = ("–", f"{side}×{side}", str(channels), "–", "–", "–")
    return _Entry(
        "image", "image", 1, 0.3, _BARS_HEIGHT, QUIET, values, None, "", f"image: {side}×{side}, {channels} channels"
    )


def _part_entry(part: PartRow, resolution: int, total: int) -> _Entry:
    is_block = part.expand_ratio is not None
    is_classifier = not is_block and part.name == "classifier"
    kind: Literal["convolution", "block", "classifier"] = (
        "block" if is_block else "classifier" if is_classifier else "convolution"
    )
    kernel = f"{part.kernel_size}×{part.kernel_size}"
    share = _share(part.macs, total)
    sizes = f"{part.side}×{part.side}"
    values = (
        str(part.depth) if is_block else "–", sizes, str(part.width), "–" if is_classifier else kernel,
        f"×{part.expand_ratio}" if is_block else "–", _SQUEEZE if part.squeeze_excite else "–",
    )  # fmt: skip
    told = [f"{part.depth} block{'s' if part.depth > 1 else ''}" if is_block else "", f"{part.width} channels", sizes]
    told += [f"kernel {kernel}" if not is_classifier else "", f"expansion {part.expand_ratio}" if is_block else ""]
    told += ["squeeze-and-excitation" if part.squeeze_excite else "", f"{share} of the multiply-adds"]
    hue = kernel_hue(part.kernel_size) if is_block else QUIET if is_classifier else PLAIN_HUE
    return _Entry(
        _short(part.name), kind, part.depth, 0.35 + 0.14 * max(0.0, math.log2(part.width / 8)),
        max(1.0, _BARS_HEIGHT * math.sqrt(part.side / resolution)), hue, values, part.macs, share,
        f"{part.name}: {', '.join(filter(None, told))}",
    )  # fmt: skip


def _columns(entries: Sequence[_Entry], measure: Measure, em: float) -> tuple[list[Column], float]:
    """As wide as their texts and bars ask for, behind the names of rows; and the right end of the last one in em."""
    columns = []
    left = max(measure(row, em) for row in _ROWS) / em + 2 * _MARGIN
    for entry in entries:
        texts = [_BOLD * measure(entry.name, em), *(measure(text, em) for text in (*entry.values, entry.share))]
        bars = entry.bars * entry.thickness + (entry.bars - 1) * _BETWEEN_BARS
        width = max(_LEAST_COLUMN, max(texts) / em + _BESIDE_TEXT, bars + 2 * _BESIDE_BARS)
        columns.append(Column(entry.name, left * em, width * em, entry.sentence))
        left += width
    return columns, left


def _height_of_row(row: int) -> float:
    """Its middle, below the row of the parts' names."""
    return _TABLE + (row + 1.5) * _PITCH


def _bars(entry: _Entry, place: int, centre: float, em: float) -> Iterator[Mark]:
    step = (entry.thickness + _BETWEEN_BARS) * em
    start = centre - step * (entry.bars - 1) / 2
    for number in range(entry.bars):
        title = entry.sentence if entry.bars == 1 else f"Block {number + 1} of {entry.sentence}"
        yield Mark(
            entry.kind, start + number * step, _MIDDLE * em, entry.thickness * em, entry.height * em,
            min(0.3, entry.thickness / 2) * em, entry.hue, title, place,
        )  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LIMIT else name[: _NAME_LIMIT - 1] + "…"


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole
    return f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"
