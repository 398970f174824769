"""A contract refuses what it does not promise, and says what, where and how many."""

import polars as pl
import pytest

from resources.table_contract import Column, ContractError, TableContract

CONTRACT = TableContract(
    name="toy",
    description="A toy.",
    columns=(
        Column(name="chrom", dtype="string", description="Chromosome."),
        Column(name="position", dtype="int64", description="Position.", minimum=1, maximum=10),
        Column(name="strand", dtype="string", description="Strand.", allowed=("+", "-")),
        Column(name="score", dtype="float32", description="Score.", nullable=True),
    ),
    key=("chrom", "position"),
)


def toy(**changes) -> pl.DataFrame:
    rows = {"chrom": ["1", "1"], "position": [3, 4], "strand": ["+", "-"], "score": [0.5, None]}
    return pl.DataFrame(rows | changes, schema_overrides={"score": pl.Float32})


def test_check__accepts_what_is_promised():
    CONTRACT.check(toy())


def test_check__accepts_no_rows():
    CONTRACT.check(CONTRACT.empty())


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (toy(chrom=["1", None]), r"toy\.chrom: 1 of 2 values are null"),
        (toy(score=[0.5, float("nan")]), r"toy\.score: 1 of 2 values are NaN or infinite"),
        (toy(score=[float("inf"), 0.1]), r"toy\.score: 1 of 2 values are NaN or infinite"),
        (toy(position=[0, 4]), r"toy\.position: values from 0 to 4, allowed 1\.0 to 10\.0"),
        (toy(position=[3, 11]), r"toy\.position: values from 3 to 11"),
        (toy(strand=["+", "."]), r"toy\.strand: \. not among \+, -"),
        (toy(position=[3, 3]), r"toy: 2 of 2 rows repeat a key|toy: 1 of 2 rows repeat a key \(chrom, position\)"),
        (toy(position=[4, 3]), "toy: rows are not sorted by chrom, position"),
        (toy().drop("score"), "toy: schema differs: score is missing, should be Float32"),
        (toy().with_columns(extra=1), "toy: schema differs: extra is Int32, should be absent"),
        (toy().select("position", "chrom", "strand", "score"), "toy: schema differs: order of columns"),
        (toy().cast({"position": pl.Int32}), "toy: schema differs: position is Int32, should be Int64"),
    ],
)
def test_check__names_what_is_broken(frame, text):
    with pytest.raises(ContractError, match=text):
        CONTRACT.check(frame)


def test_conform__casts_orders_and_sorts():
    frame = toy(position=[4, 3]).cast({"position": pl.Int32}).select("score", "strand", "position", "chrom")
    conformed = CONTRACT.conform(frame)
    CONTRACT.check(conformed)
    assert conformed["position"].to_list() == [3, 4]


def test_conform__names_missing_columns():
    with pytest.raises(ContractError, match="toy: 2 columns are missing: strand; score"):
        CONTRACT.conform(toy().drop("strand", "score"))


def test_conform__says_what_cannot_be_cast():
    with pytest.raises(ContractError, match="toy: a column cannot be given its type"):
        CONTRACT.conform(toy(position=["a", "b"]))


def test_arrow_schema__carries_role_and_unit():
    column = Column(name="donor_score", dtype="float32", description="P(donor).", unit="probability", role="feature")
    field = TableContract(name="t", description="", columns=(column,)).arrow_schema().field("donor_score")
    assert field.metadata == {
        b"role": b"feature",
        b"unit": b"probability",
        b"values": b"",
        b"description": b"P(donor).",
    }
    assert not field.nullable


def test_arrow_schema__tells_legal_values():
    fields = {field.name: field.metadata[b"values"].decode() for field in CONTRACT.arrow_schema()}
    assert fields == {"chrom": "", "position": "1 to 10", "strand": "+, -", "score": ""}
    bounds = [Column(name="x", dtype="int8", description="X.", **bound) for bound in ({"minimum": 0}, {"maximum": 2.5})]
    assert [column.values for column in bounds] == ["at least 0", "at most 2.5"]
