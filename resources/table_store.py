"""Tables as assets hand them over and ask for them: checked against their contracts, published whole, recorded.

The asset brings its contract as definition metadata (`contract`). The data version that is recorded is a hash of the
columns, so an unchanged rebuild stops downstream work.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

import dagster as dg
import polars as pl

from resources.frame_stream import FrameStream
from resources.places import place
from resources.publishing import LOCKS, publish
from resources.table_contract import ContractError, TableContract
from resources.table_files import (
    SETTINGS,
    file_state,
    read_provenance,
    require_schema_version,
    row_count,
    scan,
    write_frames,
)

CONTRACT = "contract"  # definition metadata: the table's contract
COMPANIONS = "companions"  # definition metadata: file name -> column of a one-row table, or "*" for all rows as CSV
FILES = "files"  # materialisation metadata: name -> [size, mtime_ns] of what was published
INPUTS = "inputs"  # materialisation metadata and footer: data version of every input partition


class MissingPartitionError(FileNotFoundError):
    """A table that is to be read has not been built; the text names every missing partition."""


def contract_metadata(contract: TableContract, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Definition metadata by which an asset tells the store, and the UI, what its table promises and what it reads.

    Args:
        contract: Of the table.
        settings: Dotted name of a setting -> value; nothing else shapes the table's rows but its inputs.
    """
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
        SETTINGS: dg.JsonMetadataValue(dict(settings)),
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
            SETTINGS: settings_of(context.definition_metadata),
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
        made_by = read_provenance(path)
        files = {file.name: file_state(file) for file in (path, *(path.with_name(name) for name in companions))}
        return {
            "dagster/partition_row_count" if partition is not None else "dagster/row_count": row_count(path),
            "path": dg.MetadataValue.path(str(path)),
            "size_bytes": path.stat().st_size,
            FILES: dg.MetadataValue.text(json.dumps(files, sort_keys=True)),
            SETTINGS: dg.MetadataValue.text(json.dumps(made_by.get(SETTINGS, {}), sort_keys=True)),
            INPUTS: dg.MetadataValue.text(json.dumps(made_by[INPUTS], sort_keys=True)),
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


def settings_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that an asset's definition says it reads."""
    return dict(_plain(metadata.get(SETTINGS, {})))
