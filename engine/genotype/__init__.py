"""Genotypes: what they are, how they are read and written, how alphas become one. numpy and networkx only."""

from engine.genotype.genotype import CELL_KINDS, Cell, CellKind, Edge, Genotype, genotype_from_json
from engine.genotype.primitives import DARTS_PRIMITIVES, PrimitiveDeclaration, declaration, is_registered

__all__ = [
    "CELL_KINDS",
    "DARTS_PRIMITIVES",
    "Cell",
    "CellKind",
    "Edge",
    "Genotype",
    "PrimitiveDeclaration",
    "declaration",
    "genotype_from_json",
    "is_registered",
]
