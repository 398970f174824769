"""One partition of one table = one Parquet file, checked against its contract and published whole.

The asset brings its contract as definition metadata (`contract`). What made the file stands in its footer:
asset, partition, code version, data version, and the data versions of its inputs. The data version is a hash
of the columns, not of the footer, so an unchanged rebuild stops downstream work.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, get_origin

import dagster as dg
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.frame_stream import FrameStream, checked_frames
from resources.places import parquet_file, place
from resources.publishing import LOCKS, publish
from resources.table_contract import ContractError, TableContract

CONTRACT = "contract"  # definition metadata: the table's contract
COMPANIONS = "companions"  # definition metadata: file name -> column of a one-row table, or "*" for all rows as CSV
PROVENANCE = b"provenance"
FILES = "files"  # materialisation metadata: name -> [size, mtime_ns] of what was published
INPUTS = "inputs"  # materialisation metadata and footer: data version of every input partition
FLOAT_LISTS = {"list<float32>"}
ROWS_PER_GROUP = 65536
GROUP_BYTES = 64_000_000  # of a row group in memory
LISTS_PER_GROUP = 1  # a row with lists is a whole gene: one gene is readable without the others


class MissingPartitionError(FileNotFoundError):
    """A table that is to be read has not been built; the text names every missing partition."""


class DamagedFileError(ValueError):
    """A stored file is truncated or not what its footer says."""


class SchemaVersionError(ValueError):
    """A stored file was written under another version of its table's contract."""


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

    @property
    def root(self) -> Path:
        """The folder, or prefix, of all tables."""
        return place(self.base_dir)

    def path_of(self, key: dg.AssetKey, partition: str | None) -> Path:
        """Where one partition of one table lies."""
        folder = self.root.joinpath(*key.path)
        return folder / f"{partition}.parquet" if partition is not None else folder.with_suffix(".parquet")

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame | FrameStream) -> None:
        """Check `obj` against the asset's contract, publish it, and report its version, rows and size.

        A stream is written frame by frame; what it says of itself is recorded when it is at its end.
        """
        contract = _contract(context.definition_metadata)
        key = context.asset_key
        # A backfill runs one chromosome as a range of one: then there is an asset partition but no partition key.
        partition = context.asset_partition_key if context.has_asset_partitions else None
        path = self.path_of(key, partition)
        node = context.step_context.job_def.asset_layer.asset_graph.get(key)
        provenance = {
            "asset": key.to_user_string(),
            "partition": partition,
            "code_version": node.code_version,
            INPUTS: self._input_versions(context.step_context),
        }
        companions = companions_of(context.definition_metadata)
        if isinstance(obj, FrameStream):
            if companions:
                raise ContractError(f"{contract.name}: a stream of frames cannot have companions ({list(companions)}).")
            frames = obj.frames
        else:
            frames = (obj,)
            if companions:
                contract.check(obj)  # before any of them is published
            self.publish_companions(path, obj, companions)
        locks = self.root / LOCKS
        versions: list[str] = []
        publish(path, lambda temporary: versions.append(write_frames(frames, contract, provenance, temporary)), locks)
        context.step_context.set_data_version(key, dg.DataVersion(versions[-1]))
        context.add_output_metadata(self.record_metadata(key, partition, companions))
        if isinstance(obj, FrameStream):
            context.add_output_metadata(dict(obj.summary()))

    def publish_companions(self, path: Path, frame: pl.DataFrame, companions: Mapping[str, str]) -> None:
        """Publish what stands beside a table: a CSV of its rows, or texts that it holds; the table comes last."""
        for name, text in companion_texts(frame, companions).items():
            publish(
                path.with_name(name),
                lambda temporary, text=text: write_text(temporary, text),
                self.root / LOCKS,
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
        upstream = context.upstream_output.definition_metadata if context.upstream_output else {}
        if CONTRACT in upstream:
            version = _plain(upstream[CONTRACT]).get("schema_version", 1)
            for path in paths.values():
                require_schema_version(path, version)
        frames = {partition: scan(path) for partition, path in paths.items()}
        if get_origin(wanted) is dict:
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


class ContentHash:
    """A hash of the values of a table, by column; chunking, encoding and metadata play no part.

    Per column and level of nesting three digests: which values are null, how long they are, and the values with nulls
    as zero. Each is of a byte stream that does not show where one batch ends, so that any batches give the same hash.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._columns = [(field.name, _type_name(field.type), [sha256() for _ in range(_depth(field.type) * 3)])
                         for field in schema]  # fmt: skip
        self._rows = 0

    def update(self, table: pa.Table) -> None:
        """Add the rows of `table`, which has the schema given at the start."""
        self._rows += table.num_rows
        for (_, _, digests), field, column in zip(self._columns, table.schema, table.columns, strict=True):
            if table.num_rows:
                _digest_values(pa.concat_arrays(column.chunks), digests, nullable=field.nullable)

    def hexdigest(self) -> str:
        """32 hexadecimal digits."""
        digest = sha256()
        for name, dtype, digests in self._columns:
            digest.update(f"{name}:{dtype}:{self._rows};".encode())
            for part in digests:
                digest.update(part.digest())
        return digest.hexdigest()[:32]


def content_hash(table: pa.Table) -> str:
    """The `ContentHash` of one table."""
    digest = ContentHash(table.schema)
    digest.update(table)
    return digest.hexdigest()


def _depth(dtype: pa.DataType) -> int:
    return 1 + _depth(dtype.value_type) if pa.types.is_large_list(dtype) else 1


def _type_name(dtype: pa.DataType) -> str:
    """Parquet renames the inner field of a list; its name is no part of the type."""
    return f"list<{dtype.value_type}>" if pa.types.is_large_list(dtype) else str(dtype)


def _digest_values(array: pa.Array, digests: Sequence[Any], *, nullable: bool) -> None:
    """Add the bytes that stand for the values of an array: nulls, lengths, values; lists go on with what they hold."""
    nulls, lengths, values, *inner = digests
    if nullable:
        nulls.update(_bytes(array.is_null()))
    if pa.types.is_large_list(array.type):
        lengths.update(_bytes(pc.call_function("list_value_length", [array]).fill_null(0)))
        _digest_values(array.flatten(), inner, nullable=True)
    elif pa.types.is_large_string(array.type):
        filled = pc.fill_null(array, "")
        lengths.update(_bytes(pc.call_function("binary_length", [filled])))
        offsets = np.frombuffer(filled.buffers()[1], np.int64)[filled.offset : filled.offset + len(filled) + 1]
        values.update(memoryview(filled.buffers()[2] or b"")[offsets[0] : offsets[-1]])
    else:
        values.update(_bytes(pc.fill_null(array, False if pa.types.is_boolean(array.type) else 0)))


def _bytes(array: pa.Array) -> memoryview:
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).data.cast("B")


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
    """What made a stored file, from its footer; raises `DamagedFileError` where there is none."""
    try:
        with parquet_file(path) as file:
            return json.loads((file.metadata.metadata or {})[PROVENANCE])
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


def file_state(path: Path) -> list[int]:
    """Size in bytes and time of change in nanoseconds: what is compared before any content is read."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    path.write_text(text, encoding="utf-8")


def companion_texts(frame: pl.DataFrame, companions: Mapping[str, str]) -> dict[str, str]:
    """File name -> text of what stands beside a table: a CSV of its rows, or texts that it holds."""
    return {
        name: frame.write_csv() if column == "*" else str(frame[column].item()) for name, column in companions.items()
    }


def companions_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """File name -> column, from an asset's definition metadata."""
    value = metadata.get(COMPANIONS, {})
    return {str(k): str(v) for k, v in _plain(value).items()}


def row_count(path: Path) -> int:
    """Rows of a stored table, from its footer."""
    with parquet_file(path) as file:
        return file.metadata.num_rows
