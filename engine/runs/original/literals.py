"""Literals that a log prints over several lines: where they end, and the values of an argument list. Nothing is evaluated."""

from __future__ import annotations

import ast
import math

Literal = None | bool | int | float | str

MAX_ARGUMENTS = 500
_LONGEST = 4096


class Balance:
    """Counts brackets over lines, strings left out."""

    def __init__(self) -> None:
        self._depth, self._quote, self._opened = 0, "", False

    def closes(self, line: str) -> bool:
        """Whether every bracket is closed at or within this line."""
        for character in line:
            if self._quote:
                self._quote = "" if character == self._quote else self._quote
            elif character in "'\"":
                self._quote = character
            elif character in "([{":
                self._depth, self._opened = self._depth + 1, True
            elif character in ")]}":
                self._depth -= 1
                if self._opened and self._depth <= 0:
                    return True
        return False


def parse_namespace(text: str) -> dict[str, Literal] | None:
    """The plain values of a printed ``Namespace(...)``; None where it is none.

    What JSON has no word for (bytes, complex and infinite numbers, calls) is left out, as is all behind the first
    ``MAX_ARGUMENTS``; texts are cut.
    """
    begin = text.find("Namespace")
    try:
        expression = ast.parse(text[begin : text.rindex(")") + 1].replace("\n", ""), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(expression, ast.Call):
        return None
    found: dict[str, Literal] = {}
    for keyword in expression.keywords[:MAX_ARGUMENTS]:
        node, is_negative = keyword.value, False
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            node, is_negative = node.operand, True
        if keyword.arg is None or not isinstance(node, ast.Constant):
            continue
        value = node.value
        if is_negative:
            if isinstance(value, int | float) and math.isfinite(value):
                found[keyword.arg] = -value
        elif isinstance(value, str):
            # A lone half of a surrogate pair can stand in a literal, and in no file.
            found[keyword.arg] = value[:_LONGEST].encode("utf-8", "replace").decode("utf-8")
        elif value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            found[keyword.arg] = value
    return found
