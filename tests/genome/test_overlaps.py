import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets.genome.overlaps import OverlapError, check_symmetric, gene_overlaps_from_genes, overlapping_pairs
from builder_assets.tables import GENE_OVERLAPS

SCHEMA = {"chrom": pl.String, "gene_id": pl.String, "strand": pl.String, "start": pl.Int64, "end": pl.Int64}


def genes(*rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


#   A  ==========        C touches neither: B ends at 20, C starts at 21
#   B       <<<<<<<<<<
#   C                 ====
DRAWN = genes(("1", "A", "+", 1, 15), ("1", "B", "-", 10, 20), ("1", "C", "+", 21, 30), ("2", "D", "+", 1, 30))


def test_gene_overlaps__zeros_kept_and_nothing_doubled():
    overlaps = gene_overlaps_from_genes(DRAWN)
    GENE_OVERLAPS.check(overlaps)
    assert overlaps.rows() == [
        ("1", "A", 0, 1, ["B"]),
        ("1", "B", 0, 1, ["A"]),
        ("1", "C", 0, 0, []),
        ("2", "D", 0, 0, []),
    ]
    check_symmetric(overlaps)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("12"), st.sampled_from("+-"), st.integers(1, 50), st.integers(0, 30)), max_size=12
    )
)
def test_overlapping_pairs__are_those_of_every_pair_compared(spans):
    rows = [(chrom, f"G{i:02}", strand, start, start + more) for i, (chrom, strand, start, more) in enumerate(spans)]
    expected = {
        (frozenset((a[1], b[1])), a[2] == b[2])
        for i, a in enumerate(rows)
        for b in rows[:i]
        if a[0] == b[0] and a[3] <= b[4] and b[3] <= a[4]
    }
    pairs = overlapping_pairs(genes(*rows))
    found = [(frozenset((a, b)), same) for _, a, b, same in pairs.iter_rows()]
    assert len(found) == len(set(found))
    assert set(found) == expected
    check_symmetric(gene_overlaps_from_genes(genes(*rows)))


def test_check_symmetric__refuses():
    overlaps = gene_overlaps_from_genes(DRAWN)
    single = overlaps.with_columns(
        overlapping_gene_ids=pl.when(pl.col("gene_id") == "B").then([]).otherwise("overlapping_gene_ids")
    )
    with pytest.raises(
        OverlapError, match="1 of 1 overlaps on chromosome 1 are listed by one gene only, first A with B"
    ):
        check_symmetric(single)
    with pytest.raises(OverlapError, match="2 genes count other overlaps than they list, first A"):
        check_symmetric(overlaps.with_columns(pl.col("n_overlaps_any") * 2))
