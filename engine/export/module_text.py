"""What every exported module says in the same words: of its data, and text that is safe in a source."""

from __future__ import annotations

from engine.export.source import ExportedNetwork

WIDTH = 118
"""Of a line of the file, in letters."""


def lines_of_data(source: ExportedNetwork) -> list[str]:
    """Constants: size and colours of the images, their normalization and names of classes where they are known."""
    lines = [f"IMAGE_CHANNELS, IMAGE_SIZE = {source.image_channels}, {source.image_size}"]
    if source.normalization is not None:
        mean, std = source.normalization
        lines += [
            "", "# Of pixels scaled to 0..1: (pixel - MEAN) / STD.", f"MEAN = {tuple(mean)!r}", f"STD = {tuple(std)!r}",
        ]  # fmt: skip
    if source.class_names:
        names = _filled([f"{name!r}," for name in source.class_names], WIDTH - 4)
        lines += ["", "# In the order of the logits.", "CLASS_NAMES = (", *(f"    {line}" for line in names), ")"]
    return lines


def one_line(text: str) -> str:
    """Without line breaks and double blanks."""
    return " ".join(text.split())


def in_docstring(text: str) -> str:
    """Text that ends no docstring and escapes nothing, whoever named the run or the data."""
    plain = text.replace("\\", "/").replace('"', "'")
    # Bytes that are no UTF-8, as a folder's name can have them, and control characters have no place in a source.
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in plain)


def joined(pieces: list[str]) -> str:
    """Definitions with two empty lines between them."""
    return "\n\n".join(piece.strip("\n") + "\n" for piece in pieces)


def _filled(pieces: list[str], width: int) -> list[str]:
    """Lines of whole pieces: blanks within a piece are part of a name, and stay."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines
