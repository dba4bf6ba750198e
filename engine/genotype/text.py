"""The papers' Python text of a genotype: found in any text, parsed as literals, never evaluated.

The DARTS code prints ``Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...],
reduce_concat=...)`` into logs, READMEs and ``genotypes.py``; ports nest the pairs node by node. A file from a
stranger is data here: ``ast`` reads it, and anything that is no literal is refused.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Any

from engine.errors import GenotypeError
from engine.genotype.genotype import INPUT_STATES, MAX_EDGES_PER_NODE, MAX_NODES, Cell, Edge, Genotype, edge_from_pair

MAX_TEXT_CHARACTERS = 16 * 2**20
"""A search's log of 600 epochs has about 2 MiB."""
MAX_DEFINITION_CHARACTERS = 65_536
"""Room for 64 nodes; a published cell has about 500."""
MAX_NESTING = 16
MAX_DEFINITIONS = 10_000
MAX_STATES = MAX_NODES + INPUT_STATES

_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_START = re.compile(r"(?<!\w)(?:\w+\.)?Genotype\s*\(")
_NAME_BEFORE = re.compile(r"([A-Za-z_]\w*)\s*(?::\s*[\w.]+\s*)?=\s*['\"]?$")
_ALIAS = re.compile(r"^[ \t]*([A-Za-z_]\w*)[ \t]*=[ \t]*([A-Za-z_]\w*)[ \t]*(?:#.*)?$", re.MULTILINE)
_COMMENT_MARK = re.compile(r"\n[ \t]*#+")
_NUMPY_NUMBERS = frozenset(
    {"int", "int_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intp", "longlong"}
)
_NUMPY_TEXTS = frozenset({"str", "str_"})


@dataclass(frozen=True)
class _Snippet:
    """One ``Genotype(...)`` of a text, with balanced brackets."""

    name: str
    code: str
    line: int
    commented: bool


def parse_text(text: str) -> list[tuple[str, Genotype]]:
    """Every genotype that is written out in a text, in order.

    A definition on a commented-out line counts only where the text has no other. Names repeat where the text repeats
    them (a log prints ``genotype = ...`` every epoch).

    Returns:
        ``(name, genotype)``: the name it is assigned to, empty where it stands alone.

    Raises:
        GenotypeError: the text is too large, holds no genotype, or one that is no literal or no valid cell; the
            sentence begins with its line. The caller adds the name of the file.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        raise GenotypeError(
            f"the text has {len(text)} characters, more than the bound of {MAX_TEXT_CHARACTERS}.",
            mend="Cut out the genotype and give that.",
        )
    snippets, cut_off = _snippets(text)
    if len(snippets) > MAX_DEFINITIONS:
        raise GenotypeError(f"{len(snippets)} genotypes are more than the bound of {MAX_DEFINITIONS}.")
    active = [snippet for snippet in snippets if not snippet.commented] or snippets
    if not active and cut_off is not None:
        raise GenotypeError(
            f"line {cut_off}: the genotype does not close within {MAX_DEFINITION_CHARACTERS} characters, the bound.",
            mend="Close its brackets, or give genotype JSON.",
        )
    if not active:
        raise GenotypeError("no complete «Genotype(normal=[...], normal_concat=..., reduce=[...], reduce_concat=...)» in it.",
                            mend="Give genotype JSON, or the text that the DARTS code prints.")  # fmt: skip
    return [(snippet.name, _genotype(snippet)) for snippet in active]


def aliases(text: str) -> dict[str, str]:
    """Second names: ``DARTS = DARTS_V2`` as ``{"DARTS": "DARTS_V2"}``."""
    return dict(_ALIAS.findall(text))


def as_text(genotype: Genotype) -> str:
    """The papers' form in one line; nested per node only where nodes do not all have two edges."""
    cells = (genotype.normal, genotype.reduction)
    flat = all(len(edges) == 2 for cell in cells for edges in cell.nodes)
    (normal, normal_concat), (reduce, reduce_concat) = ((_edges_text(cell, flat), _concat_text(cell)) for cell in cells)
    return f"Genotype(normal={normal}, normal_concat={normal_concat}, reduce={reduce}, reduce_concat={reduce_concat})"


