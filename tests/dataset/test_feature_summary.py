import polars as pl
import pytest

from builder_assets.dataset.card.feature_summary import feature_summary
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.settings import FeatureSettings, NegativeSettings
from tests.dataset.test_gene_manifest import TOY

ROWS = TOY.build(NegativeSettings(), kmers=(1, 2)).examples
CONTRACT = training_examples_contract(FeatureSettings(kmers=(1, 2), flank=30))


def row(table: pl.DataFrame, name: str) -> dict:
    return table.row(by_predicate=pl.col("column") == name, named=True)


def test_feature_summary__by_hand() -> None:
    rows = ROWS.head(4).with_columns(
        gc_content=pl.Series([0.5, None, 0.25, None], dtype=pl.Float32), at_gene_edge=pl.Series([True] + [False] * 3)
    )
    table = feature_summary([rows[:1], rows[1:].lazy()], CONTRACT, (1, 2))
    gc = {"columns": 1, "null_share": 0.5, "minimum": 0.25, "mean": 0.375, "sd": 0.125, "maximum": 0.5}
    assert row(table, "gc_content") == {"column": "gc_content"} | gc
    assert row(table, "at_gene_edge")["mean"] == 0.25


def test_feature_summary__kmers_of_one_length_are_one_row() -> None:
    table = feature_summary([ROWS], CONTRACT, (1, 2))
    bases = row(table, "1mer_A .. 1mer_T")
    assert bases["columns"] == 4
    assert bases["mean"] * 4 == pytest.approx((ROWS["1mer_C"] + ROWS["1mer_G"]).mean())  # the toy chromosome is all C
    assert row(table, "2mer_AA .. 2mer_TT")["columns"] == 16
    assert table["column"].str.contains("mer_").sum() == 2


def test_feature_summary__all_null_says_nothing_and_other_roles_are_left_out() -> None:
    rows = ROWS.with_columns(gc_content=pl.lit(None, pl.Float32))
    table = feature_summary([rows], CONTRACT, (1, 2))
    assert list(row(table, "gc_content").values()) == ["gc_content", 1, 1.0, None, None, None, None]
    assert not set(table["column"]) & {"label", "sample_weight", "fold", "near_site", "position"}
