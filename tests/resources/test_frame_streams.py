"""The store's own promises: any cut into frames gives the same file; what breaks the contract is not published."""

from itertools import pairwise

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources import table_files
from resources.frame_stream import checked_frames
from resources.table_contract import Column, ContractError, TableContract
from resources.table_files import (
    DamagedFileError,
    SchemaVersionError,
    read_provenance,
    require_schema_version,
    rows_per_group,
    verify_file,
    write_frames,
)

CONTRACT = TableContract(
    name="toy",
    description="A toy.",
    columns=(
        Column(name="id", dtype="int64", description="Key."),
        Column(name="text", dtype="string", description="Null where odd.", nullable=True),
        Column(name="score", dtype="float32", description="A number.", nullable=True, minimum=0),
        Column(name="names", dtype="list<string>", description="A list.", nullable=True),
        Column(name="bits", dtype="list<uint8>", description="Zeros and ones."),
    ),
    key=("id",),
)


def frame(n: int) -> pl.DataFrame:
    numbers = range(n)
    return pl.DataFrame(
        {
            "id": numbers,
            "text": [None if i % 2 else f"t{i}" for i in numbers],
            "score": [None if i % 5 == 4 else i / 7 for i in numbers],
            "names": [None if i % 3 == 2 else ["a"] * (i % 4) for i in numbers],
            "bits": [[i % 2, 1] for i in numbers],
        },
        schema=CONTRACT.polars_schema(),
    )


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 40), max_size=5), group=st.integers(1, 50))
def test_write_frames__any_cut_gives_the_same_bytes(tmp_path_factory, cuts, group) -> None:
    folder, table = tmp_path_factory.mktemp("cuts"), frame(40)
    edges = [0, *sorted(cuts), 40]
    parts = [table[low:high] for low, high in pairwise(edges)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_files, "ROWS_PER_GROUP", group)
        versions = {
            write_frames(frames, CONTRACT, {"inputs": {}}, folder / name)
            for name, frames in (("whole", [table]), ("parts", parts))
        }
    assert len(versions) == 1
    assert (folder / "whole").read_bytes() == (folder / "parts").read_bytes()
    assert pl.read_parquet(folder / "parts").equals(table)
    assert verify_file(folder / "parts") == versions.pop()
    assert {pq.read_metadata(folder / "parts").row_group(0).num_rows} == {min(group, 40)}


def test_write_frames__equal_values_in_other_row_groups_have_the_same_version(tmp_path, monkeypatch) -> None:
    one = write_frames([frame(30)], CONTRACT, {}, tmp_path / "a")
    monkeypatch.setattr(table_files, "ROWS_PER_GROUP", 7)
    assert write_frames([frame(30)], CONTRACT, {}, tmp_path / "b") == one
    assert pq.read_metadata(tmp_path / "b").num_row_groups == 5


@pytest.mark.parametrize(
    "change",
    [
        pl.col("text").fill_null(""),  # a null is no empty text
        pl.col("score").fill_null(0),
        pl.col("names").fill_null([]),
        pl.col("bits").list.reverse(),
    ],
)
def test_write_frames__every_changed_value_changes_the_version(tmp_path, change) -> None:
    table = frame(6)
    changed = table.with_columns(change)
    assert not changed.equals(table)
    assert write_frames([changed], CONTRACT, {}, tmp_path / "a") != write_frames([table], CONTRACT, {}, tmp_path / "b")


def test_write_frames__without_any_frame_there_is_an_empty_table(tmp_path) -> None:
    write_frames([], CONTRACT, {"asset": "toy"}, tmp_path / "a")
    assert pl.read_parquet(tmp_path / "a").schema == CONTRACT.polars_schema()
    assert read_provenance(tmp_path / "a")["asset"] == "toy"


def test_verify_file__other_values_than_promised(tmp_path) -> None:
    write_frames([frame(4)], CONTRACT, {}, tmp_path / "a")
    metadata = pq.read_schema(tmp_path / "a").metadata | pq.read_metadata(tmp_path / "a").metadata
    table = pq.read_table(tmp_path / "a").slice(1)
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a")
    with pytest.raises(DamagedFileError, match="holds other values than its footer promises"):
        verify_file(tmp_path / "a")


@pytest.mark.parametrize(
    ("order", "message"),
    [([3, 0], r"frame 2 begins with the key \(0,\), the one before ended with \(5,\)"), ([0, 0], "frame 2 begins")],
)
def test_checked_frames__keys_must_ascend_from_frame_to_frame(order, message) -> None:
    table = frame(6)
    with pytest.raises(ContractError, match=message):
        list(checked_frames([table[first : first + 3] for first in order], CONTRACT))


def test_checked_frames__each_frame_is_checked() -> None:
    bad = frame(6).with_columns(score=pl.lit(-1.0, pl.Float32))
    with pytest.raises(ContractError, match=r"toy.score: values from -1.0 to -1.0, allowed 0"):
        list(checked_frames([frame(3), bad[3:]], CONTRACT))


def test_checked_frames__a_table_in_another_order_comes_whole() -> None:
    other = CONTRACT.model_copy(update={"sort": ("score",), "key": ("id",)})
    parts = [frame(3), frame(6)[3:4]]
    with pytest.raises(ContractError, match="not sorted by its key cannot come in several frames"):
        list(checked_frames(parts, other))


def test_rows_per_group__wide_tables_have_small_groups() -> None:
    wide = tuple(Column(name=f"c{i}", dtype="uint16", description="A count.") for i in range(4160))
    assert rows_per_group(CONTRACT.model_copy(update={"columns": wide})) == 64_000_000 // 8320


def test_require_schema_version__refuses_a_file_of_another_version(tmp_path) -> None:
    write_frames([frame(3)], CONTRACT.model_copy(update={"schema_version": 3}), {}, tmp_path / "a")
    require_schema_version(tmp_path / "a", 3)
    with pytest.raises(SchemaVersionError, match="has schema version 3, this code knows version 4"):
        require_schema_version(tmp_path / "a", 4)


def test_write_frames__roles_and_units_stand_in_the_file(tmp_path) -> None:
    column = Column(name="n", dtype="int64", description="Number of bases.", unit="bases", role="feature")
    write_frames([pl.DataFrame({"n": [1]})], CONTRACT.model_copy(update={"columns": (column,), "key": ("n",)}), {},
                 tmp_path / "a")  # fmt: skip
    metadata = pq.read_schema(tmp_path / "a").field("n").metadata
    assert (metadata[b"role"], metadata[b"unit"], metadata[b"description"]) == (
        b"feature",
        b"bases",
        b"Number of bases.",
    )
