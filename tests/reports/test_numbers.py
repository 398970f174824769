"""What the pages count, on drawn genes and against scipy and numpy."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from builder_assets.reports.dataset_numbers import (
    balance_of_splits,
    clustered_order,
    correlations,
    histogram_edges,
    label_distances,
    label_histograms,
    numeric_features,
    sampled_rows,
    with_copies,
)
from builder_assets.reports.model_numbers import length_histogram, ranked_genes
from builder_assets.reports.model_page import seen_in_training
from resources.table_contract import Column


def test_length_histogram__counts_each_intron_and_exon_once():
    schema = {"chrom": pl.String, "strand": pl.String, "start": pl.Int64, "end": pl.Int64, "is_gap": pl.Boolean}
    rows = [("1", "+", 10, 109, False), ("1", "+", 10, 109, False), ("1", "+", 10, 12, True)]
    introns = pl.DataFrame(rows, schema=schema, orient="row")
    exons = introns.head(2).with_columns(end=pl.col("start"))
    found = length_histogram(introns, exons).filter(pl.col("count") > 0).select("feature", "low", "high", "count")
    assert found.rows() == [("intron", 100, 146, 1), ("exon", 1, 1, 1)]


def test_ranked_genes__worst_first_and_only_with_enough_sites():
    counts = {"A": (4, 1, 1, 3), "B": (4, 4, 0, 0), "C": (3, 0, 0, 3), "D": (8, 2, 2, 6)}
    rows = [("1", gene, *values, 0) for gene, values in counts.items()]
    performance = pl.DataFrame(rows, schema=["chrom", "gene_id", "n_sites", "tp", "fp", "fn", "xp"], orient="row")
    genes = pl.DataFrame({"chrom": ["1"] * 4, "gene_id": list(counts)}).with_columns(
        gene_name=None, gene_type=None, length=9
    )
    found = ranked_genes(performance, genes)
    assert found.select("gene_id", "f1").rows() == [  # A and D alike in F1: the one with more errors first
        ("D", pytest.approx(1 / 3)), ("A", pytest.approx(1 / 3)), ("B", 1.0),
    ]  # fmt: skip


def test_seen_in_training__says_that_numbers_flatter_where_they_do():
    def says(*seen):
        rows = [("1", f"G{i}", kind, flag) for i, flag in enumerate(seen) for kind in ("donor", "acceptor")]
        return seen_in_training(
            pl.DataFrame(rows, schema=["chrom", "gene_id", "kind", "base_model_seen"], orient="row")
        )

    flatter = "genes lie on chromosomes that the base model was trained on: numbers over all chromosomes flatter it."
    assert says(True, True) == [f"All 2 {flatter}"]
    assert says(True, False, False) == [f"1 of 3 {flatter} Rows `unseen` leave them out."]
    assert says(False) == []


def test_balance_of_splits__chromosomes_stand_in_the_order_of_the_settings():
    manifest = pl.DataFrame({"chrom": ["X", "2", "X"], "split": ["train", "test", "test"], "n_rows": [5, 3, 2]})
    balance = balance_of_splits(manifest, ["2", "10", "X"])
    assert balance.columns == ["chromosome", "train", "test"]
    assert balance.rows() == [("2", 0, 3), ("10", 0, 0), ("X", 5, 2)]


def test_label_distances__are_those_of_scipy():
    rng = np.random.default_rng(0)
    values = pl.DataFrame({"near": rng.normal(size=200), "far": np.r_[rng.normal(3, 1, 80), rng.normal(0, 1, 120)]})
    values = values.with_columns(splice_type=pl.Series(["donor"] * 80 + ["neither"] * 120))
    values = values.with_columns(holed=pl.when(pl.int_range(200) % 3 > 0).then("far"), empty=pl.lit(None, pl.Float32))
    found = dict(label_distances(values, ["near", "far", "holed", "empty"]).iter_rows())
    for name in ("near", "far", "holed"):
        site = values.filter(pl.col("splice_type") == "donor")[name].drop_nulls()
        other = values.filter(pl.col("splice_type") == "neither")[name].drop_nulls()
        assert found[name] == pytest.approx(ks_2samp(site, other).statistic)
    assert "empty" not in found


def test_correlations__leave_out_constants():
    values = pl.DataFrame({"a": [1.0, 2.0, None, 3.0], "b": [-1, -2, -2, -3], "c": [7, 7, 7, 7]})
    kept, matrix = correlations(values, ["a", "b", "c"])
    assert kept == ["a", "b"]
    np.testing.assert_allclose(matrix, [[1, -1], [-1, 1]])
    assert correlations(values, ["c"])[0] == []


def test_with_copies__one_feature_stands_for_those_that_follow_it():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=300), rng.normal(size=300)
    values = pl.DataFrame({
        "first": first, "turned": -first + 0.01 * second, "in_ranks": np.exp(9 * first), "second": second,
        "between": first + second, "constant": np.ones(300),
    })  # fmt: skip
    named = ["first", "in_ranks", "between", "turned", "second", "constant"]
    distances = pl.DataFrame({"feature": named, "distance": [0.9, 0.8, 0.7, 0.6, 0.5, 0.0]})
    assert dict(with_copies(distances, values).select("feature", "copy_of").iter_rows()) == {
        "first": None, "in_ranks": "first", "between": None, "turned": "first", "second": None, "constant": None,
    }  # fmt: skip


def test_clustered_order__puts_together_what_correlates():
    matrix = np.array([[1, 0, -0.9, 0], [0, 1, 0, 0.8], [-0.9, 0, 1, 0], [0, 0.8, 0, 1]])
    order = clustered_order(matrix)
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    assert clustered_order(np.zeros((0, 0))) == []
    assert clustered_order(np.eye(2)) == [0, 1]


def test_label_histograms__count_every_known_row_of_each_label_once():
    values = pl.DataFrame({
        "splice_type": ["donor", "donor", "acceptor", "neither", "neither"],
        "is_gt": [True, True, False, False, None],
        "score": [0.9, 0.7, 0.2, float("nan"), 0.0],
    })  # fmt: skip
    found = label_histograms(values, ["is_gt", "score"])
    motif = found.filter(feature="is_gt").select("label", "low", "high", "rows", "share").rows()
    assert motif == [
        ("neither", -0.5, 0.5, 1, 1.0), ("neither", 0.5, 1.5, 0, 0.0), ("acceptor", -0.5, 0.5, 1, 1.0),
        ("acceptor", 0.5, 1.5, 0, 0.0), ("donor", -0.5, 0.5, 0, 0.0), ("donor", 0.5, 1.5, 2, 1.0),
    ]  # fmt: skip
    totals = found.filter(feature="score").group_by("label").agg(pl.col("rows", "share").sum()).sort("label").rows()
    assert totals == [("acceptor", 1, 1.0), ("donor", 2, 1.0), ("neither", 1, 1.0)]


def test_histogram_edges__are_even_unless_values_crowd_at_0():
    spread, width = histogram_edges(np.linspace(-3, 3, 1000), is_whole=False)
    assert width is None
    np.testing.assert_allclose(np.diff(spread), np.diff(spread)[0])
    crowded = np.r_[np.logspace(-6, -2, 900), np.full(100, 1.0)]  # probabilities: most of them nearly 0
    edges, width = histogram_edges(crowded, is_whole=False)
    assert width == pytest.approx(1e-5)  # a quarter of them lie below 10^-4.9
    np.testing.assert_allclose(np.diff(np.arcsinh(edges / width)), np.diff(np.arcsinh(edges / width))[0])
    assert np.histogram(crowded, edges)[0].max() <= 0.25 * len(crowded)  # even bins: 900
    assert histogram_edges(1 - crowded, is_whole=False)[1] is None  # they crowd at 1


def test_histogram_edges__of_few_or_equal_values():
    assert histogram_edges(np.zeros(0), is_whole=False)[0].tolist()[::30] == [0.0, 1.0]
    assert histogram_edges(np.full(5, 7.0), is_whole=False)[0].tolist() == [6.5, 7.5]
    assert histogram_edges(np.array([2.0, 4.0, 4.0]), is_whole=True)[0].tolist() == [1.5, 2.5, 3.5, 4.5]
    rare, width = histogram_edges(np.r_[np.zeros(9999), 3.0], is_whole=False)  # one value in ten thousand
    assert (rare[0], rare[-1], width) == (0.0, pytest.approx(3.0), 1.0)


def test_sampled_rows__are_spread_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr("builder_assets.reports.dataset_numbers.SAMPLE_ROWS", 4)
    for part in range(2):
        pl.DataFrame({"x": np.arange(5) + 5 * part}).write_parquet(tmp_path / f"{part}.parquet")
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    assert sampled_rows(paths, ["x"])["x"].to_list() == [0, 3, 6, 9]


def test_numeric_features__without_kmers_and_texts():
    columns = [
        Column(name=name, dtype=dtype, description="", role=role)
        for name, dtype, role in (("a", "float32", "feature"), ("1mer_A", "uint16", "feature"),
                                  ("w", "string", "feature"), ("n", "int32", "leakage"))
    ]  # fmt: skip
    assert numeric_features(columns, [1]) == ["a"]
