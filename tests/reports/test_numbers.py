"""What the pages count, on drawn genes and against scipy and numpy."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from builder_assets.reports.dataset_numbers import (
    balance_of_splits,
    correlations,
    label_distances,
    numeric_features,
    sampled_rows,
)
from builder_assets.reports.model_numbers import (
    ScoredChromosome,
    length_histogram,
    ranked_genes,
    recall_by_motif,
    score_shape,
)
from resources.table_contract import Column
from tests.reports import drawn


def test_score_shape__every_base_once_and_sites_at_their_score():
    histogram = score_shape([ScoredChromosome(drawn.SCORES, drawn.SITES)]).histogram
    assert histogram.group_by("kind").agg(pl.col("sites", "others").sum()).sort("kind").rows() == [
        ("acceptor", 2, 58), ("donor", 2, 58),
    ]  # fmt: skip
    called = histogram.filter(pl.col("low") > 0.5).select("kind", "sites", "others").rows()
    assert called == [("donor", 2, 1), ("acceptor", 1, 0)]  # 0.9, 0.8 and the call at 110 with 0.7; 0.6


def test_score_shape__profile_is_in_transcription_direction():
    profile = score_shape([ScoredChromosome(drawn.SCORES, drawn.SITES)]).profile
    donor = {row["shift"]: row for row in profile.filter(site="donor", track="donor").iter_rows(named=True)}
    assert donor[0]["mean"] == pytest.approx((0.9 + 0.8) / 2)
    assert donor[5]["mean"] == pytest.approx((0.7 + 0.001) / 2)  # the call five bases downstream on the + gene
    assert donor[-5]["n"] == 0  # beyond both genes' 5' ends
    assert donor[-5]["mean"] is None
    acceptor = profile.filter(site="acceptor", track="acceptor", shift=0)["mean"].item()
    assert acceptor == pytest.approx((0.25 + 0.6) / 2)


def test_length_histogram__counts_each_intron_and_exon_once():
    schema = {"chrom": pl.String, "strand": pl.String, "start": pl.Int64, "end": pl.Int64, "is_gap": pl.Boolean}
    rows = [("1", "+", 10, 109, False), ("1", "+", 10, 109, False), ("1", "+", 10, 12, True)]
    introns = pl.DataFrame(rows, schema=schema, orient="row")
    exons = introns.head(2).with_columns(end=pl.col("start"))
    found = length_histogram(introns, exons).filter(pl.col("count") > 0).select("feature", "low", "high", "count")
    assert found.rows() == [("intron", 100, 146, 1), ("exon", 1, 1, 1)]


def test_recall_by_motif__of_evaluated_sites():
    sites = drawn.SITES.with_columns(motif=pl.when(pl.col("gene_id") == "A").then(pl.lit("XX")).otherwise(pl.lit("YY")))
    columns = ["gene_id", "position", "kind", "strand", "offset", "outcome", "score"]
    calls = pl.DataFrame(drawn.CALLS, schema=columns, orient="row").with_columns(chrom=pl.lit("1"))
    assert recall_by_motif(sites, calls).rows() == [
        ("donor", "XX", 1, 1, 1.0), ("donor", "YY", 1, 1, 1.0),
        ("acceptor", "XX", 1, 0, 0.0), ("acceptor", "YY", 1, 1, 1.0),
    ]  # fmt: skip


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
