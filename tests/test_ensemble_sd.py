"""The SD over the ensemble's members, and what a build says about scoring, in a small real project."""

import dagster as dg
import numpy as np
import polars as pl
import pytest
import yaml

from resources.table_files import scan
from tests.projects import built, built_cells, needs_weights, reopened

pytestmark = needs_weights


def _change(folder, **switches: bool) -> None:
    """Set `ensemble_sd` on model and dataset."""
    path = folder / "builder.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["base_models"]["model"]["ensemble_sd"] = switches["stored"]
    settings["datasets"]["examples"]["ensemble_sd"] = switches["asked"]
    path.write_text(yaml.safe_dump(settings))


def _scores(folder) -> pl.DataFrame:
    return pl.concat([scan(folder / "data/model/splice_scores" / f"{c}.parquet").collect() for c in ("22", "Y")])


def _metadata(folder, chrom: str) -> dict:
    records = reopened(folder).instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey(["model", "splice_scores"]), asset_partitions=[chrom]), limit=1
    )
    return {name: value.value for name, value in records.records[0].asset_materialization.metadata.items()}


@pytest.mark.faults
def test_ensemble_sd__turned_on_scores_again_and_turned_off_does_not(folder):
    before = _scores(folder)
    fresh = _metadata(folder, "22")
    assert (fresh["genes_scored"], fresh["genes_reused"], fresh["genes_dropped"]) == (2, 0, 0)
    assert fresh["bases_scored"] == before.filter(chrom="22")["length"].sum()
    assert fresh["bases_per_second"] > 0
    assert 0.1 < fresh["padding_share"] < 0.9
    assert fresh["peak_memory_mb"] > 100
    assert (fresh["precision"], fresh["flanks"], fresh["ensemble_sd"]) == ("float32", "masked", False)

    _change(folder, stored=True, asked=True)
    results = built(reopened(folder))
    assert [failure for layer in results for failure in layer.failures] == []
    made = built_cells(results)
    assert {"model/splice_scores[22]", "examples/training_examples[22]"} <= made
    assert not any(name.startswith(("toy/", "model/base_model_weights", "model/genes_to_score")) for name in made)
    assert _metadata(folder, "22")["genes_scored"] == 2
    after = _scores(folder)
    assert after.select(before.columns).equals(before)
    assert after["donor_sd"].list.len().to_list() == before["length"].to_list()

    rows = pl.read_parquet(folder / "data/examples/training_examples/22.parquet")
    gene = after.row(by_predicate=pl.col("gene_id") == rows["gene_id"][0], named=True)
    own = rows.filter(gene_id=gene["gene_id"])
    for kind in ("donor", "acceptor"):
        np.testing.assert_array_equal(own[f"{kind}_sd"], np.float32(gene[f"{kind}_sd"])[own["offset"]])
        assert own[f"{kind}_sd"].max() > 0.01

    _change(folder, stored=False, asked=False)
    assert [failure for layer in built(reopened(folder)) for failure in layer.failures] == []
    off = _metadata(folder, "22")
    assert (off["genes_scored"], off["genes_reused"], off["padding_share"]) == (0, 2, None)
    assert _scores(folder).equals(before)
