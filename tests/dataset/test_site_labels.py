import polars as pl
import pytest

from builder_assets.dataset.gene_tracks import GeneTracks, selected_gene_tracks
from builder_assets.dataset.site_labels import ChromosomeSites
from tests.dataset.toy import ToyChromosome, ToyGene

#     position  1 .. 20;   A + 1..12: donor at 4, acceptor at 9;   B + 5..20: donor at 9 (A's acceptor), donor at 15
#     C - 1..12: donor at 9, on the other strand
TOY = ToyChromosome(
    "ACGT" * 5,
    (
        ToyGene("A", "+", 1, 12, sites=((3, "donor"), (8, "acceptor")), canonical=frozenset({3})),
        ToyGene("B", "+", 5, 20, sites=((4, "donor"), (10, "donor"))),
        ToyGene("C", "-", 1, 12, sites=((3, "donor"),)),
    ),
)


def tracks() -> dict[str, GeneTracks]:
    found = selected_gene_tracks(TOY.selected, TOY.scores, TOY.gene_table, TOY.sequence)
    return {gene.gene_id: gene for gene in found}


def test_chromosome_sites__by_hand() -> None:
    index, genes = ChromosomeSites(TOY.sites, "all"), tracks()
    a, b, c = (index.of_gene(genes[name]) for name in "ABC")
    # base 9 is both kinds on this strand
    assert (a.labelled_offsets.tolist(), a.labels.tolist()) == ([3], [1])
    assert (b.labelled_offsets.tolist(), b.labels.tolist()) == ([10], [1])
    assert a.own_offsets.tolist() == [3, 8]
    assert a.annotated.nonzero()[0].tolist() == [3, 8]
    assert b.annotated.nonzero()[0].tolist() == [4, 10]
    assert (c.labelled_offsets.tolist(), c.labels.tolist()) == ([3], [1])
    assert c.annotated.nonzero()[0].tolist() == [3]


def test_chromosome_sites__chosen_labels_narrow_the_examples_only() -> None:
    found = ChromosomeSites(TOY.sites, "canonical").of_gene(tracks()["B"])
    assert found.labelled_offsets.tolist() == []
    assert found.own_offsets.tolist() == [4, 10]
    assert found.annotated.sum() == 2


def test_chromosome_sites__sites_outside_their_gene() -> None:
    moved = TOY.sites.with_columns(position=pl.when(gene_id="A", kind="donor").then(13).otherwise("position"))
    with pytest.raises(ValueError, match=r"1 of 2 splice sites of gene A lie outside 7:1-12; .* different builds"):
        ChromosomeSites(moved, "all").of_gene(tracks()["A"])
