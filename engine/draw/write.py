"""A genotype to a picture in a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

from engine.draw.dot import dot_bytes, dot_text
from engine.draw.picture import genotype_picture
from engine.draw.svg import svg_text
from engine.draw.text_width import helvetica_width
from engine.errors import DrawError
from engine.genotype.genotype import CELL_KINDS, CellKind, Genotype

Format = Literal["svg", "png", "pdf", "dot"]
Engine = Literal["own", "dot"]
FORMATS: tuple[Format, ...] = get_args(Format)
OPERATIONS_LIMIT = 600
"""A cell with more operations is no picture any more, and its layout takes minutes."""


def draw_genotype(
    genotype: Genotype, format: Format, *, kinds: Sequence[CellKind] = CELL_KINDS, engine: Engine = "own"
) -> bytes:
    """The picture of a genotype's cells as the bytes of a file.

    Args:
        kinds: which cells, from the top.
        engine: ``own`` needs nothing; ``dot`` asks the Graphviz program for its layout.

    Raises:
        DrawError: an unknown format or kind, a cell too large to draw, or ``dot`` asked for and not there.
    """
    if format not in FORMATS:
        raise DrawError(f"«{format}» is no picture format.", mend=f"Choose one of {', '.join(FORMATS)}.")
    if not kinds or any(kind not in CELL_KINDS for kind in kinds):
        raise DrawError(f"no cells to draw in {list(kinds)}.", mend=f"Choose from {', '.join(CELL_KINDS)}.")
    for kind in kinds:
        count = sum(1 for _ in genotype.cell(kind).edges())
        if count > OPERATIONS_LIMIT and format != "dot":
            raise DrawError(f"the {kind} cell has {count} operations; at most {OPERATIONS_LIMIT} make a picture.",
                            mend="Write it as DOT instead.")  # fmt: skip
    if format == "dot":
        return dot_text(genotype, kinds).encode()
    if engine == "dot":
        return dot_bytes(dot_text(genotype, kinds), format)
    if format == "svg":
        return svg_text(genotype_picture(genotype, kinds, helvetica_width)).encode()
    from engine.draw.figure import figure_bytes, measure

    return figure_bytes(genotype_picture(genotype, kinds, measure()), format)


def drawing_format(path: Path) -> Format:
    """The format that a file's ending asks for; ``.gv`` is DOT too.

    Raises:
        DrawError: the ending is none of ours.
    """
    ending = path.suffix.lower().lstrip(".")
    for format in FORMATS:
        if ending == format:
            return format
    if ending == "gv":
        return "dot"
    found = f"«.{ending}» is no picture format" if ending else "the name has no ending to choose a format by"
    raise DrawError(f"{found}.", where=str(path), mend=f"Use .{', .'.join(FORMATS[:-1])} or .{FORMATS[-1]}.")


def write_drawing(
    genotype: Genotype, path: Path, kinds: Sequence[CellKind] = CELL_KINDS, *, engine: Engine = "own"
) -> None:
    """Write the picture to ``path``, in the format of its ending; an old file is replaced in one go.

    Raises:
        DrawError: an ending that is no format, a folder that is not there, or a file that cannot be written.
    """
    format = drawing_format(path)
    write_bytes(path, lambda: draw_genotype(genotype, format, kinds=kinds, engine=engine))


def write_bytes(path: Path, draw: Callable[[], bytes]) -> None:
    """Write what ``draw`` gives, which is asked only where the file can go; an old file is replaced in one go.

    Raises:
        DrawError: a folder that is not there, or a file that cannot be written.
    """
    if not path.parent.is_dir():
        raise DrawError(
            f"the folder {path.parent} does not exist.", where=str(path), mend="Make it first, or choose another."
        )
    if path.is_dir():
        raise DrawError("this is a folder.", where=str(path), mend="Name a file.")
    content = draw()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DrawError(f"the file cannot be written: {error.strerror or error}.", where=str(path)) from error
