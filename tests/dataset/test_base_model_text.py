import polars as pl
import pytest

from builder_assets.dataset.base_model_text import gene_mean_table, gene_type_table, pooled_table

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
