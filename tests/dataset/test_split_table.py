import polars as pl
import pytest

from builder_assets.dataset.split_table import user_sides
from builder_assets.dataset.splits import SplitError, assign_splits, sides_of_genes
from builder_assets.selection import select_genes
from builder_assets.settings import GeneChoice, SplitSettings
from tests.test_selection import genes_table

GENES = genes_table(
    {"gene_id": "G1", "gene_name": "ONE"}, {"gene_id": "G2"}, {"gene_id": "G3"}, {"gene_id": "G4"},
    {"gene_id": "G5", "chrom": "X"}, {"gene_id": "G5", "chrom": "Y"},
)  # fmt: skip
UNITS = pl.DataFrame(
    {"chrom": ["1", "1", "1", "1", "X", "Y"], "gene_id": ["G1", "G2", "G3", "G4", "G5", "G5"]}
).with_columns(unit=pl.Series(["a", "b", "a", "d", "e", "e"]), unit_size=pl.lit(1))
BY_TABLE = SplitSettings(by="table", file="splits.tsv")


def table(**sides: str) -> pl.DataFrame:
    return pl.DataFrame({"gene_id": list(sides), "split": list(sides.values())})


def test_user_sides__entries_mean_genes_as_in_lists() -> None:
    rows = pl.DataFrame({"gene_id": ["one", "G2.3", "X|G5"], "split": ["Train", "VAL", "test"]})
    assert user_sides(rows, GENES).rows() == [("1", "G1", "train"), ("1", "G2", "validation"), ("X", "G5", "test")]


def test_assign_splits__by_table_keeps_units_together() -> None:
    sides = user_sides(table(G1="train", G2="test", G3="test"), GENES)
    chosen = select_genes(GENES, GeneChoice(policy="all")).table
    assigned = assign_splits(chosen, UNITS, BY_TABLE, (), sides)
    found = {(c, g): (s, r) for c, g, s, r in assigned.select("chrom", "gene_id", "split", "reason").iter_rows()}
    assert found["1", "G1"][0] == "train"
    assert found["1", "G2"][0] == "test"
    assert found["1", "G3"] == ("excluded", "policy all; excluded: a test gene, but its unit a has a train gene")
    assert found["1", "G4"] == ("excluded", "policy all; excluded: the user's table gives it no side")


def test_sides_of_genes__by_chromosome() -> None:
    settings = SplitSettings(by="chromosome", chromosomes={"train": ("1",), "test": ("Y",)})
    sides = sides_of_genes(UNITS, settings).filter(pl.col("gene_id").is_in(["G1", "G5"]))
    assert sides.sort("chrom").rows() == [("1", "G1", "train"), ("X", "G5", None), ("Y", "G5", "test")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table(G1="training set"), "1 words in the column split are no side: 'training set'; known are train"),
        (table(NOPE="train", G5="test"), "1 of 2 entries that mean no gene of the annotation and 1 that mean several"),
        (table(G1="train", ONE="test"), r"puts 1 genes on two sides, first 1\|G1 on test and train"),
    ],
)
def test_user_sides__says_what_is_wrong(rows, message) -> None:
    with pytest.raises(SplitError, match=message):
        user_sides(rows, GENES)


def test_splits__a_table_without_sides_or_training_genes() -> None:
    chosen = select_genes(GENES, GeneChoice(policy="all")).table
    with pytest.raises(SplitError, match="by: table needs the sides"):
        assign_splits(chosen, UNITS, BY_TABLE, ())
    with pytest.raises(SplitError, match=r"no gene is left for train: .* Give more of them the side train"):
        assign_splits(chosen, UNITS, BY_TABLE, (), user_sides(table(G2="test"), GENES))


@pytest.mark.parametrize("values", [{"by": "table"}, {"by": "gene", "file": "x.tsv"}])
def test_split_settings__table_and_file_belong_together(values) -> None:
    with pytest.raises(ValueError, match="`by: table` and `file:`"):
        SplitSettings(**values)
