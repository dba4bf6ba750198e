"""Pictures of cells: own layered layout; SVG, PNG, PDF and DOT. Neither torch nor Qt nor the ``dot`` program is needed."""

from engine.draw.layout import Box, Layout, Path, Sizes, cell_layout
from engine.draw.write import FORMATS, Format, draw_genotype, write_drawing

__all__ = ["FORMATS", "Box", "Format", "Layout", "Path", "Sizes", "cell_layout", "draw_genotype", "write_drawing"]
