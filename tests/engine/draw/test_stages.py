"""Pictures of sub-networks: what the marks say, nothing outside, nothing overlapping, and the files."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cost.subnets import SubnetCost, subnet_cost
from engine.draw.stages import Mark, StageLayout, Text, stage_layout
from engine.draw.stages_picture import draw_subnet, write_subnet
from engine.draw.text_width import helvetica_width
from engine.errors import DrawError
from engine.subnets import Architecture, named_subnets, space_from_json, space_named, space_names
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import uniform

SVG = "{http://www.w3.org/2000/svg}"
MAGIC = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}


def a3() -> SubnetCost:
    return subnet_cost(named_subnets()["AttentiveNAS-A3"].architecture)


def bars_of(layout: StageLayout, column: int) -> list[Mark]:
    return [mark for mark in layout.marks if mark.column == column and mark.kind not in ("share", "tag")]


def row_of(layout: StageLayout, name: str) -> list[str]:
    height = next(text.y for text in layout.texts if text.kind == "row" and text.text == name)
    found = [text for text in layout.texts if text.kind != "row" and text.y == height]
    return [text.text for text in sorted(found, key=lambda text: text.x)]


def test_a_block_is_a_bar_and_the_table_has_the_record() -> None:
    cost = a3()
    architecture, layout = cost.architecture, stage_layout(cost)

    assert [column.name for column in layout.columns] == ["image", *(part.name for part in cost.stages)]
    assert [len(bars_of(layout, place)) for place in range(2, 9)] == list(architecture.depth)
    assert row_of(layout, "blocks")[2:9] == [str(depth) for depth in architecture.depth]
    assert row_of(layout, "channels") == ["3", *map(str, architecture.width), "1000"]
    assert row_of(layout, "kernel")[1:9] == ["3×3", *(f"{kernel}×{kernel}" for kernel in architecture.kernel_size)]
    assert row_of(layout, "expansion")[2:9] == [f"×{ratio}" for ratio in architecture.expand_ratio]
    assert row_of(layout, "output") == [f"{side}×{side}" for side in (224, 112, 112, 56, 28, 14, 14, 7, 7, 1, 1)]
    assert row_of(layout, "squeeze-excite")[2:9] == ["–", "–", "SE", "–", "SE", "SE", "SE"]
    assert sum(mark.kind == "tag" for mark in layout.marks) == 4


def test_heights_are_the_sides_by_the_square_root_and_hues_the_kernels() -> None:
    layout = stage_layout(a3())
    heights = [bars_of(layout, place)[0].height for place in range(9)]

    assert heights[1] / heights[0] == pytest.approx(math.sqrt(112 / 224))
    assert heights[8] / heights[0] == pytest.approx(math.sqrt(7 / 224))
    assert len({mark.hue for place in (2, 3, 4, 6, 7, 8) for mark in bars_of(layout, place)}) == 1
    assert bars_of(layout, 5)[0].hue != bars_of(layout, 2)[0].hue


def test_columns_of_multiply_adds_are_to_scale() -> None:
    cost = a3()
    shares = [mark for mark in stage_layout(cost).marks if mark.kind == "share"]

    assert len(shares) == len(cost.stages)
    assert len({round(mark.y + mark.height / 2, 6) for mark in shares}) == 1
    for one, part in zip(shares[1:-1], cost.stages[1:-1], strict=True):
        assert one.height / shares[7].height == pytest.approx(part.macs / cost.stages[7].macs)
    shown = row_of_shares(stage_layout(cost))
    assert sum(float(share.removesuffix(" %")) for share in shown) == pytest.approx(100, abs=0.05 * len(shown))


def row_of_shares(layout: StageLayout) -> list[str]:
    return [text.text for text in layout.texts if text.text.endswith("%")]


def extent(text: Text) -> tuple[float, float]:
    wide = helvetica_width(text.text, text.size) * (1.1 if text.kind == "name" else 1)
    return (text.x, text.x + wide) if text.kind == "row" else (text.x - wide / 2, text.x + wide / 2)


def check_nothing_collides(layout: StageLayout) -> None:
    for mark in layout.marks:
        assert mark.x - mark.width / 2 >= 0
        assert mark.x + mark.width / 2 <= layout.width
        assert mark.y - mark.height / 2 >= 0
        assert mark.y + mark.height / 2 <= layout.height
        column = layout.columns[mark.column]
        assert column.left <= mark.x - mark.width / 2 + 1e-9
        assert mark.x + mark.width / 2 <= column.left + column.width + 1e-9
        assert 0 < mark.radius <= min(mark.width, mark.height) / 2 + 1e-9
    for text in layout.texts:
        left, right = extent(text)
        assert left >= 0
        assert right <= layout.width
        assert text.size / 2 <= text.y <= layout.height - text.size / 2
    by_height = sorted(layout.texts, key=lambda text: (text.y, text.x))
    for one, two in itertools.pairwise(by_height):
        if one.y == two.y:
            assert extent(one)[1] < extent(two)[0]
    bars = [mark for mark in layout.marks if mark.kind not in ("share", "tag")]
    for one, two in itertools.pairwise(sorted(bars, key=lambda mark: mark.x)):
        assert one.x + one.width / 2 < two.x - two.width / 2


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(space_names()), st.integers(0, 2**32))
def test_nothing_collides_or_leaves_the_picture(name: str, seed: int) -> None:
    check_nothing_collides(stage_layout(subnet_cost(uniform(space_named(name), random.Random(seed)))))


def strange() -> Architecture:
    """Names that break careless writers, and a network of one stage with a large kernel."""
    document = space_named("laptop").as_json()
    document |= {
        "name": "<&> own",
        "resolution": [3],
        "stages": [document["stages"][2] | {"name": "<b>&\"'$x_1$卷" * 9, "stride": 1, "kernel_size": [15]}],
    }
    return smallest(space_from_json(document))


def test_strange_names_are_cut_and_written(tmp_path: Path) -> None:
    cost = subnet_cost(strange())

    check_nothing_collides(stage_layout(cost))
    assert max(len(column.name) for column in stage_layout(cost).columns) <= 16
    for ending in MAGIC:
        write_subnet(cost, tmp_path / f"strange.{ending}", name='<&> "name" $x$', facts="")


def test_tooltips_say_what_a_bar_is() -> None:
    layout = stage_layout(a3())

    assert bars_of(layout, 5)[1].title == (
        "Block 2 of mb4: 4 blocks, 64 channels, 14×14, kernel 5×5, expansion 4, 8.1 % of the multiply-adds"
    )
    assert layout.columns[0].sentence == "image: 224×224, 3 channels"


@pytest.mark.parametrize("ending", MAGIC)
def test_every_format_is_written_and_the_same_each_time(ending: str, tmp_path: Path) -> None:
    cost = subnet_cost(biggest(space_named("laptop")))

    for name in ("one", "two"):
        write_subnet(cost, tmp_path / f"{name}.{ending}", name="biggest", facts="3.18 M multiply-adds")

    content = (tmp_path / f"one.{ending}").read_bytes()
    assert content.startswith(MAGIC[ending])
    assert content == (tmp_path / f"two.{ending}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_the_svg_holds_every_text_and_a_box_for_every_mark() -> None:
    cost = a3()
    layout = stage_layout(cost)

    root = ElementTree.fromstring(draw_subnet(cost, "svg", name="AttentiveNAS-A3", facts="facts"))

    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert sorted(texts) == sorted([*(text.text for text in layout.texts), "AttentiveNAS-A3", "facts"])
    assert len(list(root.iter(f"{SVG}rect"))) == len(layout.marks) + 1


def test_refusals(tmp_path: Path) -> None:
    cost = a3()
    with pytest.raises(DrawError, match="DOT"):
        draw_subnet(cost, "dot", name="x", facts="")
    with pytest.raises(DrawError, match="no picture format"):
        write_subnet(cost, tmp_path / "x.gif", name="x", facts="")
    with pytest.raises(DrawError, match="does not exist"):
        write_subnet(cost, tmp_path / "no" / "x.svg", name="x", facts="")
    document = space_named("laptop").as_json()
    document["stages"] = [
        {**document["stages"][0], "stride": 1, "name": f"s{place}", "depth": [64]} for place in range(7)
    ]
    with pytest.raises(DrawError, match="448 blocks"):
        draw_subnet(subnet_cost(smallest(space_from_json(document))), "svg", name="x", facts="")


def test_drawing_needs_neither_torch_nor_qt(tmp_path: Path) -> None:
    code = (
        "import sys; from engine.cli import main;"
        f"code = main(['draw', 'AttentiveNAS-A0', '-o', {str(tmp_path / 'a.svg')!r}]);"
        "bad = {'torch', 'PySide6', 'matplotlib'} & set(sys.modules); sys.exit(code or (f'{bad}' if bad else 0))"
    )

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    assert (tmp_path / "a.svg").read_bytes().startswith(b"<svg")
