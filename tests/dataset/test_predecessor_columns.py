import polars as pl
import pytest

from builder_assets.dataset.predecessor_columns import SIDECAR, master_columns
from tests.dataset.stored import ROWS, TOYS

ROWS_7 = ROWS["7"]
MASTER = ROWS_7.select(master_columns(["1mer_A", "1mer_C", "1mer_G", "1mer_T"]))

# Names that their training reads, without those that told the label.
THEIRS = [
    "acceptor_context_diff_ratio",
    "acceptor_is_local_peak",
    "acceptor_score",
    "context_asymmetry",
    "context_max",
    "context_neighbor_mean",
    "context_score_m1",
    "context_score_m2",
    "context_score_p1",
    "context_score_p2",
    "donor_acceptor_diff",
    "donor_acceptor_logodds",
    "donor_acceptor_peak_ratio",
    "donor_diff_m1",
    "donor_peak_height_ratio",
    "donor_second_derivative",
    "donor_signal_strength",
    "donor_surge_ratio",
    "donor_weighted_context",
    "gc_content",
    "gene_end",
    "gene_length",
    "gene_start",
    "neither_score",
    "probability_entropy",
    "relative_donor_probability",
    "score_difference_ratio",
    "sequence_complexity",
    "signal_strength_ratio",
    "splice_neither_diff",
    "splice_neither_logodds",
    "splice_probability",
    "type_signal_difference",
    "gene_id",
    "chrom",
    "strand",
    "position",
    "splice_type",
    "absolute_position",
    "distance_to_start",
    "distance_to_end",
]


def test_master_columns__names_of_the_predecessor():
    assert set(THEIRS) <= set(MASTER.columns)
    assert MASTER.columns[-6:] == ["gc_content", "sequence_complexity", "1mer_A", "1mer_C", "1mer_G", "1mer_T"]
    assert MASTER.columns[:-6] == sorted(MASTER.columns[:-6])


def test_master_columns__no_column_is_empty_for_one_label_only():
    assert MASTER.null_count().sum_horizontal().item() == 0
    assert not set(MASTER.columns) & {"transcript_id", "near_site", "negative_tier", "site_n_transcripts", "label"}


@pytest.mark.parametrize("gene", TOYS["7"].genes, ids=lambda gene: gene.strand)
def test_master_columns__coordinates_on_both_strands(gene):
    rows = MASTER.filter(gene_id=gene.gene_id)
    assert rows["gene_start"].unique().to_list() == [gene.start]
    assert rows["gene_end"].unique().to_list() == [gene.end]
    places = rows.select("absolute_position", "position", "distance_to_start", "distance_to_end")
    for absolute, position, to_start, to_end in places.iter_rows():
        assert absolute == gene.position(position)
        assert (to_start, to_end) == (absolute - gene.start, gene.end - absolute)


def test_master_columns__context_is_the_sum_of_both_tracks():
    gene = TOYS["7"].genes[0]
    rows = MASTER.filter(gene_id=gene.gene_id).head(5)
    expected = [gene.donor.get(p - 1, 0) + gene.acceptor.get(p - 1, 0) for p in rows["position"]]
    assert rows["context_score_m1"].to_list() == pytest.approx(expected, rel=1e-6)


def test_sidecar__tells_split_and_weight_row_for_row():
    assert set(SIDECAR) >= {"split", "fold", "unit", "sample_weight"}
    assert ROWS_7.select(SIDECAR).height == MASTER.height
    assert MASTER.schema["donor_score"] == pl.Float64
