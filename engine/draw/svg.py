"""A picture as standalone SVG: real text, white background, no scripts, nothing loaded."""

from __future__ import annotations

import hashlib
from xml.sax.saxutils import escape, quoteattr

from engine.draw.picture import Capsule, Line, Picture, Words

FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif"


def svg_text(picture: Picture, *, prefix: str | None = None, background: bool = True) -> str:
    """The SVG document.

    Args:
        prefix: of all ids, so that several pictures fit on one page; made from the picture where it is None.
    """
    prefix = prefix or "cell-" + hashlib.sha256(repr(picture).encode()).hexdigest()[:8]
    width, height = _number(picture.width), _number(picture.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-labelledby="{prefix}-title" font-family="{FONTS}" text-anchor="middle">',
        f'<title id="{prefix}-title">{_text(picture.title)}</title>',
    ]
    if background:
        lines.append(f'<rect width="{width}" height="{height}" fill="#FFFFFF"/>')
    for number, shape in enumerate(picture.shapes):
        match shape:
            case Line():
                lines += _line(shape)
            case Capsule():
                lines.append(_capsule(shape, f"{prefix}-{number}"))
            case Words():
                lines.append(_words(shape))
    return "\n".join([*lines, "</svg>", ""])


def _line(line: Line) -> list[str]:
    start = line.pieces[0][0]
    steps = [f"M{_number(start[0])} {_number(start[1])}"]
    for _, b, c, d in line.pieces:
        steps.append("C" + " ".join(f"{_number(x)} {_number(y)}" for x, y in (b, c, d)))
    dashes = f' stroke-dasharray="{_number(line.width * 3)} {_number(line.width * 2.5)}"' if line.dashed else ""
    found = [
        f'<path d="{"".join(steps)}" fill="none" stroke="{line.colour}" stroke-width="{_number(line.width)}"{dashes}/>'
    ]
    if line.arrow:
        x, y = line.pieces[-1][3]
        long, half = line.width * 3.4, line.width * 1.7
        found.append(
            f'<path d="M{_number(x)} {_number(y)}L{_number(x - long)} {_number(y - half)}'
            f'L{_number(x - long)} {_number(y + half)}Z" fill="{line.colour}"/>'
        )
    return found


def _capsule(capsule: Capsule, identity: str) -> str:
    radius = capsule.height / 2 if capsule.radius is None else capsule.radius
    return (
        f'<rect id="{identity}" x="{_number(capsule.x - capsule.width / 2)}" y="{_number(capsule.y - capsule.height / 2)}" '
        f'width="{_number(capsule.width)}" height="{_number(capsule.height)}" rx="{_number(radius)}" '
        f'fill="{capsule.fill}" stroke="{capsule.outline}"><title>{_text(capsule.title)}</title></rect>'
    )


def _words(words: Words) -> str:
    weight = ' font-weight="bold"' if words.bold else ""
    anchor = "" if words.centred else ' text-anchor="start"'
    # The baseline stands 0.35 em under the middle: dominant-baseline is ignored by many readers.
    return (
        f'<text x="{_number(words.x)}" y="{_number(words.y + words.size * 0.35)}" font-size="{_number(words.size)}" '
        f"fill={quoteattr(words.colour)}{weight}{anchor}>{_text(words.text)}</text>"
    )


def _text(text: str) -> str:
    return escape("".join(letter if letter.isprintable() else "�" for letter in text))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
