"""Named genotypes that ship with nascope: published cells with their passports."""

from __future__ import annotations

import importlib.resources
import json
from functools import cache

from engine.errors import GenotypeError
from engine.genotype.genotype import Genotype, genotype_from_json
from engine.genotype.primitives import suggestion

_ORDER = ("NASNet", "AmoebaNet", "DARTS_V1", "DARTS_V2", "PDARTS", "PC_DARTS_cifar", "PC_DARTS_image")


@cache
def named_genotypes() -> tuple[Genotype, ...]:
    """All named genotypes, the papers' own in order of time first.

    ``source`` holds the passport: ``summary``, ``paper``, ``repository``, ``note`` and, where a source gives them,
    ``test_error_percent`` and ``parameters_millions`` (CIFAR-10, 36 channels, 20 cells), ``search_gpu_days``,
    ``imagenet_top1_error_percent``, ``imagenet_top5_error_percent``, ``imagenet_parameters_millions``,
    ``imagenet_mult_adds_millions``, and ``numbers_from``.
    """
    folder = importlib.resources.files("resources") / "genotypes"
    found = {}
    for file in folder.iterdir():
        if file.name.endswith(".json"):
            genotype = genotype_from_json(json.loads(file.read_text(encoding="utf-8")))
            found[genotype.name] = genotype
    first = [name for name in _ORDER if name in found]
    return tuple(found[name] for name in [*first, *sorted(found.keys() - set(first), key=str.lower)])


def genotype_names() -> tuple[str, ...]:
    """Names that ``named`` knows."""
    return tuple(genotype.name for genotype in named_genotypes())


def is_named(name: str) -> bool:
    """Whether a genotype of this name ships with nascope."""
    return name in genotype_names()


def named(name: str) -> Genotype:
    """The named genotype.

    Raises:
        GenotypeError: no such name; the message names a close one.
    """
    for genotype in named_genotypes():
        if genotype.name == name:
            return genotype
    raise GenotypeError(
        f"«{name}» is no named genotype.{suggestion(name, genotype_names())}", mend="(nascope genotypes lists all.)"
    )
