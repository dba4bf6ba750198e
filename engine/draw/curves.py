"""Lines between boxes: cubic pieces with horizontal tangents, and whether they touch a box."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Point = tuple[float, float]
Cubic = tuple[Point, Point, Point, Point]
"""Start, two control points, end."""
Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def flat_cubic(start: Point, end: Point) -> Cubic:
    """The piece from one point to another that leaves and arrives horizontally; a straight one on equal heights."""
    reach = (end[0] - start[0]) / 2
    return start, (start[0] + reach, start[1]), (end[0] - reach, end[1]), end


def through(points: Sequence[Point]) -> tuple[Cubic, ...]:
    """Pieces through points from left to right, horizontal at each."""
    return tuple(flat_cubic(a, b) for a, b in itertools.pairwise(points))


def turn_back(start: Point, end: Point, lane: float, reach: float) -> tuple[Cubic, ...]:
    """From a right port to a left port that lies no further right: out, back along the height ``lane``, and in."""
    away, into = start[0] + reach, end[0] - reach
    middle = (away + into) / 2
    swing = reach * 1.1
    first: Cubic = (start, (start[0] + swing, start[1]), (away + swing * 0.2, lane), (middle, lane))
    second: Cubic = ((middle, lane), (into - swing * 0.2, lane), (end[0] - swing, end[1]), end)
    return first, second


def sampled(pieces: Iterable[Cubic], steps: int = 16) -> list[Point]:
    """Points along pieces, ``steps`` a piece and the last end."""
    found: list[Point] = []
    end: Point | None = None
    for piece in pieces:
        found.extend(at(piece, step / steps) for step in range(steps))
        end = piece[3]
    return found if end is None else [*found, end]


def at(piece: Cubic, t: float) -> Point:
    """The point of a piece at ``t`` from 0 to 1."""
    s = 1 - t
    a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = piece
    return a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3


def touches(pieces: Iterable[Cubic], rectangles: Iterable[Rectangle], steps: int = 24) -> bool:
    """Whether pieces enter one of the rectangles (borders not counted)."""
    points = sampled(pieces, steps)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    is_forward = all(a <= b for a, b in itertools.pairwise(xs))
    for left, top, right, bottom in rectangles:
        if right <= low_x or left >= high_x or bottom <= low_y or top >= high_y:
            continue
        first, last = 0, len(points)
        if is_forward:  # Only the part above or below the rectangle can enter it.
            first, last = max(bisect_right(xs, left) - 1, 0), bisect_left(xs, right) + 1
        near = points[first:last]
        if any(_segment_enters(a, b, left, top, right, bottom) for a, b in itertools.pairwise(near)):
            return True
    return False


def _segment_enters(a: Point, b: Point, left: float, top: float, right: float, bottom: float) -> bool:
    """Liang-Barsky: whether a segment has a part strictly inside."""
    (x0, y0), (x1, y1) = a, b
    enter, leave = 0.0, 1.0
    for delta, low, high in ((x1 - x0, left - x0, right - x0), (y1 - y0, top - y0, bottom - y0)):
        if delta == 0:
            if low >= 0 or high <= 0:
                return False
            continue
        first, last = sorted((low / delta, high / delta))
        enter, leave = max(enter, first), min(leave, last)
        if enter >= leave:
            return False
    return True
