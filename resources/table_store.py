"""One partition of one table = one Parquet file, checked against its contract and published whole.

The asset brings its contract as definition metadata (`contract`). What made the file stands in its footer:
asset, partition, code version, data version, and the data versions of its inputs. The data version is a hash
of the columns, not of the footer, so an unchanged rebuild stops downstream work.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, get_origin

import dagster as dg
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.publishing import LOCKS, publish
from resources.table_contract import TableContract

CONTRACT = "contract"  # definition metadata: the table's contract
COMPANIONS = "companions"  # definition metadata: file name -> column of a one-row table, or "*" for all rows as CSV
PROVENANCE = b"provenance"
FILES = "files"  # materialisation metadata: name -> [size, mtime_ns] of what was published
INPUTS = "inputs"  # materialisation metadata and footer: data version of every input partition
FLOAT_LISTS = {"list<float32>"}
ROWS_PER_GROUP = 65536
LISTS_PER_GROUP = 1  # a row with lists is a whole gene: one gene is readable without the others


class MissingPartitionError(FileNotFoundError):
    """A table that is to be read has not been built; the text names every missing partition."""


class DamagedFileError(ValueError):
    """A stored file is truncated or not what its footer says."""


def contract_metadata(contract: TableContract) -> dict[str, Any]:
    """Definition metadata by which an asset tells the store, and the UI, what its table promises."""
    columns = [
        dg.TableColumn(
            column.name,
            column.dtype,
            description=" ".join(part for part in (column.description, f"[{column.unit}]" * bool(column.unit)) if part),
            constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=(column.name,) == contract.key),
            tags={"role": column.role} if column.role else {},
        )
        for column in contract.columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        CONTRACT: dg.JsonMetadataValue(contract.model_dump(mode="json", exclude_defaults=True)),
    }


class TableStore(dg.ConfigurableIOManager):
    """Stores Polars frames under `base_dir`/<prefix>/<table>[/<partition>].parquet."""

    base_dir: str

    def path_of(self, key: dg.AssetKey, partition: str | None) -> Path:
        """Where one partition of one table lies."""
        folder = Path(self.base_dir).joinpath(*key.path)
        return folder / f"{partition}.parquet" if partition is not None else folder.with_suffix(".parquet")

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame) -> None:
        """Check `obj` against the asset's contract, publish it, and report its version, rows and size."""
        contract = _contract(context.definition_metadata)
        contract.check(obj)
        key = context.asset_key
        partition = context.partition_key if context.has_partition_key else None
        path = self.path_of(key, partition)
        table = arrow_table(obj, contract)
        version = content_hash(table)
        node = context.step_context.job_def.asset_layer.asset_graph.get(key)
        provenance = {
            "asset": key.to_user_string(),
            "partition": partition,
            "code_version": node.code_version,
            "data_version": version,
            INPUTS: self._input_versions(context.step_context),
        }
        companions = companions_of(context.definition_metadata)
        self.publish_companions(path, obj, companions)
        locks = Path(self.base_dir) / LOCKS
        publish(path, lambda temporary: write_parquet(table, contract, provenance, temporary), locks)
        context.step_context.set_data_version(key, dg.DataVersion(version))
        context.add_output_metadata(self.record_metadata(key, partition, companions))

    def publish_companions(self, path: Path, frame: pl.DataFrame, companions: Mapping[str, str]) -> None:
        """Publish what stands beside a table: a CSV of its rows, or texts that it holds; the table comes last."""
        for name, column in companions.items():
            text = frame.write_csv() if column == "*" else str(frame[column].item())
            publish(
                path.with_name(name),
                lambda temporary, text=text: write_text(temporary, text),
                Path(self.base_dir) / LOCKS,
            )

    def record_metadata(self, key: dg.AssetKey, partition: str | None, companions: Mapping[str, str]) -> dict[str, Any]:
        """What the manifest compares later: rows, files with size and time of change, versions of the inputs."""
        path = self.path_of(key, partition)
        files = {file.name: file_state(file) for file in (path, *(path.with_name(name) for name in companions))}
        return {
            "dagster/partition_row_count" if partition is not None else "dagster/row_count": row_count(path),
            "path": dg.MetadataValue.path(str(path)),
            "size_bytes": path.stat().st_size,
            FILES: dg.MetadataValue.text(json.dumps(files, sort_keys=True)),
            INPUTS: dg.MetadataValue.text(json.dumps(read_provenance(path)[INPUTS], sort_keys=True)),
        }

    def load_input(self, context: dg.InputContext) -> pl.DataFrame | pl.LazyFrame | dict[str, pl.LazyFrame]:
        """The upstream table: lazily where the parameter is a LazyFrame; one per partition where it is a dict."""
        key = context.asset_key
        wanted = context.dagster_type.typing_type
        partitions = list(context.asset_partition_keys) if context.has_asset_partitions else [None]
        paths = {partition: self.path_of(key, partition) for partition in partitions}
        missing = [str(partition or "") for partition, path in paths.items() if not path.is_file()]
        if missing:
            raise MissingPartitionError(
                f"{key.to_user_string()}: {len(missing)} of {len(paths)} partitions have no file "
                f"({', '.join(missing)}). Build them first: `builder build`."
            )
        frames = {partition: scan(path) for partition, path in paths.items()}
        over_chromosomes = context.has_asset_partitions and not context.step_context.has_partition_key
        if get_origin(wanted) is dict or over_chromosomes:
            return {str(partition): frame for partition, frame in frames.items()}
        (frame,) = frames.values()
        return frame if wanted is pl.LazyFrame else frame.collect()

    def _input_versions(self, step: Any) -> dict[str, str]:
        """Data versions of the files that a step reads, from their footers: `asset` or `asset/partition`."""
        versions = {}
        for name in step.op_def.ins:
            key = step.job_def.asset_layer.get_asset_key_for_node_input(step.node_handle, name)
            if step.has_asset_partitions_for_input(name):
                for partition in step.asset_partitions_subset_for_input(name).get_partition_keys():
                    path = self.path_of(key, partition)
                    versions[f"{key.to_user_string()}/{partition}"] = read_provenance(path)["data_version"]
            else:
                versions[key.to_user_string()] = read_provenance(self.path_of(key, None))["data_version"]
        return versions


