"""The Parquet file of one partition of one table: written so that equal rows give equal bytes, read, and verified.

What made a file stands in its footer: asset, partition, code version, data version, and the data versions of its
inputs. The data version is a hash of the columns, not of the footer.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from resources.content_hash import ContentHash
from resources.frame_stream import checked_frames
from resources.places import parquet_file
from resources.table_contract import TableContract

PROVENANCE = b"provenance"
SETTINGS = "settings"  # in the footer, and in definition and materialisation metadata: all that shaped the table
FLOAT_LISTS = {"list<float32>"}
ROWS_PER_GROUP = 65536
GROUP_BYTES = 64_000_000  # of a row group in memory
LISTS_PER_GROUP = 1  # a row with lists is a whole gene: one gene is readable without the others


class DamagedFileError(ValueError):
    """A stored file is truncated or not what its footer says."""


class SchemaVersionError(ValueError):
    """A stored file was written under another version of its table's contract."""


def rows_per_group(contract: TableContract) -> int:
    """Rows of a row group: few where a row is a whole gene or thousands of columns, so that one can be read alone."""
    if any(column.dtype in FLOAT_LISTS for column in contract.columns):
        return LISTS_PER_GROUP
    return max(1, min(ROWS_PER_GROUP, GROUP_BYTES // contract.row_bytes))


def write_frames(
    frames: Iterable[pl.DataFrame], contract: TableContract, provenance: Mapping[str, Any], path: Path
) -> str:
    """Check and write frames as one table, so that equal rows give equal bytes however they are cut into frames.

    Args:
        frames: Frames of the contract's schema, their keys ascending from one to the next.
        contract: What the table promises.
        provenance: What made it; stands in the footer, together with the data version.
        path: File to write.

    Returns:
        The data version: the hash of all values.
    """
    schema = contract.arrow_schema()
    metadata = {
        b"coordinates": b"1-based closed",
        b"table": contract.name.encode(),
        b"schema_version": str(contract.schema_version).encode(),
        b"key": ",".join(contract.key).encode(),
    }
    digest = ContentHash(schema)
    options = _parquet_options(contract)
    with pq.ParquetWriter(path, schema.with_metadata(metadata), **options) as writer:

        def write(group: pa.Table) -> None:
            digest.update(group)
            writer.write_table(group, row_group_size=group.num_rows)

        with ThreadPoolExecutor(max_workers=1) as beside:  # a group is written while the next one is made
            written = None
            for group in _row_groups(checked_frames(frames, contract), schema, rows_per_group(contract)):
                if written:
                    written.result()
                written = beside.submit(write, group)
            if written:
                written.result()
        version = digest.hexdigest()
        footer = json.dumps({**provenance, "data_version": version}, sort_keys=True)
        writer.add_key_value_metadata({PROVENANCE.decode(): footer})
    return version


def _parquet_options(contract: TableContract) -> dict[str, Any]:
    lists = {column.name for column in contract.columns if column.dtype in FLOAT_LISTS}
    floats = {column.name for column in contract.columns if column.dtype in ("float32", "float64")}
    split = [f"{name}.list.element" if name in lists else name for name in contract.names if name in lists | floats]
    return {
        "compression": "zstd",
        "use_dictionary": [column.name for column in contract.columns if column.dtype == "string"],
        "column_encoding": dict.fromkeys(split, "BYTE_STREAM_SPLIT") or None,
        "store_schema": True,
    }


def _row_groups(frames: Iterable[pl.DataFrame], schema: pa.Schema, size: int) -> Iterator[pa.Table]:
    """All rows again, as tables of `size` rows, each column in one piece; the last one may have fewer."""
    waiting: list[pa.Table] = []
    height = 0
    for frame in frames:
        table = frame.to_arrow().cast(schema)
        while height + table.num_rows >= size:
            waiting.append(table.slice(0, size - height))
            table = table.slice(size - height)
            yield pa.concat_tables(waiting).combine_chunks()
            waiting, height = [], 0
        if table.num_rows:
            waiting.append(table)
            height += table.num_rows
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def scan(path: Path) -> pl.LazyFrame:
    """A stored table, lazily; raises `DamagedFileError` where the file is not whole."""
    read_provenance(path)
    return pl.scan_parquet(str(path))


def read_provenance(path: Path) -> dict[str, Any]:
    """What made a stored file, from its footer; raises `DamagedFileError` where there is none, or no file."""
    try:
        with parquet_file(path) as file:
            return json.loads((file.metadata.metadata or {})[PROVENANCE])
    except FileNotFoundError as error:
        raise DamagedFileError(f"{path} is gone, or was never built. `builder build` makes it.") from error
    except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
        raise DamagedFileError(
            f"{path} is truncated or was not written by this pipeline. `builder build` rebuilds it."
        ) from error


def require_schema_version(path: Path, version: int) -> None:
    """Raise unless a stored file was written under this version of its contract.

    Raises:
        SchemaVersionError: it was written under another one; names both.
        DamagedFileError: the file is not whole.
    """
    read_provenance(path)
    with parquet_file(path) as file:
        found = int((file.metadata.metadata or {}).get(b"schema_version", b"0"))
    if found != version:
        raise SchemaVersionError(
            f"{path} has schema version {found}, this code knows version {version}: columns may mean something else. "
            "`builder build` rebuilds it; or read it with the version of the code that wrote it."
        )


def verify_file(path: Path) -> str:
    """The data version of a stored file, recomputed from its values.

    Raises:
        DamagedFileError: a page is unreadable, or the values are not those that its footer promises.
    """
    promised = read_provenance(path)["data_version"]
    try:
        with parquet_file(path) as file:
            digest = ContentHash(file.schema_arrow)
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                table.validate(full=True)
                digest.update(table)
        found = digest.hexdigest()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedFileError(f"{path} cannot be read to its end: {error}") from error
    if found != promised:
        raise DamagedFileError(f"{path} holds other values than its footer promises ({found}, not {promised}).")
    return found


def row_count(path: Path) -> int:
    """Rows of a stored table, from its footer."""
    with parquet_file(path) as file:
        return file.metadata.num_rows


def file_state(path: Path) -> list[int]:
    """Size in bytes and time of change in nanoseconds: what is compared before any content is read."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]
