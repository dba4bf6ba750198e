"""The papers' Python text: every form that people have is read, nothing is evaluated, everything is bounded."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import GenotypeError
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.named import named, named_genotypes
from engine.genotype.text import aliases, as_text, parse_text

FLAT = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), "
    "('max_pool_3x3', 0), ('sep_conv_5x5', 3), ('skip_connect', 2), ('avg_pool_3x3', 4)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('dil_conv_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('sep_conv_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
NESTED = re.sub(r"(\('\w+', \d\)), (\('\w+', \d\))", r"[\1, \2]", FLAT)
NORMAL = [
    [["sep_conv_3x3", 0], ["skip_connect", 1]],
    [["sep_conv_3x3", 0], ["dil_conv_5x5", 2]],
    [["max_pool_3x3", 0], ["sep_conv_5x5", 3]],
    [["skip_connect", 2], ["avg_pool_3x3", 4]],
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(FLAT, "", id="flat"),
        pytest.param(NESTED, "", id="nested, as pt.darts prints it"),
        pytest.param(FLAT.replace("[(", "((").replace(")]", "))"), "", id="tuples instead of lists"),
        pytest.param(
            f"from x import y\n# A = {FLAT[:40]}\nMINE = {FLAT}\n",
            "MINE",
            id="half a definition in a comment before it",
        ),
        pytest.param(f"# A = Genotype(normal=[\nMINE = {FLAT}\n", "MINE", id="an open bracket in a comment before it"),
        pytest.param(
            f"Genotype = namedtuple('Genotype', 'normal reduce')\nclass Genotype(NamedTuple):\n  x: int\nA = {FLAT}",
            "A",
            id="the class",
        ),
        pytest.param(
            f"2024-01-05 10:00:01,000 genotype = {FLAT}\n10:02 valid_acc 81.2\n", "genotype", id="a log's line"
        ),
        pytest.param(f"# result\n\n```python\ngenotype = {FLAT}\n```\n", "genotype", id="Markdown"),
        pytest.param(f"It's done (at last: {FLAT}", "", id="brackets and quotes before it"),
        pytest.param(f"cell: Genotype = {FLAT}", "cell", id="annotated"),
        pytest.param(f'best = "{FLAT}"', "best", id="quoted"),
        pytest.param(FLAT.replace("Genotype", "gt.Genotype"), "", id="from a module"),
        pytest.param(FLAT.replace(", 2)", ", np.int64(2))"), "", id="numpy 2"),
        pytest.param(FLAT.replace(", 2)", ", numpy.int32(2))"), "", id="numpy written out"),
        pytest.param(FLAT.replace("'dil_conv_5x5'", "np.str_('dil_conv_5x5')"), "", id="numpy text"),
        pytest.param(FLAT.replace("range(2, 6)", "range(2, 6, 1)"), "", id="range with step"),
        pytest.param(FLAT.replace("range(2, 6)", "(2, 3, 4, 5)"), "", id="concat as tuple"),
        pytest.param(FLAT.replace(", ", ",\n    "), "", id="wrapped between words"),
        pytest.param("\n".join(re.findall(".{1,37}", FLAT)), "", id="wrapped hard, within names"),
        pytest.param("\r\n".join(re.findall(".{1,80}", FLAT)), "", id="wrapped hard, Windows line ends"),
        pytest.param("# OLD = " + FLAT.replace("), (", "),\n#   ("), "OLD", id="only in a comment"),
        pytest.param(FLAT[:-1] + ", extra=__import__('os').getcwd(), score=0.97)", "", id="further fields"),
        pytest.param(re.sub(r"(normal|reduce)(_concat)?=", "", FLAT), "", id="positional"),
    ],
)
def test_every_form_that_people_have_gives_the_same_cells(text: str, name: str) -> None:
    [(found_name, genotype)] = parse_text(text)

    assert found_name == name
    assert genotype.as_json()["normal"] == {"nodes": NORMAL, "concat": [2, 3, 4, 5]}
    assert genotype.reduction.concat == (2, 3, 4, 5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FLAT.replace("('skip_connect', 1)", "('skip_connect', __import__('os').system('touch PWNED'))"), r"line 1: normal, node 0, edge 1.*__import__.*evaluated"),
        (FLAT.replace("0)", "0 if open('x') else 1)", 1), "no plain name or number"),
        (FLAT.replace("range(2, 6)", "range(*[2, 6])"), "normal, concat"),
        (FLAT.replace("range(2, 6)", "list(range(2, 6))"), "normal, concat"),
        (FLAT.replace("range(2, 6)", "range(2, 10000000000)"), "normal, concat: .*too large"),
        (FLAT.replace("range(2, 6)", "range(2, 6, 0)"), "step 0"),
        (FLAT.replace("range(2, 6)", "[2, 3, True]"), "normal, concat: «True»"),
        (FLAT.replace("range(2, 6)", "[2, 3.0]"), "normal, concat: «3.0»"),
        (FLAT.replace("range(2, 6)", f"range(-{10**30}, 6)"), "too large"),
        (FLAT.replace("range(2, 6)", "[" + "2," * 100 + "]"), "100 entries are more than the bound"),
        (FLAT.replace("('dil_conv_5x5', 2)", "('dil_conv_5x5', 5)"), "line 1: normal, node 1, edge 1: predecessor 5"),
        (FLAT.replace("('dil_conv_5x5', 2)", "('dil_conv_5x5', True)"), "normal, node 1, edge 1"),
        (FLAT.replace("('dil_conv_5x5', 2)", "('dil_conv_5x5', 2.0)"), "normal, node 1, edge 1"),
        (FLAT.replace("('dil_conv_5x5', 2)", "(7, 2)"), "normal, node 1, edge 1"),
        (FLAT.replace(", ('avg_pool_3x3', 4)", ""), "normal: 7 edges in a flat list"),
        (FLAT.replace("('sep_conv_3x3', 0),", "[('sep_conv_3x3', 0)],", 1), "mixes"),
        (FLAT.replace("('skip_connect', 1)", "(" * 30 + "'skip_connect'" + ")" * 30), "nest deeper than the bound of 16"),
        (FLAT.replace("0)", "-" * 60_000 + "1)", 1), "not valid|no plain"),
        (FLAT.replace("reduce=", "reduction="), "no «reduce»"),
        (FLAT.replace("normal=[", "normal=[" + "('a_b', 0)," * 2000), "bound"),
        ("Genotype(normal=[" + "('a_b', 0)," * 20_000, "bound"),
        ("Genotype(**everything)", "no «normal»"),
        ("\n\nGenotype(normal=1, normal_concat=2, reduce=3, reduce_concat=4)", "line 3: normal: expected a list"),
        ("x = 5", "no complete"),
        ("Genotype(normal=[", "no complete"),
        (" " * (16 * 2**20 + 1), "bound"),
    ],
)  # fmt: skip
def test_what_is_no_genotype_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(GenotypeError, match=says):
        parse_text(text)


def test_nothing_in_a_text_is_run(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GenotypeError):
        parse_text(FLAT.replace("('skip_connect', 1)", "('skip_connect', open('PWNED', 'w').write('x'))"))

    assert not list(tmp_path.iterdir())


def test_a_log_of_many_half_definitions_is_scanned_in_linear_time() -> None:
    text = "Genotype(normal=[('a', " * 100_000 + "\nA = " + FLAT
    begin = time.perf_counter()

    assert parse_text(text)[-1][0] == "A"
    assert time.perf_counter() - begin < 20  # A quadratic scan takes minutes.


def test_definitions_are_given_in_order_and_comments_only_where_there_is_nothing_else() -> None:
    text = f"# OLD = {FLAT}\nEARLY = {FLAT}\nLATE = {FLAT.replace('sep_conv_5x5', 'none')}\nBEST = LATE\n"

    found = parse_text(text)

    assert [name for name, _ in found] == ["EARLY", "LATE"]
    assert found[1][1].normal.nodes[2][1] == Edge("none", 3)
    assert aliases(text) == {"BEST": "LATE"}


def test_as_text_prints_what_the_darts_repository_holds() -> None:
    # quark0/darts f276dd3, cnn/genotypes.py, DARTS_V2, with its line breaks and its concat lists as printed by the search.
    assert as_text(named("DARTS_V2")) == (
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
        "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), "
        "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
    )


@pytest.mark.parametrize("genotype", named_genotypes(), ids=lambda genotype: genotype.name)
def test_named_cells_survive_the_text(genotype: Genotype) -> None:
    [(_, found)] = parse_text(as_text(genotype))

    assert (found.normal, found.reduction) == (genotype.normal, genotype.reduction)


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
    nodes = draw(st.integers(1, 6))
    edges = tuple(
        tuple(draw(st.lists(st.builds(Edge, names, st.integers(0, node + 1)), min_size=1, max_size=3)))
        for node in range(nodes)
    )
    concat = draw(st.lists(st.integers(0, nodes + 1), min_size=1, unique=True))
    return Cell(edges, tuple(concat))


@settings(deadline=None, max_examples=150)
@given(cells(), cells())
def test_any_cell_survives_the_text(normal: Cell, reduction: Cell) -> None:
    genotype = Genotype(normal, reduction)

    [(_, found)] = parse_text("x = " + as_text(genotype))

    assert (found.normal, found.reduction) == (normal, reduction)


@settings(deadline=None, max_examples=200)
@given(
    st.text(alphabet="Genotype(normal=[]'), 0123#\n\\\"range_concatdus*-{}:;.@", max_size=300),
    st.integers(0, len(FLAT)),
)
def test_noise_gives_a_genotype_or_a_genotype_error(noise: str, place: int) -> None:
    with contextlib.suppress(GenotypeError):
        parse_text(FLAT[:place] + noise + FLAT[place:])
