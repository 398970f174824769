"""Copies of a stored table for other programs: one file, CSV, shards. Rows stream; a table is never held whole.

Writes only where nothing is yet, under a temporary name that becomes the final one when all is written.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.places import parquet_file
from resources.table_contract import TableContract
from resources.table_files import row_count

ROWS_AT_ONCE = 65_536


class ExportError(ValueError):
    """An export cannot be made; the text says why and what to do."""


def check_files(paths: Mapping[str, Path], contract: TableContract) -> None:
    """Raise unless every file has the schema, and the schema version, that this version of the package declares.

    Args:
        paths: Chromosome -> file.
        contract: What the files should keep.

    Raises:
        ExportError: names the file and what differs.
    """
    expected = {field.name: field.type for field in contract.arrow_schema()}
    for chrom, path in paths.items():
        schema = _schema(path)
        version = (schema.metadata or {}).get(b"schema_version", b"none").decode()
        if version != str(contract.schema_version):
            raise ExportError(
                f"{path} (chromosome {chrom}) has schema version {version}, this package writes "
                f"{contract.schema_version}. `builder build` rebuilds it."
            )
        found = {field.name: field.type for field in schema}
        differing = [n for n in dict.fromkeys([*expected, *found]) if not _same(expected.get(n), found.get(n))]
        if differing or list(found) != list(expected):
            raise ExportError(
                f"{path} (chromosome {chrom}) has other columns than this package writes: {len(differing)} differ, "
                f"{', '.join(differing[:5]) or 'in their order'}. `builder build` rebuilds it."
            )


def write_parquet(paths: Sequence[Path], target: Path) -> int:
    """All rows in one Parquet file, schema and roles kept; returns the number of rows."""

    def write(temporary: Path) -> int:
        schema = _plain_schema(paths[0])
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            return sum(_written(writer, batch, schema) for batch in _batches(paths))

    return _published(target, write)


def write_csv(paths: Sequence[Path], target: Path) -> int:
    """All rows in one CSV file, lists joined by `;`; returns the number of rows."""

    def write(temporary: Path) -> int:
        frame = _without_lists(pl.scan_parquet([str(path) for path in paths]))
        frame.sink_csv(temporary)
        return _rows(paths)

    return _published(target, write)


def write_shards(paths: Sequence[Path], target: Path, rows_per_shard: int) -> int:
    """A folder of shards per side of the split, `train-00000-of-00012.parquet`; returns the number of rows.

    The name that Hugging Face reads splits from; `excluded` rows are a side of their own.

    Raises:
        ExportError: fewer than one row per shard is asked for.
    """
    if rows_per_shard < 1:
        raise ExportError(f"{rows_per_shard} rows per shard: at least 1 is needed.")

    def write(temporary: Path) -> int:
        temporary.mkdir()
        frame = pl.scan_parquet([str(path) for path in paths])
        sizes = dict(frame.group_by("split").len().sort("split").collect().iter_rows())
        schema = _plain_schema(paths[0])
        for split, size in sizes.items():
            shards = -(-size // rows_per_shard)
            names = [temporary / f"{split}-{shard:05d}-of-{shards:05d}.parquet" for shard in range(shards)]
            _fill(names, (b for batch in _batches(paths) if (b := _of_split(batch, split))), schema, rows_per_shard)
        return sum(sizes.values())

    return _published(target, write)


def write_master(
    paths: Sequence[Path], target: Path, columns: Sequence[pl.Expr], sidecar: Sequence[str], manifest: Path
) -> int:
    """The predecessor's layout: `master/batch_00001.parquet` per chromosome, and what it does not know beside it.

    Args:
        paths: Files of training_examples.
        target: Folder to make.
        columns: The columns of `master/`.
        sidecar: Columns of `sidecar/`, same file names, same rows.
        manifest: `gene_manifest.csv`, copied if it is there: a dataset of which chromosomes wait has none yet.
    """

    def write(temporary: Path) -> int:
        for folder in ("master", "sidecar"):
            (temporary / folder).mkdir(parents=True)
        for number, path in enumerate(paths, start=1):
            name = f"batch_{number:05d}.parquet"
            pl.scan_parquet(str(path)).select(columns).sink_parquet(temporary / "master" / name)
            pl.scan_parquet(str(path)).select(sidecar).sink_parquet(temporary / "sidecar" / name)
        if manifest.is_file():
            (temporary / "master" / manifest.name).write_bytes(manifest.read_bytes())
        return _rows(paths)

    return _published(target, write)


def _published(target: Path, write: Callable[[Path], int]) -> int:
    """Let `write` make a file or folder, and put it in place when it is whole."""
    if target.exists():
        raise ExportError(f"{target} exists already. Remove it, or choose another `--output`.")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.partial")
    _remove(temporary)
    try:
        rows = write(temporary)
        temporary.replace(target)
    finally:
        _remove(temporary)
    return rows


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _batches(paths: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with parquet_file(path) as file:
            yield from file.iter_batches(ROWS_AT_ONCE)


def _of_split(batch: pa.RecordBatch, split: str) -> pa.RecordBatch | None:
    sides = batch.column("split")
    own = batch.filter(pc.call_function("equal", [sides, pa.scalar(split, type=sides.type)]))
    return own if own.num_rows else None


def _fill(names: Sequence[Path], batches: Iterator[pa.RecordBatch], schema: pa.Schema, rows_per_shard: int) -> None:
    """Write rows to the files in turn, exactly `rows_per_shard` to each but the last."""
    held, size = [], 0
    waiting = iter(names)
    for batch in batches:
        held.append(batch)
        size += batch.num_rows
        while size >= rows_per_shard:
            table = pa.Table.from_batches(held).replace_schema_metadata(schema.metadata)
            pq.write_table(table.slice(0, rows_per_shard), next(waiting), compression="zstd")
            held, size = table.slice(rows_per_shard).to_batches(), size - rows_per_shard
    if size:
        table = pa.Table.from_batches(held).replace_schema_metadata(schema.metadata)
        pq.write_table(table, next(waiting), compression="zstd")


def _written(writer: pq.ParquetWriter, batch: pa.RecordBatch, schema: pa.Schema) -> int:
    writer.write_batch(batch.cast(schema))
    return batch.num_rows


def _plain_schema(path: Path) -> pa.Schema:
    """Fields with their roles, without what tells of one stored partition."""
    schema = _schema(path)
    kept = {key: value for key, value in (schema.metadata or {}).items() if key != b"provenance"}
    return schema.with_metadata(kept)


def _schema(path: Path) -> pa.Schema:
    with parquet_file(path) as file:
        return file.schema_arrow


def _without_lists(frame: pl.LazyFrame) -> pl.LazyFrame:
    lists = [name for name, dtype in frame.collect_schema().items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(";"))


def _same(expected: pa.DataType | None, found: pa.DataType | None) -> bool:
    """Equal types; Parquet renames the inner field of a list, which is no difference."""
    if expected is None or found is None:
        return False
    if pa.types.is_large_list(expected) and pa.types.is_large_list(found):
        return expected.value_type == found.value_type
    return expected == found


def _rows(paths: Sequence[Path]) -> int:
    return sum(row_count(path) for path in paths)
