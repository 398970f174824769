import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from resources.dataset_writers import ExportError, check_files, write_csv, write_master, write_parquet, write_shards
from tests.dataset.stored import CONTRACT, ROWS, store_examples

ALL = pl.concat(ROWS.values())


@pytest.fixture
def paths(tmp_path):
    return store_examples(tmp_path / "stored")


def test_write_parquet__all_rows_with_their_roles(paths, tmp_path):
    target = tmp_path / "new" / "all.parquet"
    assert write_parquet(list(paths.values()), target) == ALL.height
    assert_frame_equal(pl.read_parquet(target), ALL)
    schema = pq.read_schema(target)
    assert schema.field("pred_type").metadata[b"role"] == b"leakage"
    assert b"provenance" not in schema.metadata
    assert schema.metadata[b"schema_version"] == str(CONTRACT.schema_version).encode()


def test_write_csv__lists_are_joined(paths, tmp_path):
    assert write_csv(list(paths.values()), tmp_path / "all.csv") == ALL.height
    found = pl.read_csv(tmp_path / "all.csv", infer_schema_length=None)
    assert found.columns == ALL.columns
    assert found["position"].to_list() == ALL["position"].to_list()
    expected = ALL["site_transcript_ids"].list.join(";").to_list()
    assert found["site_transcript_ids"].to_list() == expected


@pytest.mark.parametrize("rows_per_shard", [7, 50, 100_000])
def test_write_shards__every_row_once_on_its_side(paths, tmp_path, rows_per_shard):
    assert write_shards(list(paths.values()), tmp_path / "shards", rows_per_shard) == ALL.height
    names = sorted(path.name for path in (tmp_path / "shards").iterdir())
    for side in ("train", "test", "validation"):
        own = ALL.filter(split=side)
        shards = [name for name in names if name.startswith(f"{side}-")]
        n = -(-own.height // rows_per_shard)
        assert shards == [f"{side}-{i:05d}-of-{n:05d}.parquet" for i in range(n)]
        tables = [pl.read_parquet(tmp_path / "shards" / name) for name in shards]
        assert all(table.height == rows_per_shard for table in tables[:-1])
        assert_frame_equal(pl.concat(tables), own)


def test_write_shards__no_rows_per_shard(paths, tmp_path):
    with pytest.raises(ExportError, match=r"^0 rows per shard: at least 1 is needed"):
        write_shards(list(paths.values()), tmp_path / "shards", 0)


def test_write_master__one_batch_per_chromosome_and_a_manifest(paths, tmp_path):
    (tmp_path / "gene_manifest.csv").write_text("gene_id\n")
    columns = [pl.col("gene_id"), pl.col("offset").alias("position")]
    arguments = (list(paths.values()), tmp_path / "old", columns, ["split"])
    assert write_master(*arguments, tmp_path / "gene_manifest.csv") == ALL.height
    names = ["batch_00001.parquet", "batch_00002.parquet", "gene_manifest.csv"]
    assert sorted(path.name for path in (tmp_path / "old" / "master").iterdir()) == names
    assert_frame_equal(
        pl.read_parquet(tmp_path / "old" / "master" / "*.parquet"), ALL.select("gene_id", position="offset")
    )
    assert_frame_equal(pl.read_parquet(tmp_path / "old" / "sidecar" / "*.parquet"), ALL.select("split"))


def test_export__does_not_overwrite_and_leaves_nothing_half_written(paths, tmp_path):
    (tmp_path / "all.csv").write_text("mine")
    with pytest.raises(ExportError, match=r"all.csv exists already. Remove it, or choose another"):
        write_csv(list(paths.values()), tmp_path / "all.csv")
    paths["9"].write_bytes(paths["9"].read_bytes()[:2000])
    with pytest.raises(Exception, match=r"(?i)parquet"):
        write_parquet(list(paths.values()), tmp_path / "whole.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.csv", "stored"]


def test_check_files__another_schema_version(paths):
    check_files(paths, CONTRACT)
    with pytest.raises(ExportError, match=r"7.parquet \(chromosome 7\) has schema version 2, this package writes 3"):
        check_files(paths, CONTRACT.model_copy(update={"schema_version": 3}))


def test_check_files__other_columns(paths):
    fewer = CONTRACT.model_copy(update={"columns": CONTRACT.columns[:-1]})
    with pytest.raises(ExportError, match=r"other columns than this package writes: 1 differ, sample_weight"):
        check_files(paths, fewer)
    turned = CONTRACT.model_copy(update={"columns": CONTRACT.columns[::-1]})
    with pytest.raises(ExportError, match="0 differ, in their order"):
        check_files(paths, turned)