def _contract(metadata: Any) -> TableContract:
    return TableContract.model_validate(_plain(metadata[CONTRACT]))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, dg.JsonMetadataValue) else value


def arrow_table(frame: pl.DataFrame, contract: TableContract) -> pa.Table:
    """`frame` as an Arrow table with the contract's schema."""
    return frame.to_arrow().cast(contract.arrow_schema())


def content_hash(table: pa.Table) -> str:
    """A hash of the values of a table, by column; chunking, encoding and metadata play no part."""
    digest = sha256()
    for name in table.column_names:
        digest.update(f"{name}:{_type_name(table.schema.field(name).type)}:{table.num_rows};".encode())
        for block in _value_blocks(pa.concat_arrays(table.column(name).chunks) if table.num_rows else None):
            digest.update(block)
    return digest.hexdigest()[:32]


def _type_name(dtype: pa.DataType) -> str:
    """Parquet renames the inner field of a list; its name is no part of the type."""
    return f"list<{dtype.value_type}>" if pa.types.is_large_list(dtype) else str(dtype)


def _value_blocks(array: pa.Array | None) -> Iterator[memoryview]:
    """The bytes that stand for the values of an array: nulls, lengths, then values with nulls as zero."""
    if array is None:
        return
    if array.null_count:
        yield _bytes(array.is_null())
    if pa.types.is_large_list(array.type):
        yield _bytes(pc.call_function("list_value_length", [array]).fill_null(0))
        yield from _value_blocks(array.flatten())
    elif pa.types.is_large_string(array.type):
        filled = pc.fill_null(array, "")
        yield _bytes(pc.call_function("binary_length", [filled]))
        yield memoryview("".join(filled.to_pylist()).encode())
    else:
        yield _bytes(pc.fill_null(array, False if pa.types.is_boolean(array.type) else 0))


def _bytes(array: pa.Array) -> memoryview:
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).data.cast("B")


def write_parquet(table: pa.Table, contract: TableContract, provenance: dict[str, Any], path: Path) -> None:
    """Write `table` so that equal input gives equal bytes."""
    lists = any(column.dtype in FLOAT_LISTS for column in contract.columns)
    split = [
        f"{column.name}.list.element" if column.dtype in FLOAT_LISTS else column.name
        for column in contract.columns
        if column.dtype in FLOAT_LISTS or column.dtype in ("float32", "float64")
    ]
    metadata = {
        b"coordinates": b"1-based closed",
        b"table": contract.name.encode(),
        b"schema_version": str(contract.schema_version).encode(),
        b"key": ",".join(contract.key).encode(),
        PROVENANCE: json.dumps(provenance, sort_keys=True).encode(),
    }
    pq.write_table(
        table.replace_schema_metadata(metadata),
        path,
        compression="zstd",
        row_group_size=LISTS_PER_GROUP if lists else ROWS_PER_GROUP,
        use_dictionary=[c.name for c in contract.columns if c.dtype == "string"],  # pyright: ignore[reportArgumentType]
        column_encoding=dict.fromkeys(split, "BYTE_STREAM_SPLIT") or None,
        store_schema=True,
    )


def scan(path: Path) -> pl.LazyFrame:
    """A stored table, lazily; raises `DamagedFileError` where the file is not whole."""
    read_provenance(path)
    return pl.scan_parquet(path)


def read_provenance(path: Path) -> dict[str, Any]:
    """What made a stored file, from its footer; raises `DamagedFileError` where there is none."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        return json.loads(metadata[PROVENANCE])
    except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
        raise DamagedFileError(
            f"{path} is truncated or was not written by this pipeline. `builder build` rebuilds it."
        ) from error


def verify_file(path: Path) -> str:
    """The data version of a stored file, recomputed from its values.

    Raises:
        DamagedFileError: a page is unreadable, or the values are not those that its footer promises.
    """
    promised = read_provenance(path)["data_version"]
    try:
        found = content_hash(pq.read_table(path))
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"{path} cannot be read to its end: {error}") from error
    if found != promised:
        raise DamagedFileError(f"{path} holds other values than its footer promises ({found}, not {promised}).")
    return found


def file_state(path: Path) -> list[int]:
    """Size in bytes and time of change in nanoseconds: what is compared before any content is read."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    path.write_text(text, encoding="utf-8")


def companions_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """File name -> column, from an asset's definition metadata."""
    value = metadata.get(COMPANIONS, {})
    return {str(k): str(v) for k, v in _plain(value).items()}


def row_count(path: Path) -> int:
    """Rows of a stored table, from its footer."""
    return pq.read_metadata(path).num_rows
