"""What every asset has in common: names, contract, version, backfill policy, and how it reports."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import BaseModel

from builder_assets.manifest import INPUT_FILES, JUDGED_VERSION, code_version, flat_settings
from resources.frame_stream import FrameStream
from resources.table_contract import TableContract
from resources.table_files import read_provenance
from resources.table_store import COMPANIONS, contract_metadata

Decorator = Callable[[Callable[..., Any]], dg.AssetsDefinition]

STORE = "table_store"
MANIFEST = "manifest"

# One constant for all chromosome assets: with differing policies a backfill runs each asset in a wave of its own.
ONE_RUN_PER_CHROMOSOME = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)


def table_asset(
    prefix: str,
    contract: TableContract,
    logic: int,
    *settings: BaseModel,
    inputs: Mapping[str, Iterable[str]] | None = None,
    partitions: dg.PartitionsDefinition | None = None,
    input_files: Iterable[Path] = (),
    resources: Iterable[str] = (),
    kinds: Iterable[str] = ("polars", "parquet"),
    companions: Mapping[str, str] | None = None,
    over_chromosomes: Iterable[str] = (),
    pool: str | None = None,
    op_tags: Mapping[str, Any] | None = None,
) -> Decorator:
    """`@dg.asset` for one stored table.

    Args:
        prefix: Name of the genome, base model or dataset: key prefix and group.
        contract: What the table promises.
        logic: Raised by one when the asset's rule changes.
        settings: Every settings model that the asset reads; nothing else may shape its rows.
        inputs: Parameter name -> asset key path of each upstream table.
        partitions: The chromosomes; None for a table over all of them.
        input_files: The user's files that this asset registers.
        resources: Resource keys that the asset uses.
        kinds: Badges in the UI, at most three.
        companions: Files published beside the table: name -> column of a one-row table, or "*" for all rows as CSV.
        over_chromosomes: Inputs that a function of `**inputs` gets as one lazy frame per chromosome; elsewhere the
            annotation of the parameter says so.
        pool: Dagster pool that limits how many run at once.
        op_tags: What an executor on several machines should know of the step, such as its need of a GPU.
    """
    metadata = contract_metadata(contract, flat_settings(*settings))
    if files := [str(path) for path in input_files]:
        metadata[INPUT_FILES] = files
    if companions:
        metadata[COMPANIONS] = dg.JsonMetadataValue(dict(companions))
    return dg.asset(
        name=contract.name,
        key_prefix=prefix,
        group_name=prefix,
        description=contract.description,
        code_version=code_version(logic, contract.schema_version, *settings),
        metadata=metadata,
        io_manager_key=STORE,
        kinds=set(kinds),
        ins=asset_inputs(inputs or {}, over_chromosomes),
        partitions_def=partitions,
        backfill_policy=ONE_RUN_PER_CHROMOSOME if partitions else None,
        required_resource_keys=set(resources),
        pool=pool,
        op_tags=op_tags,
    )


def tables_step(
    prefix: str,
    name: str,
    contracts: Iterable[TableContract],
    logic: int,
    *settings: BaseModel,
    inputs: Mapping[str, Iterable[str]],
    partitions: dg.PartitionsDefinition,
    resources: Iterable[str] = (),
) -> Decorator:
    """`@dg.multi_asset` for several tables of one chromosome made in one step; see `table_asset`."""
    return dg.multi_asset(
        name=f"{prefix}__{name}",
        outs={
            contract.name: dg.AssetOut(
                key=dg.AssetKey([prefix, contract.name]),
                description=contract.description,
                metadata=contract_metadata(contract, flat_settings(*settings)),
                code_version=code_version(logic, contract.schema_version, *settings),
                group_name=prefix,
                kinds={"polars", "parquet"},
                io_manager_key=STORE,
                dagster_type=dg.Any,  # pyright: ignore[reportArgumentType]  a frame or a FrameStream; the store checks either
            )
            for contract in contracts
        },
        ins=asset_inputs(inputs),
        partitions_def=partitions,
        backfill_policy=ONE_RUN_PER_CHROMOSOME,
        required_resource_keys=set(resources),
    )


def asset_inputs(inputs: Mapping[str, Iterable[str]], over_chromosomes: Iterable[str] = ()) -> dict[str, dg.AssetIn]:
    """Parameter name -> asset key path, as Dagster wants it."""
    many = set(over_chromosomes)
    types: dict[str, Any] = {parameter: {"dagster_type": dict[str, pl.LazyFrame]} for parameter in many}
    return {
        parameter: dg.AssetIn(key=dg.AssetKey(list(path)), **types.get(parameter, {}))
        for parameter, path in inputs.items()
    }


class Report:
    """Counts the seconds of an asset and makes its result."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def stream(
        self, frames: Iterable[pl.DataFrame], asset_key: list[str], summary: Callable[[], Mapping[str, Any]] = dict
    ) -> dg.MaterializeResult[Any]:
        """A table that comes in frames; seconds and `summary` are recorded after the last one."""
        stream = FrameStream(frames, lambda: {"seconds": self._seconds(), **summary()})
        return dg.MaterializeResult(value=stream, asset_key=dg.AssetKey(asset_key))

    def _seconds(self) -> float:
        return round(time.perf_counter() - self._started, 3)

    def result(self, value: Any, asset_key: list[str] | None = None, **metadata: Any) -> dg.MaterializeResult[Any]:
        """The value to store, with seconds and `metadata` for the UI."""
        return dg.MaterializeResult(
            value=value,
            asset_key=dg.AssetKey(asset_key) if asset_key else None,
            metadata={"seconds": self._seconds(), **metadata},
        )


def check_result(
    passed: bool, *, blocking: bool, text: str, path: Path, numbers: Mapping[str, Any]
) -> dg.AssetCheckResult:
    """A verdict that people can read: ERROR where it must stop what comes after, else WARN.

    Args:
        passed: The verdict.
        blocking: Whether a failure stops what comes after.
        text: One or two sentences with the numbers that decided.
        path: File of the table that was judged: the verdict holds for this content.
        numbers: Shown beside it.
    """
    severity = dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN
    judged = {JUDGED_VERSION: read_provenance(path)["data_version"]}
    return dg.AssetCheckResult(passed=passed, severity=severity, description=text, metadata={**numbers, **judged})


def markdown_table(frame: pl.DataFrame) -> str:
    """A small table as the UI shows it."""
    head = "| " + " | ".join(frame.columns) + " |\n|" + "---|" * len(frame.columns)
    rows = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.iter_rows()]
    return "\n".join([head, *rows])


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)
