"""Pictures in files: SVG, PNG, PDF and DOT, with and without the ``dot`` program."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from engine.draw import FORMATS, draw_genotype, write_drawing
from engine.draw.colours import FURTHER_HUES, mixed, primitive_hue
from engine.draw.dot import dot_text
from engine.draw.layout import operation_label
from engine.draw.text_width import helvetica_width
from engine.errors import DrawError
from engine.genotype import CELL_KINDS, Cell, Edge, Genotype
from engine.genotype.named import named, named_genotypes

SVG = "{http://www.w3.org/2000/svg}"
MAGIC = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}


def strange() -> Genotype:
    """Names that break careless writers: markup, DOT escapes, HTML labels, mathematics, other scripts."""
    names = ("a<b>&\"c'", "\\N\\l", "<<b>x</b>>", "$x_{1}$", "卷积_3x3", "dw_conv_7x7", "n" * 120)
    cell = Cell(tuple((Edge(name, 0), Edge("skip_connect", 1)) for name in names), tuple(range(2, 9)))
    return Genotype(cell, cell, name='<&> "strange"')


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("path", ["", "/nonexistent"])
def test_every_format_is_written_with_and_without_dot(
    kind: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path:
        monkeypatch.setenv("PATH", path)
    target = tmp_path / f"cell.{kind}"

    write_drawing(named("DARTS_V2"), target)

    assert target.read_bytes().lstrip().startswith(MAGIC[kind]) or MAGIC[kind] in target.read_bytes()[:200]
    assert [entry.name for entry in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("genotype", named_genotypes(), ids=lambda genotype: genotype.name)
def test_an_svg_holds_every_label_as_text_within_its_borders(genotype: Genotype) -> None:
    root = ElementTree.fromstring(draw_genotype(genotype, "svg"))

    texts = [element.text for element in root.iter(f"{SVG}text")]
    expected = ["Normal cell", "Reduction cell"]
    for kind in CELL_KINDS:
        cell = genotype.cell(kind)
        expected += ["k−2", "k−1", "concat", *map(str, range(len(cell.nodes)))]
        expected += [operation_label(edge.primitive) for _, _, edge in cell.edges()]
    assert sorted(texts) == sorted(expected)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for element in root.iter(f"{SVG}text"):
        size = float(element.get("font-size", 0))
        half = 0 if element.get("text-anchor") == "start" else helvetica_width(element.text or "", size) / 2
        assert float(element.get("x", -1)) - half >= 0
        assert float(element.get("x", -1)) + half <= width
        assert size <= float(element.get("y", -1)) <= height


def test_an_svg_stands_alone_and_its_ids_are_its_own() -> None:
    first, second = (draw_genotype(named(name), "svg") for name in ("DARTS_V1", "DARTS_V2"))

    ids = []
    for text in (first, second):
        root = ElementTree.fromstring(text)
        found = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(set(found)) == len(found)
        assert b"href" not in text
        assert b"url(" not in text
        assert b"<script" not in text
        background = next(root.iter(f"{SVG}rect"))
        assert (background.get("fill"), background.get("width")) == ("#FFFFFF", root.get("width"))
        ids.append(set(found))
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_genotype_gives_the_same_bytes(kind: str) -> None:
    genotype = named("NASNet")

    assert draw_genotype(genotype, kind) == draw_genotype(genotype, kind)  # type: ignore[arg-type]


def test_strange_names_are_text_and_nothing_else() -> None:
    genotype = strange()
    root = ElementTree.fromstring(draw_genotype(genotype, "svg", kinds=["normal"]))

    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert "a<b>&\"c'" in texts
    assert "dw_conv_7x7" in texts
    assert any(text.startswith("nnn") and text.endswith("…") and len(text) < 40 for text in texts)
    for kind in ("png", "pdf"):
        assert draw_genotype(genotype, kind).startswith(MAGIC[kind])  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz' dot is not installed")
@pytest.mark.parametrize(
    "genotype", [named("DARTS_V2"), named("NASNet"), strange()], ids=["DARTS_V2", "NASNet", "strange"]
)
def test_dot_accepts_the_source_and_shows_every_operation(genotype: Genotype) -> None:
    source = dot_text(genotype, CELL_KINDS)

    done = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, timeout=30, check=True)

    assert done.stderr == b""
    texts = [element.text for element in ElementTree.fromstring(done.stdout).iter(f"{SVG}text")]
    for kind in CELL_KINDS:
        for _, _, edge in genotype.cell(kind).edges():
            assert operation_label(edge.primitive) in texts


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz' dot is not installed")
def test_dot_may_lay_out_where_it_is_asked_to() -> None:
    assert b"<svg" in draw_genotype(named("DARTS_V1"), "svg", engine="dot")


def test_asking_for_dot_without_dot_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(DrawError, match="not on PATH"):
        draw_genotype(named("DARTS_V1"), "pdf", engine="dot")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cell.bmp", r"\.bmp.*\.svg, \.png, \.pdf or \.dot"),
        ("cell", "no ending"),
        ("missing/cell.svg", "missing does not exist"),
    ],
)
def test_refusals_name_fault_and_mend(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(DrawError) as found:
        write_drawing(named("DARTS_V1"), tmp_path / name)

    import re

    assert re.search(says, str(found.value))
    assert str(tmp_path / name) in str(found.value)


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "cell.svg"
    target.write_text("old")

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DrawError, match="No space left"):
        write_drawing(named("DARTS_V1"), target)
    assert target.read_text() == "old"


def test_unknown_formats_and_kinds_and_monsters_are_refused() -> None:
    genotype = named("DARTS_V1")
    monster = Cell(tuple(tuple(Edge("skip_connect", 0) for _ in range(64)) for _ in range(20)), (2,))

    with pytest.raises(DrawError, match="svg, png, pdf, dot"):
        draw_genotype(genotype, "gif")  # type: ignore[arg-type]
    with pytest.raises(DrawError, match="no cells"):
        draw_genotype(genotype, "svg", kinds=[])
    with pytest.raises(DrawError, match="1280 operations"):
        draw_genotype(replace(genotype, normal=monster), "svg")


def test_one_kind_is_drawn_without_a_title() -> None:
    root = ElementTree.fromstring(draw_genotype(named("DARTS_V2"), "svg", kinds=("reduction",)))

    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "Reduction cell" not in texts
    assert texts.count("concat") == 1


def test_png_is_300_dpi_on_white() -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(draw_genotype(named("DARTS_V2"), "png")))

    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert round(image.info["dpi"][0]) == 300


def test_pdf_keeps_its_text() -> None:
    pdftotext = shutil.which("pdftotext")
    if pdftotext is None:
        pytest.skip("pdftotext is not installed")
    done = subprocess.run(
        [pdftotext, "-", "-"], input=draw_genotype(named("DARTS_V2"), "pdf"), capture_output=True, check=True
    )

    assert b"skip" in done.stdout


def test_drawing_imports_neither_torch_nor_qt_nor_matplotlib_before_it_is_needed() -> None:
    code = (
        "import sys\n"
        "from engine.draw import draw_genotype\n"
        "from engine.genotype.named import named\n"
        "draw_genotype(named('DARTS_V2'), 'svg')\n"
        "print([name for name in ('torch', 'PySide6', 'matplotlib') if name in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)

    assert done.stdout.strip() == "[]"


def test_hues_keep_families_together_and_strangers_steady() -> None:
    assert primitive_hue("sep_conv_3x3") == "#2F6FDE"
    assert primitive_hue("dw_conv_7x7") in FURTHER_HUES
    assert primitive_hue("dw_conv_7x7") == primitive_hue("dw_conv_7x7")
    assert mixed("#FFFFFF", "#000000", 0.5) == "#808080"
    assert mixed("#102030", "#FFFFFF", 0.0) == "#102030"
