"""The checks on a dataset as Dagster runs them: what they find stops what comes after, or is told."""

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from builder_assets import tables
from builder_assets.asset_graph import build_defs
from builder_assets.dataset import leakage_probe
from builder_assets.dataset.checks import _leakage_check, _p_site_check
from builder_assets.settings import DatasetSettings, load_settings
from resources.table_files import write_frames
from resources.table_store import TableStore
from tests.dataset.stored import FEATURES, ROWS, TOYS
from tests.dataset.test_gene_manifest import TOY


@pytest.fixture
def context(tmp_path):
    """A stored gene_manifest to judge; its values play no part."""
    contract = tables.SELECTED_GENES
    path = tmp_path / "toys" / "gene_manifest.parquet"
    path.parent.mkdir()
    write_frames([TOY.selected], contract, {}, path)
    return dg.build_asset_check_context(resources={"table_store": TableStore(base_dir=str(tmp_path))})


def judge_small_datasets(monkeypatch):
    """Five rows of a label suffice, and what fits them by chance is let pass."""
    monkeypatch.setattr(leakage_probe, "FEWEST", 5)
    monkeypatch.setattr(leakage_probe, "LIMIT", 0.999)
    monkeypatch.setattr(leakage_probe, "NULL_LIMIT", 0.999)


def probed(context, change):
    check = _leakage_check("toys", FEATURES)
    return check(context, training_examples={chrom: rows.with_columns(change).lazy() for chrom, rows in ROWS.items()})


def test_leakage_check__a_clean_dataset_passes(context, monkeypatch):
    judge_small_datasets(monkeypatch)
    result = probed(context, pl.col("label"))
    assert result.passed, result.description
    assert len(str(result.metadata["judged_version"].value)) == 32


def test_leakage_check__a_planted_leak_is_an_error_and_named(context, monkeypatch):
    judge_small_datasets(monkeypatch)
    result = probed(context, (pl.col("gene_length") + 1000 * (pl.col("label") > 0)).cast(pl.Int32))
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert "gene_length (feature, value): AUC 1.000" in result.description


def test_p_site_check__wrong_weights_are_told_as_a_warning(context):
    pools = {chrom: toy.build().gene_counts.lazy() for chrom, toy in TOYS.items()}
    heavy = pl.when(label=0).then(100.0).otherwise(1.0).alias("sample_weight")
    rows = {chrom: pl.concat([table.with_columns(heavy)] * 9).lazy() for chrom, table in ROWS.items()}
    result = _p_site_check("toys")(context, training_examples=rows, example_pools=pools)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert "the weighted P(site) is not that of the whole genes" in result.description


def test_definitions__leakage_blocks_and_a_baseline_stands_only_where_asked_for():
    settings = load_settings(Path(__file__).parents[2] / "builder.yaml")
    asked = settings.datasets["demo_3mers"].model_copy(update={"baseline": True})
    with_baseline = settings.model_copy(update={"datasets": {"demo_3mers": asked}})
    before, after = (
        {key.to_user_string() for key in build_defs(chosen).resolve_asset_graph().get_all_asset_keys()}
        for chosen in (settings, with_baseline)
    )
    assert after - before == {"demo_3mers/meta_model_baseline"}
    assert next(iter(_leakage_check("toys", FEATURES).check_specs)).blocking


def test_settings__a_baseline_needs_two_folds():
    with pytest.raises(ValueError, match="`baseline: true` needs `splits: folds:` of 2 at least"):
        DatasetSettings(base_model="m", genes={"policy": "all"}, splits={"folds": 1}, baseline=True)
