import polars as pl
import pytest

from builder_assets import tables
from builder_assets.base_model.report_tables import (
    gene_mean_table,
    gene_type_table,
    motif_table,
    peak_shifts,
    pooled_table,
    precision_recall,
    score_histogram,
    score_profile,
)

VALUES = pl.DataFrame(
    [
        (scope, "all", kind, metric, value)
        for scope in ("unseen", "seen", "all", "gene_type=lncRNA")
        for kind in ("donor", "both")
        for metric, value in (("n_sites", 8.0), ("tp", 6.0), ("recall", 0.75), ("n_genes", 3.0), ("mean_f1", 0.5))
    ],
    schema=["scope", "labels", "kind", "metric", "value"],
    orient="row",
)


def test_pooled_table__one_row_per_set_in_order():
    table = pooled_table(VALUES)
    sets = [(scope, kind) for scope in ("all", "seen", "unseen") for kind in ("both", "donor")]
    assert table.select("scope", "kind").rows() == sets
    assert table.row(0, named=True) | {"n_sites": 8, "tp": 6, "recall": 0.75, "fp": None} == table.row(0, named=True)
    assert table.schema["tp"] == pl.Int64


def test_gene_mean_table__means_only():
    assert gene_mean_table(VALUES).select("n_genes", "mean_f1", "mean_recall").row(0) == (3, 0.5, None)
    assert "tp" not in gene_mean_table(VALUES).columns


@pytest.mark.parametrize("absent", ["seen", "unseen"])
def test_tables__seen_alone_says_no_more_than_all(absent):
    values = VALUES.with_columns(value=pl.when(pl.col("scope") == absent).then(0.0).otherwise("value"))
    assert pooled_table(values)["scope"].to_list() == ["all", "all"]
    assert gene_mean_table(values)["scope"].to_list() == ["all", "all"]


def test_gene_type_table__both_kinds_by_type():
    assert gene_type_table(VALUES).select("gene type", "labels", "n_genes", "tp").rows() == [("lncRNA", "all", 3, 6)]


def report(*rows: tuple) -> pl.DataFrame:
    return tables.MODEL_REPORT.conform(pl.DataFrame(rows, schema=tables.MODEL_REPORT.polars_schema(), orient="row"))


def test_precision_recall__points_in_order_of_recall_and_only_of_all_chromosomes():
    rows = report(
        ("all", "all", "acceptor", "pr_curve", 0.0, 1.0), ("all", "all", "donor", "pr_curve", 0.5, 0.5),
        ("all", "all", "donor", "pr_curve", 0.0, 1.0), ("all", "all", "donor", "pr_curve", 1.0, None),
        ("seen", "all", "donor", "pr_curve", 0.0, 0.1), ("all", "all", "donor", "recall", 0.0, 0.7),
    )  # fmt: skip
    assert precision_recall(rows).rows() == [
        ("all", "donor", 0.0, 1.0), ("all", "donor", 0.5, 0.5), ("all", "acceptor", 0.0, 1.0),
    ]  # fmt: skip


def test_motif_table__commonest_first_and_with_motifs_that_have_only_calls():
    rows = report(
        *[("motif=GC", "all", "donor", metric, 0.0, value)
          for metric, value in (("n_sites", 10.0), ("tp", 1.0), ("fp", 0.0), ("fn", 9.0), ("recall", 0.1))],
        *[("motif=other", "all", "donor", metric, 0.0, value)
          for metric, value in (("n_sites", 0.0), ("tp", 0.0), ("fp", 3.0), ("fn", 0.0), ("recall", None))],
        ("all", "all", "donor", "tp", 0.0, 99.0),
    )  # fmt: skip
    columns = ["motif", "kind", "n_sites", "tp", "fp", "fn", "recall"]
    assert motif_table(rows).select(columns).rows() == [
        ("GC", "donor", 10, 1, 0, 9, 0.1), ("other", "donor", 0, 0, 3, 0, None),
    ]  # fmt: skip
    assert motif_table(report()).is_empty()


def test_peak_shifts__are_counts_by_kind_and_strand():
    rows = report(
        ("all", "all", "donor", "n_peaks_minus", 0.0, 3.0), ("all", "all", "donor", "n_peaks_plus", 1.0, 2.0),
        ("all", "all", "donor", "n_peaks_plus", 0.0, 5.0),
    )  # fmt: skip
    assert peak_shifts(rows).rows() == [("donor +", 0, 5), ("donor +", 1, 2), ("donor -", 0, 3)]


def test_score_histogram__bins_reach_to_the_next_one():
    rows = report(
        *[("all", "all", kind, metric, low, count)
          for kind, metric, low, count in (
              ("donor", "n_site_scores", 0.5, 7.0), ("donor", "n_other_scores", 0.5, 2.0),
              ("donor", "n_site_scores", 0.0, 1.0), ("donor", "n_other_scores", 0.0, 90.0))],
        ("all", "all", "acceptor", "n_site_scores", 0.5, 4.0), ("all", "all", "acceptor", "n_other_scores", 0.5, 0.0),
    )  # fmt: skip
    assert score_histogram(rows).rows() == [
        ("donor", 0.0, 0.5, 1, 90), ("donor", 0.5, 1.0, 7, 2), ("acceptor", 0.5, 1.0, 4, 0),
    ]  # fmt: skip


def test_score_profile__is_by_site_score_and_shift():
    rows = report(
        ("all", "all", "acceptor", "mean_donor_score", 0.0, 0.1),
        ("all", "all", "donor", "mean_acceptor_score", 1.0, None),
        ("all", "all", "donor", "mean_donor_score", 0.0, 0.9),
        ("all", "all", "donor", "mean_donor_score", -1.0, 0.2),
    )  # fmt: skip
    assert score_profile(rows).rows() == [
        ("donor", "donor", -1, 0.2), ("donor", "donor", 0, 0.9), ("donor", "acceptor", 1, None),
        ("acceptor", "donor", 0, 0.1),
    ]  # fmt: skip
