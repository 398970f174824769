"""What is stored is what was checked; what is damaged is named."""

import errno
import json

import dagster as dg
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.content_hash import content_hash
from resources.table_contract import Column, ContractError, TableContract
from resources.table_files import DamagedFileError, read_provenance, verify_file, write_frames
from resources.table_store import MissingPartitionError, TableStore, contract_metadata

TOY = TableContract(
    name="toy",
    description="A toy.",
    columns=(
        Column(name="gene_id", dtype="string", description="Gene."),
        Column(name="n", dtype="int32", description="Count.", unit="count", nullable=True),
        Column(name="is_on", dtype="bool", description="Flag.", nullable=True),
        Column(name="scores", dtype="list<float32>", description="Scores.", unit="probability", nullable=True),
        Column(name="names", dtype="list<string>", description="Names.", nullable=True),
    ),
    key=("gene_id",),
)

row = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(0, 100),
        "is_on": st.none() | st.booleans(),
        "scores": st.none() | st.lists(st.floats(0, 1, width=32), max_size=4),
        "names": st.none() | st.lists(st.text("abc", max_size=2), max_size=3),
    }
)


def frame_of(rows: list[dict]) -> pl.DataFrame:
    named = [{"gene_id": f"g{number:03}", **values} for number, values in enumerate(rows)]
    return TOY.conform(pl.DataFrame(named, schema=TOY.polars_schema()))


@given(st.lists(row, min_size=1, max_size=6), row)
def test_content_hash__differs_exactly_where_a_value_differs(rows, other):
    frame, changed = frame_of(rows), frame_of([other, *rows[1:]])
    hashes = {content_hash(part.to_arrow().cast(TOY.arrow_schema())) for part in (frame, changed)}
    assert (len(hashes) == 1) == frame.equals(changed)


def test_write_frames__equal_input_gives_equal_bytes_that_read_back(tmp_path):
    frame = frame_of([{"n": 1, "is_on": None, "scores": [0.25, 0.5], "names": ["a"]}] * 3)
    version = write_frames([frame], TOY, {}, tmp_path / "a.parquet")
    assert write_frames([frame], TOY, {}, tmp_path / "b.parquet") == version
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pl.read_parquet(tmp_path / "a.parquet").equals(frame)
    assert verify_file(tmp_path / "a.parquet") == version
    footer = pq.read_metadata(tmp_path / "a.parquet").metadata
    assert footer[b"coordinates"] == b"1-based closed"
    assert pq.read_schema(tmp_path / "a.parquet").field("n").metadata[b"unit"] == b"count"


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_write_frames__a_disk_that_fills_at_any_group_is_an_error(tmp_path, monkeypatch, failing):
    """Groups are written beside the making of the next, and what fails there must not be lost."""
    groups: list[int] = []

    def write_table(_writer: pq.ParquetWriter, group: pa.Table, **_options: int) -> None:
        groups.append(group.num_rows)
        if len(groups) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("resources.table_files.rows_per_group", lambda _contract: 2)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", write_table)
    with pytest.raises(OSError, match="No space left on device"):
        write_frames([frame_of([{}] * 6)], TOY, {}, tmp_path / "a.parquet")
    assert groups == [2] * failing


def test_write_frames__one_gene_is_readable_alone(tmp_path):
    rows = [{"n": n, "is_on": True, "scores": np.full(3, n / 100), "names": []} for n in range(100)]
    write_frames([frame_of(rows)], TOY, {}, tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 100


@pytest.mark.parametrize("keep", [0, 10, 400])
def test_read_provenance__truncated_file_is_named(tmp_path, keep):
    path = tmp_path / "a.parquet"
    write_frames([frame_of([])], TOY, {}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DamagedFileError, match=r"a\.parquet is truncated or was not written by this pipeline"):
        read_provenance(path)


def test_read_provenance__a_stranger_s_file_is_refused(tmp_path):
    frame_of([]).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DamagedFileError, match="not written by this pipeline"):
        read_provenance(tmp_path / "a.parquet")


def test_verify_file__flipped_byte_in_a_page_is_found(tmp_path):
    rows = [{"n": n, "is_on": True, "scores": [n / 100] * 50, "names": ["x"]} for n in range(30)]
    path = tmp_path / "a.parquet"
    write_frames([frame_of(rows)], TOY, {}, path)
    whole = path.read_bytes()
    harmless = []
    for place in range(4, 400, 40):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            verify_file(path)
            harmless.append(pl.DataFrame(pq.read_table(path)).equals(frame_of(rows)))  # a byte that holds no value
        except DamagedFileError:
            continue
    assert all(harmless)
    assert len(harmless) < 5


chromosomes = dg.StaticPartitionsDefinition(["22", "Y"])


@dg.asset(
    metadata=contract_metadata(TOY, {}), partitions_def=chromosomes, code_version="1", io_manager_key="table_store"
)
def toy(context: dg.AssetExecutionContext) -> pl.DataFrame:
    if context.partition_key == "Y":
        return frame_of([]).with_columns(extra=1)
    return frame_of([{"n": 1, "is_on": True, "scores": [0.5], "names": ["a"]}])


@dg.asset(metadata=contract_metadata(TOY, {}), code_version="1", io_manager_key="table_store")
def pooled(toy: dict[str, pl.LazyFrame]) -> pl.DataFrame:
    return pl.concat(toy.values()).collect()


def run(tmp_path, asset, partition=None, **options):
    return dg.materialize(
        [toy, pooled],
        selection=[asset],
        partition_key=partition,
        resources={"table_store": TableStore(base_dir=str(tmp_path))},
        **options,
    )


def test_table_store__publishes_and_reports(tmp_path):
    result = run(tmp_path, toy, "22")
    (event,) = result.get_asset_materialization_events()
    record = event.step_materialization_data.materialization
    path = tmp_path / "toy" / "22.parquet"
    assert record.metadata["dagster/partition_row_count"].value == 1
    assert json.loads(record.metadata["files"].value) == {"22.parquet": [path.stat().st_size, path.stat().st_mtime_ns]}
    assert record.tags["dagster/data_version"] == read_provenance(path)["data_version"]


def test_table_store__broken_contract_publishes_nothing(tmp_path):
    with pytest.raises(ContractError, match="toy: schema differs: extra is Int32"):
        run(tmp_path, toy, "Y")
    assert list((tmp_path / "toy").iterdir()) == []


def test_table_store__names_every_missing_partition(tmp_path):
    run(tmp_path, toy, "22")
    with pytest.raises(MissingPartitionError, match=r"toy: 1 of 2 partitions have no file \(Y\)"):
        run(tmp_path, pooled)


def test_table_store__refuses_a_truncated_input(tmp_path):
    run(tmp_path, toy, "22")
    (tmp_path / "toy" / "Y.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedFileError, match=r"Y\.parquet is truncated"):
        run(tmp_path, pooled)