def _edges_text(cell: Cell, flat: bool) -> str:
    nodes = [", ".join(f"({edge.primitive!r}, {edge.source})" for edge in edges) for edges in cell.nodes]
    return "[" + ", ".join(nodes if flat else [f"[{node}]" for node in nodes]) + "]"


def _concat_text(cell: Cell) -> str:
    states = cell.concat
    if states == tuple(range(states[0], states[0] + len(states))):
        return f"range({states[0]}, {states[-1] + 1})"
    return str(list(states))


def _snippets(text: str) -> tuple[list[_Snippet], int | None]:
    """Every complete ``Genotype(...)``, and the line of the first that is longer than the bound."""
    starts = list(_START.finditer(text))
    found: list[_Snippet] = []
    cut_off = None
    line, counted = 1, 0
    for number, start in enumerate(starts):
        line += text.count("\n", counted, start.start())
        counted = start.start()
        # Only the end of the line is looked at: some logs are one endless line.
        line_begin = max(text.rfind("\n", 0, start.start()) + 1, start.start() - 300)
        before = text[line_begin : start.start()]
        if before.split()[-1:] == ["class"]:
            continue
        commented = before.lstrip().startswith("#")
        # Genotypes do not nest, so half a definition ends at the latest where the next begins; the scan stays linear.
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        rest = text[start.end() : min(end, start.end() + MAX_DEFINITION_CHARACTERS)]
        if commented:
            rest = _COMMENT_MARK.sub("\n", rest)
        inner = _balanced(rest, line)
        if inner is None:
            inner = _balanced(_joined(rest), line)
        if inner is not None:
            name = _NAME_BEFORE.search(before)
            found.append(_Snippet(name.group(1) if name else "", f"Genotype({inner})", line, commented))
        elif cut_off is None and end - start.end() > MAX_DEFINITION_CHARACTERS:
            cut_off = line
    return found, cut_off


def _joined(text: str) -> str:
    """The text without line ends: a terminal that wraps hard breaks even inside a name."""
    return text.replace("\r", "").replace("\n", "")


def _balanced(text: str, line: int) -> str | None:
    """What stands before the bracket that closes ``Genotype(``; None where it does not close or a string breaks off."""
    depth, quote, escaped = 1, "", False
    for place, character in enumerate(text):
        if quote:
            if character == "\n":
                return None
            if character == quote and not escaped:
                quote = ""
            escaped = character == "\\" and not escaped
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
            if depth > MAX_NESTING:
                raise GenotypeError(f"line {line}: brackets nest deeper than the bound of {MAX_NESTING}.")
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return text[:place]
    return None


def _genotype(snippet: _Snippet) -> Genotype:
    where = f"line {snippet.line}"
    expression = _parsed(snippet.code) or _parsed(_joined(snippet.code))
    if expression is None:
        raise GenotypeError(f"{where}: the genotype is not valid Python text.", mend="Mend it, or give genotype JSON.")
    if not isinstance(expression, ast.Call):
        raise GenotypeError(f"{where}: expected Genotype(...).")
    values: dict[str, ast.expr] = dict(zip(_FIELDS, expression.args, strict=False))
    values |= {keyword.arg: keyword.value for keyword in expression.keywords if keyword.arg in _FIELDS}
    missing = [field for field in _FIELDS if field not in values]
    if missing:
        raise GenotypeError(
            f"{where}: the genotype has no {', no '.join(f'«{field}»' for field in missing)}.",
            mend=f"It needs {', '.join(_FIELDS)}.",
        )
    try:
        return Genotype(
            Cell(_nodes(values["normal"], "normal"), _concat(values["normal_concat"], "normal")),
            Cell(_nodes(values["reduce"], "reduction"), _concat(values["reduce_concat"], "reduction")),
            name=snippet.name,
        )
    except GenotypeError as error:
        raise GenotypeError(f"{where}: {error.what}", mend=error.mend) from None


