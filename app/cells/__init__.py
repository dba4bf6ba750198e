"""Cells as pictures to point at, and the inspector that explains them."""

from app.cells.cell_view import CellView
from app.cells.export import copy_picture, export_genotype
from app.cells.inspector import Inspector

__all__ = ["CellView", "Inspector", "copy_picture", "export_genotype"]
