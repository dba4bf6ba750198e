"""Named cells: what ships is what was published."""

from __future__ import annotations

import pytest

from engine.errors import GenotypeError
from engine.genotype.graph import loose_nodes
from engine.genotype.named import genotype_names, is_named, named, named_genotypes

# Copied from the repositories' genotypes.py: quark0/darts f276dd3 and yuhuixu1993/PC-DARTS b74702f.
PUBLISHED_NORMAL = {
    "DARTS_V1": "sep_conv_3x3 1 sep_conv_3x3 0 | skip_connect 0 sep_conv_3x3 1 | skip_connect 0 sep_conv_3x3 1 | sep_conv_3x3 0 skip_connect 2",
    "DARTS_V2": "sep_conv_3x3 0 sep_conv_3x3 1 | sep_conv_3x3 0 sep_conv_3x3 1 | sep_conv_3x3 1 skip_connect 0 | skip_connect 0 dil_conv_3x3 2",
    "PC_DARTS_cifar": "sep_conv_3x3 1 skip_connect 0 | sep_conv_3x3 0 dil_conv_3x3 1 | sep_conv_5x5 0 sep_conv_3x3 1 | avg_pool_3x3 0 dil_conv_3x3 1",
    "PC_DARTS_image": "skip_connect 1 sep_conv_3x3 0 | sep_conv_3x3 0 skip_connect 1 | sep_conv_3x3 1 sep_conv_3x3 3 | sep_conv_3x3 1 dil_conv_5x5 4",
}


@pytest.mark.parametrize("name", PUBLISHED_NORMAL)
def test_published_cells_are_as_published(name: str) -> None:
    nodes = named(name).normal.nodes
    assert (
        " | ".join(" ".join(f"{edge.primitive} {edge.source}" for edge in node) for node in nodes)
        == PUBLISHED_NORMAL[name]
    )


def test_every_cell_says_where_it_comes_from() -> None:
    assert len(named_genotypes()) == 10
    for genotype in named_genotypes():
        assert {"summary", "paper", "repository", "note"} <= set(genotype.source), genotype.name
        assert is_named(genotype.name)
        assert not loose_nodes(genotype.normal)
        assert not loose_nodes(genotype.reduction)


def test_published_errors_are_the_readmes() -> None:
    errors = {genotype.name: genotype.source.get("test_error_percent") for genotype in named_genotypes()}
    assert {name: error for name, error in errors.items() if error is not None} == {
        "DARTS_V1": 3.0,
        "DARTS_V2": 2.76,
        "PC_DARTS_cifar": 2.57,
    }


def test_the_unnamed_cell_of_a_repository_claims_nothing() -> None:
    source = named("BETA_DARTS_repo_genotype").source
    assert "test_error_percent" not in source
    assert "Nothing in the repository says" in source["note"]


def test_published_cells_use_their_candidates() -> None:
    for genotype in named_genotypes():
        if genotype.primitives:
            assert set(genotype.used_primitives()) <= set(genotype.primitives), genotype.name


def test_an_unknown_name_gets_a_suggestion() -> None:
    assert genotype_names()[:2] == ("NASNet", "AmoebaNet")
    with pytest.raises(GenotypeError, match="Did you mean NASNet"):
        named("nasnet-a")
