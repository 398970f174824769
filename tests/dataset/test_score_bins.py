import numpy as np
import polars as pl

from builder_assets.dataset.score_bins import eligible_per_bin, score_bin_expr, score_bin_table

EXAMPLES = pl.DataFrame(
    {
        "donor_score": [0.0005, 0.0, 0.6, 0.15, 1.0],
        "acceptor_score": [0.0, 0.0001, 0.1, 0.0, 0.0],
        "label": [1, 0, 1, 0, 0],
        "sample_weight": [1.0, 99.0, 1.0, 1.0, 1.0],
    },
    schema_overrides={"donor_score": pl.Float32, "acceptor_score": pl.Float32, "label": pl.Int8},
)


def test_score_bins__tables_and_arrays_agree_on_the_edges() -> None:
    scores = np.array([0, 0.00099, 0.001, 0.0099, 0.01, 0.1499, 0.15, 0.499, 0.5, 1.0], dtype=np.float32)
    frame = pl.DataFrame({"donor_score": scores, "acceptor_score": np.zeros_like(scores)})
    assert frame.select(score_bin_expr()).to_series().to_list() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert eligible_per_bin(scores, np.zeros_like(scores), np.ones(10, dtype=bool)).tolist() == [2, 2, 2, 2, 2]
    assert eligible_per_bin(scores, np.zeros_like(scores), scores < 0.4).tolist() == [2, 2, 2, 1, 0]


def test_score_bin_table__by_hand() -> None:
    table = score_bin_table([EXAMPLES[:2], EXAMPLES[2:].lazy()], np.array([99, 7, 0, 1, 3]))
    assert table["sites"].to_list() == [1, 0, 0, 0, 1]
    assert table["negatives"].to_list() == [1, 0, 0, 1, 1]
    assert table["p_site"].to_list() == [0.5, None, None, 0.0, 0.5]
    assert table["p_site_weighted"].to_list() == [0.01, None, None, 0.0, 0.5]
    assert table["p_site_genes"].to_list() == [0.01, 0.0, None, 0.0, 0.25]
    assert table["low"].to_list() == [0, 0.001, 0.01, 0.15, 0.5]


def test_score_bin_table__without_eligible_counts_says_nothing_of_genes() -> None:
    table = score_bin_table([EXAMPLES])
    assert table["p_site_genes"].null_count() == 5
    assert table["eligible"].null_count() == 5
    assert score_bin_table([])["sites"].to_list() == [0] * 5