def _parsed(code: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Odd escapes and calls of literals: what matters of it is refused below.
            return ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _nodes(expression: ast.expr, kind: str) -> tuple[tuple[Edge, ...], ...]:
    """Nodes from a flat list of pairs, two a node, or from a list of lists of pairs."""
    bound = 2 * MAX_NODES
    entries = _items(expression, kind, bound, "('primitive', predecessor) pairs")
    flat = [_is_pair(entry) for entry in entries]
    if all(flat):
        if len(entries) % 2:
            raise GenotypeError(
                f"{kind}: {len(entries)} edges in a flat list do not make nodes of two edges.",
                mend="Nest the list: one list of pairs a node.",
            )
        groups = [entries[place : place + 2] for place in range(0, len(entries), 2)]
    elif not any(flat):
        groups = [
            _items(entry, f"{kind}, node {node}", MAX_EDGES_PER_NODE, "pairs") for node, entry in enumerate(entries)
        ]
    else:
        raise GenotypeError(f"{kind}: the list mixes pairs and lists of pairs.", mend="Write it flat, or nested.")
    return tuple(
        tuple(_edge(entry, f"{kind}, node {node}, edge {place}") for place, entry in enumerate(group))
        for node, group in enumerate(groups)
    )


def _is_pair(expression: ast.expr) -> bool:
    """Whether it looks like ``('name', index)`` rather than a list of those."""
    return not isinstance(expression, ast.List | ast.Tuple) or (
        bool(expression.elts) and not isinstance(expression.elts[0], ast.List | ast.Tuple)
    )


def _edge(expression: ast.expr, place: str) -> Edge:
    return edge_from_pair(
        [_literal(entry, place) for entry in _items(expression, place, 8, "a name and a number")], place
    )


def _concat(expression: ast.expr, kind: str) -> tuple[int, ...]:
    place = f"{kind}, concat"
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name) and expression.func.id == "range":
        bounds = [_literal(argument, place) for argument in expression.args]
        if expression.keywords or not 1 <= len(bounds) <= 3 or not all(isinstance(bound, int) for bound in bounds):
            raise GenotypeError(f"{place}: expected range(first, end), found {_source(expression)}.")
        states = _range(bounds)
        if states is None:
            raise GenotypeError(
                f"{place}: {_source(expression)} is too large, or has step 0 (bound: {MAX_STATES} states)."
            )
        return states
    found = [_literal(entry, place) for entry in _items(expression, place, MAX_STATES, "state indices")]
    if not all(isinstance(state, int) for state in found):
        raise GenotypeError(f"{place}: expected state indices, found {_source(expression)}.")
    return tuple(found)


def _range(bounds: list[int]) -> tuple[int, ...] | None:
    if any(abs(bound) > MAX_STATES for bound in bounds) or bounds[2:] == [0]:
        return None
    return tuple(range(*bounds))


def _items(expression: ast.expr, place: str, bound: int, wanted: str) -> list[ast.expr]:
    if not isinstance(expression, ast.List | ast.Tuple):
        raise GenotypeError(f"{place}: expected a list of {wanted}, found {_source(expression)}.")
    if len(expression.elts) > bound:
        raise GenotypeError(f"{place}: {len(expression.elts)} entries are more than the bound of {bound}.")
    return expression.elts


def _literal(expression: ast.expr, place: str) -> Any:
    """A text or a whole number, bare or in numpy's wrapper (``np.int64(2)``, as numpy 2 prints them)."""
    if isinstance(expression, ast.Constant) and type(expression.value) in (str, int):
        return expression.value
    if isinstance(expression, ast.UnaryOp) and isinstance(expression.op, ast.USub):
        operand = expression.operand
        if isinstance(operand, ast.Constant) and type(operand.value) is int:
            return -operand.value
    if isinstance(expression, ast.Call) and len(expression.args) == 1 and not expression.keywords:
        wrapper = _numpy_name(expression.func)
        inner = expression.args[0]
        if isinstance(inner, ast.Constant) and (
            (wrapper in _NUMPY_NUMBERS and type(inner.value) is int)
            or (wrapper in _NUMPY_TEXTS and type(inner.value) is str)
        ):
            return inner.value
    raise GenotypeError(
        f"{place}: {_source(expression)} is no plain name or number.",
        mend="Nothing is evaluated: write the value itself.",
    )


def _numpy_name(function: ast.expr) -> str:
    """``int64`` of ``int64``, ``np.int64`` and ``numpy.int64``."""
    if isinstance(function, ast.Name):
        return function.id
    if (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in ("np", "numpy")
    ):
        return function.attr
    return ""


def _source(expression: ast.expr) -> str:
    """The expression as text, cut short, for messages."""
    try:
        text = ast.unparse(expression)
    except (RecursionError, ValueError):
        text = type(expression).__name__
    return f"«{text[:80]}…»" if len(text) > 80 else f"«{text}»"
